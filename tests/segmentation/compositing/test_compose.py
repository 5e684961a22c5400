"""Objects on a background: exact, of the photo's size, without a trace of what was behind."""

import tracemalloc

import numpy as np
import pytest

from segmentation.arrays import UInt8
from segmentation.compositing.backgrounds import (
    Background,
    Blurred,
    Colour,
    Gradient,
    Picture,
    Scene,
    Transparent,
    parse_colour,
)
from segmentation.compositing.compose import compose, composed_mask
from segmentation.compositing.crop import CROPS, Crop
from segmentation.errors import ChoiceError
from segmentation.image.photo import Photo


def photo(rgb: UInt8, alpha: UInt8 | None = None) -> Photo:
    return Photo(rgb, alpha, "photo", ())


def noise(height: int, width: int, seed: int = 0) -> UInt8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def disc(height: int, width: int) -> UInt8:
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2)
    return np.clip((min(height, width) / 4 - distance) * 60 + 128, 0, 255).astype(np.uint8)


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
def test_the_size_is_the_photos_and_the_inside_untouched(
    background: Background, size_hw: tuple[int, int]
) -> None:
    rgb, alpha = noise(*size_hw), disc(*size_hw)
    before = rgb.copy(), alpha.copy()
    image = compose(photo(rgb), alpha, background)
    channels = 4 if isinstance(background, Transparent) else 3
    assert image.shape == (*size_hw, channels)
    assert image.dtype == np.uint8
    assert (image[alpha == 255][:, :3] == rgb[alpha == 255]).all()
    assert (rgb == before[0]).all()
    assert (alpha == before[1]).all()


@pytest.mark.parametrize("background", BACKGROUNDS, ids=lambda kind: type(kind).__name__)
def test_a_large_photo_takes_few_times_its_own_memory(background: Background) -> None:
    source, alpha = photo(np.full((2000, 3000, 3), 90, np.uint8)), disc(2000, 3000)
    tracemalloc.start()
    compose(source, alpha, background)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * source.rgb.nbytes


def test_a_transparent_background_keeps_alpha_straight() -> None:
    rgb, alpha = noise(40, 40), disc(40, 40)
    image = compose(photo(rgb), alpha, Transparent())
    assert (image[..., 3] == alpha).all()
    assert (image[alpha == 0][:, :3] == rgb[alpha == 0]).all()


def test_a_colour_is_exact_outside_and_blended_by_the_formula_between() -> None:
    rgb, alpha = np.full((40, 40, 3), 200, np.uint8), disc(40, 40)
    image = compose(photo(rgb), alpha, Colour((10, 20, 30)))
    assert (image[alpha == 0] == (10, 20, 30)).all()
    share = alpha[..., None] / 255
    np.testing.assert_array_equal(image, np.rint(rgb * share + (1 - share) * (10, 20, 30)))


def test_a_blurred_background_is_smooth_and_has_no_glow() -> None:
    """Nothing of a white object may reach the grey behind it."""
    alpha = disc(300, 400)
    rgb = np.where(alpha[..., None] > 0, 255, 90).astype(np.uint8).repeat(3, axis=2)
    image = compose(photo(rgb), alpha, Blurred())
    assert np.abs(image[alpha == 0].astype(int) - 90).max() <= 1
    rough = compose(photo(noise(300, 400)), np.zeros((300, 400), np.uint8), Blurred())
    assert rough.std() < 12


def test_where_all_is_object_the_blur_has_still_something_to_show() -> None:
    image = compose(photo(noise(50, 50)), np.full((50, 50), 255, np.uint8), Blurred())
    np.testing.assert_array_equal(image, noise(50, 50))


@pytest.mark.parametrize("size_hw", [(100, 400), (400, 100), (30, 30), (16, 1000), (1000, 16)])
@pytest.mark.parametrize("other_hw", [(90, 90), (16, 3000), (3000, 16), (600, 800)])
def test_a_picture_covers_the_frame_from_its_middle(
    size_hw: tuple[int, int], other_hw: tuple[int, int]
) -> None:
    other = np.zeros((*other_hw, 3), np.uint8)
    other[..., 0] = np.linspace(0, 255, other_hw[1])
    other[..., 1] = np.linspace(0, 255, other_hw[0])[:, None]
    nothing = np.zeros(size_hw, np.uint8)
    image = compose(photo(noise(*size_hw)), nothing, Picture(photo(other)))
    assert image.shape == (*size_hw, 3)
    assert image[..., :2].mean(axis=(0, 1)) == pytest.approx([127.5, 127.5], abs=6)
    scale = max(size_hw[0] / other_hw[0], size_hw[1] / other_hw[1])
    for channel, axis in ((0, 1), (1, 0)):
        shown = size_hw[axis] / (other_hw[axis] * scale)
        spread = np.ptp(image[..., channel].astype(int))
        assert spread == pytest.approx(255 * shown, abs=20)


def test_a_picture_is_not_changed_by_being_used() -> None:
    other = noise(40, 40, 9)
    before = other.copy()
    image = compose(photo(noise(40, 40)), disc(40, 40), Picture(photo(other)))
    assert (other == before).all()
    assert (image[disc(40, 40) == 0] == before[disc(40, 40) == 0]).all()


@pytest.mark.parametrize("other_hw", [(90, 90), (16, 900), (900, 16), (60, 80)])
@pytest.mark.parametrize("size_hw", [(100, 400), (400, 100), (60, 80)])
def test_a_picture_that_is_contained_is_all_there(
    size_hw: tuple[int, int], other_hw: tuple[int, int]
) -> None:
    """Seen by its corners, each of another colour, and by its middle of a colour of its own."""
    other = np.full((*other_hw, 3), 128, np.uint8)
    height, width = (side // 4 for side in other_hw)
    other[:height, :width], other[-height:, -width:] = (255, 0, 0), (0, 0, 255)
    nothing = np.zeros(size_hw, np.uint8)
    image = compose(photo(noise(*size_hw)), nothing, Picture(photo(other), "contain"))
    assert image.shape == (*size_hw, 3)
    scale = min(size_hw[0] / other_hw[0], size_hw[1] / other_hw[1])
    shown_h, shown_w = (max(1, round(side * scale)) for side in other_hw)
    top, left = (size_hw[0] - shown_h) // 2, (size_hw[1] - shown_w) // 2
    assert image[top, left].argmax() == 0
    assert image[top + shown_h - 1, left + shown_w - 1].argmax() == 2
    if size_hw == other_hw:
        assert (image == other).all()


def test_a_gradient_runs_from_top_to_bottom() -> None:
    image = compose(
        photo(noise(51, 20)), np.zeros((51, 20), np.uint8), Gradient((0, 50, 255), (100, 50, 5))
    )
    assert (image == image[:, :1]).all()
    assert image[:, 0, 0].tolist() == list(range(0, 101, 2))
    assert (image[..., 1] == 50).all()
    assert image[:, 0, 2].tolist() == list(range(255, 4, -5))


def test_a_scene_gives_its_size_and_the_object_stands_where_it_is_placed() -> None:
    rgb, alpha = np.full((50, 90, 3), (200, 10, 30), np.uint8), np.zeros((50, 90), np.uint8)
    alpha[10:30, 20:30] = 255
    behind = noise(120, 160)
    scene = Scene(photo(behind), scale=0.5, position_xy=(0.25, 0.5))
    image = compose(photo(rgb), alpha, scene)
    assert image.shape == behind.shape
    # 20 x 10 pixels that would fit as 120 x 60, at half of that, around (40, 60).
    assert (image[30:90, 25:55] == (200, 10, 30)).all()
    image[30:90, 25:55] = behind[30:90, 25:55]
    assert (image == behind).all()
    mask = composed_mask(alpha, scene)
    assert mask.shape == (120, 160)
    assert (mask[30:90, 25:55] == 255).all()
    assert mask.sum() == 255 * 60 * 30


@pytest.mark.parametrize("scale", [0.1, 0.5, 3])
def test_an_object_in_a_scene_has_no_rim(scale: float) -> None:
    """A white object cut out of black stays white on white, however its edge is resampled."""
    alpha = disc(200, 200)
    rgb = np.full((200, 200, 3), 255, np.uint8)
    rgb[alpha == 0] = 0
    scene = Scene(photo(np.full((150, 150, 3), 255, np.uint8)), scale)
    assert compose(photo(rgb), alpha, scene).min() >= 254


@pytest.mark.parametrize("position_xy", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_what_stands_at_the_border_of_a_scene_is_cut_there(
    position_xy: tuple[float, float],
) -> None:
    scene = Scene(photo(noise(60, 80)), 1.5, position_xy)
    image = compose(photo(noise(40, 40)), disc(40, 40), scene)
    assert image.shape == (60, 80, 3)
    y, x = (
        round(share * (side - 1)) for share, side in zip(position_xy[::-1], (60, 80), strict=True)
    )
    assert composed_mask(disc(40, 40), scene)[y, x] == 255


def test_a_scene_without_an_object_stays_as_it_is() -> None:
    behind = noise(30, 40, 3)
    image = compose(photo(noise(20, 20)), np.zeros((20, 20), np.uint8), Scene(photo(behind)))
    assert (image == behind).all()


@pytest.mark.parametrize(
    ("scale", "position_xy"), [(0, (0.5, 0.5)), (3.1, (0.5, 0.5)), (1, (-0.1, 0)), (1, (0, 1.1))]
)
def test_a_place_beyond_reason_is_refused(scale: float, position_xy: tuple[float, float]) -> None:
    with pytest.raises(ChoiceError, match="position from 0 to 1"):
        Scene(photo(noise(20, 20)), scale, position_xy)


def test_a_scene_has_its_own_frame() -> None:
    with pytest.raises(ChoiceError, match="Leave the crop"):
        compose(photo(noise(20, 20)), disc(20, 20), Scene(photo(noise(20, 20))), crop="subject")


@pytest.mark.parametrize("background", BACKGROUNDS[:-1], ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("crop", CROPS)
def test_a_crop_shows_the_same_in_another_frame(background: Background, crop: Crop) -> None:
    """The object is at the corner, so that all but the tight crop reach beyond the photo."""
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


def test_beyond_the_photo_a_blurred_background_goes_on() -> None:
    rgb, alpha = np.full((60, 60, 3), 90, np.uint8), np.zeros((60, 60), np.uint8)
    alpha[2:58, 25:35] = 255
    image = compose(photo(rgb), alpha, Blurred(), crop="square")
    assert image.shape[0] > 60
    assert (image == 90).all()


@pytest.mark.parametrize(
    ("text", "rgb"),
    [
        ("#FFFFFF", (255, 255, 255)),
        ("#0aF", (0, 170, 255)),
        (" #102030 ", (16, 32, 48)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("rgb(1,2,3)", (1, 2, 3)),
        ("rgba(1.4, 2.6, 3, 1)", (1, 3, 3)),
        ("rgba(300, 0, 255, 0.5)", (255, 0, 255)),
    ],
)
def test_a_colour_is_read(text: str, rgb: tuple[int, int, int]) -> None:
    assert parse_colour(text) == Colour(rgb)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "#12",
        "#1234",
        "#12345",
        "#GGGGGG",
        "#1234567",
        "red",
        "rgb(1,2)",
        "rgb(1.2.3,1,1)",
        "rgb(.,.,.)",
        "rgb(-1,2,3)",
        "hsl(1,2,3)",
        "#ffffff;x",
        "#fff\n#fff",
    ],
)
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ChoiceError, match="not a colour"):
        parse_colour(text)


def test_an_object_larger_than_its_scene_shows_its_middle() -> None:
    ramp = np.zeros((200, 200, 3), np.uint8) + np.arange(200, dtype=np.uint8)[None, :, None]
    alpha = np.full((200, 200), 255, np.uint8)
    image = compose(photo(ramp), alpha, Scene(photo(noise(60, 90)), scale=3))
    # At 0.9 of its size, 180 pixels, its middle half covers a scene of 90.
    assert image.shape == (60, 90, 3)
    expected = 100 + (np.arange(90) + 0.5 - 45) / 0.9
    np.testing.assert_allclose(image[30, :, 0], expected, atol=2)


def test_what_the_file_itself_covers_in_part_keeps_its_colour() -> None:
    rgb = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    own = np.tile(np.linspace(0, 255, 60).astype(np.uint8), (40, 1))
    image = compose(Photo(rgb, own, "soft", ()), own, Transparent())
    np.testing.assert_array_equal(image[..., 3], own)
    assert (image[own > 0][:, :3] == (200, 100, 50)).all()


@pytest.mark.parametrize("kind", ["picture", "scene", "blur"])
def test_the_transparency_of_what_is_behind_is_seen_on_white(kind: str) -> None:
    black = np.zeros((60, 60, 3), np.uint8)
    faint = Photo(black, np.full((60, 60), 20, np.uint8), "faint", ())
    background = {"picture": Picture(faint), "scene": Scene(faint), "blur": Blurred()}[kind]
    nothing = np.zeros((60, 60), np.uint8)
    image = compose(faint if kind == "blur" else photo(black), nothing, background)
    np.testing.assert_allclose(image, 235, atol=1)
