"""Objects on a background: exact, and without a trace of the old background."""

import tracemalloc

import numpy as np
import pytest

from segmentation.compositing.backgrounds import (
    Background,
    Blurred,
    Colour,
    Gradient,
    Picture,
    Scene,
    Transparent,
)
from segmentation.compositing.compose import compose, composed_mask
from segmentation.compositing.crop import CROPS, Crop
from segmentation.image.photo import Photo
from tests.segmentation.compositing.images import noise, photo, soft_disc

BACKGROUNDS: list[Background] = [
    Transparent(),
    Colour((1, 2, 3)),
    Gradient((1, 2, 3), (200, 100, 50)),
    Blurred(),
    Picture(photo(noise(30, 70, 5))),
    Picture(photo(noise(30, 70, 5)), "contain"),
]


@pytest.mark.parametrize("background", BACKGROUNDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("size_hw", [(16, 16), (60, 41), (17, 900), (1100, 40)])
def test_the_result_has_the_photos_size_and_leaves_the_inside_unchanged(
    background: Background, size_hw: tuple[int, int]
) -> None:
    rgb, alpha = noise(*size_hw), soft_disc(*size_hw)
    before = rgb.copy(), alpha.copy()
    image = compose(photo(rgb), alpha, background)
    channels = 4 if isinstance(background, Transparent) else 3
    assert image.shape == (*size_hw, channels)
    assert image.dtype == np.uint8
    assert (image[alpha == 255][:, :3] == rgb[alpha == 255]).all()
    assert (rgb == before[0]).all()
    assert (alpha == before[1]).all()


@pytest.mark.parametrize("background", BACKGROUNDS, ids=lambda kind: type(kind).__name__)
def test_a_large_photo_takes_at_most_five_times_its_own_memory(background: Background) -> None:
    source, alpha = photo(np.full((2000, 3000, 3), 90, np.uint8)), soft_disc(2000, 3000)
    tracemalloc.start()
    compose(source, alpha, background)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * source.rgb.nbytes


def test_a_transparent_background_keeps_alpha_straight() -> None:
    rgb, alpha = noise(40, 40), soft_disc(40, 40)
    image = compose(photo(rgb), alpha, Transparent())
    assert (image[..., 3] == alpha).all()
    assert (image[alpha == 0][:, :3] == rgb[alpha == 0]).all()


def test_a_colour_is_exact_outside_and_blended_by_the_formula_at_the_edge() -> None:
    rgb, alpha = np.full((40, 40, 3), 200, np.uint8), soft_disc(40, 40)
    image = compose(photo(rgb), alpha, Colour((10, 20, 30)))
    assert (image[alpha == 0] == (10, 20, 30)).all()
    share = alpha[..., None] / 255
    np.testing.assert_array_equal(image, np.rint(rgb * share + (1 - share) * (10, 20, 30)))


@pytest.mark.parametrize("background", BACKGROUNDS[:-1], ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("crop", CROPS)
def test_a_crop_shows_the_same_pixels_in_another_frame(background: Background, crop: Crop) -> None:
    """The object is in a corner, so all but the tight crop reach beyond the photo."""
    rgb, alpha = noise(60, 60), np.zeros((60, 60), np.uint8)
    alpha[4:24, 6:16] = 255
    image = compose(photo(rgb), alpha, background, crop=crop)
    mask = composed_mask(alpha, background, crop=crop)
    assert image.shape[:2] == mask.shape
    assert (image[mask == 255][:, :3] == rgb[alpha == 255]).all()
    if isinstance(background, Colour):
        assert (image[mask == 0] == background.rgb).all()
    if isinstance(background, Transparent):
        assert (image[..., 3] == mask).all()


def test_a_blurred_background_continues_beyond_the_photo() -> None:
    rgb, alpha = np.full((60, 60, 3), 90, np.uint8), np.zeros((60, 60), np.uint8)
    alpha[2:58, 25:35] = 255
    image = compose(photo(rgb), alpha, Blurred(), crop="square")
    assert image.shape[0] > 60
    assert (image == 90).all()


def test_partly_transparent_pixels_of_the_file_keep_their_colour() -> None:
    rgb = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    file_alpha = np.tile(np.linspace(0, 255, 60).astype(np.uint8), (40, 1))
    image = compose(Photo(rgb, file_alpha, "soft", ()), file_alpha, Transparent())
    np.testing.assert_array_equal(image[..., 3], file_alpha)
    assert (image[file_alpha > 0][:, :3] == (200, 100, 50)).all()


@pytest.mark.parametrize("kind", ["picture", "scene", "blur"])
def test_a_partly_transparent_background_photo_is_shown_on_white(kind: str) -> None:
    black = np.zeros((60, 60, 3), np.uint8)
    faint = Photo(black, np.full((60, 60), 20, np.uint8), "faint", ())
    background = {"picture": Picture(faint), "scene": Scene(faint), "blur": Blurred()}[kind]
    nothing = np.zeros((60, 60), np.uint8)
    image = compose(faint if kind == "blur" else photo(black), nothing, background)
    np.testing.assert_allclose(image, 235, atol=1)
