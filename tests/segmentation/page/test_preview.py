"""The reduced images that the page shows."""

from dataclasses import replace

import numpy as np
import pytest

from segmentation.arrays import UInt8
from segmentation.image.photo import Photo
from segmentation.page.preview import (
    PREVIEW_SIDE,
    SQUARE_SIDE,
    on_checkerboard,
    pixels_of,
    reduce_frame,
    reduce_image,
    reduce_photo,
    reduce_pixels,
)


def test_a_reduced_result_has_no_dark_rim() -> None:
    # Transparent pixels are black in a file.
    image = np.zeros((40, 60, 4), np.uint8)
    image[:, 29:] = 255
    reduced = reduce_image(image, 30)
    assert reduced.shape == (20, 30, 4)
    partly = (reduced[..., 3] > 0) & (reduced[..., 3] < 255)
    assert partly.any()
    assert (reduced[partly][:, :3] == 255).all()
    assert reduce_image(image, 60) is image


@pytest.mark.parametrize(
    ("size_hw", "expected"),
    [((100, 200), (100, 200)), ((1280, 16), (1280, 16)), ((3000, 4000), (960, 1280))],
)
def test_a_preview_is_reduced_and_never_enlarged(
    size_hw: tuple[int, int], expected: tuple[int, int]
) -> None:
    photo = Photo(np.full((*size_hw, 3), 9, np.uint8), None, "x", ())
    assert reduce_pixels(photo).shape == (*expected, 3)
    clear = reduce_pixels(replace(photo, alpha=np.full(size_hw, 40, np.uint8)))
    assert clear.shape == (*expected, 4)
    assert (clear == (9, 9, 9, 40)).all()


def test_transparent_pixels_do_not_tint_a_preview() -> None:
    rgb = np.full((2600, 2600, 3), 255, np.uint8)
    rgb[:, :1301] = 10
    alpha = np.zeros((2600, 2600), np.uint8)
    alpha[:, :1301] = 255
    small = reduce_pixels(Photo(rgb, alpha, "x", ()))
    edge = small[100, (small[100, :, 3] > 0) & (small[100, :, 3] < 255)]
    assert len(edge) > 0
    assert (edge[:, :3] == 10).all()


def test_a_checkerboard_shows_through_transparent_pixels() -> None:
    image = np.zeros((2 * SQUARE_SIDE, 2 * SQUARE_SIDE, 4), np.uint8)
    image[0, 0] = (10, 20, 30, 255)
    image[1, 1] = (0, 0, 0, 51)
    shown = on_checkerboard(image)
    assert shown.shape == (2 * SQUARE_SIDE, 2 * SQUARE_SIDE, 3)
    assert shown[0, 0].tolist() == [10, 20, 30]
    assert shown[1, 1].tolist() == [180, 180, 180]
    assert shown[2, 2].tolist() == shown[-1, -1].tolist() == [225, 225, 225]
    assert shown[2, -1].tolist() == shown[-1, 2].tolist() == [255, 255, 255]
    assert on_checkerboard(shown) is shown


def test_a_small_photo_is_its_own_preview() -> None:
    photo = Photo(np.zeros((20, 30, 3), np.uint8), None, "x", ())
    assert reduce_photo(photo) is photo
    assert pixels_of(photo) is photo.rgb


def test_a_large_photo_keeps_its_transparency_in_the_preview() -> None:
    alpha = np.zeros((1300, 2600), np.uint8)
    alpha[:, 1300:] = 255
    photo = Photo(np.full((1300, 2600, 3), 7, np.uint8), alpha, "x", ())
    preview = reduce_photo(photo)
    assert preview.hw == (640, PREVIEW_SIDE)
    assert preview.alpha is not None
    assert preview.alpha[:, :600].max() == 0
    assert preview.alpha[:, 680:].min() == 255
    assert pixels_of(preview).shape == (640, PREVIEW_SIDE, 4)


@pytest.mark.parametrize("transparency", [None, np.full((20, 30), 200, np.uint8)])
def test_a_frame_is_white_and_transparent_beyond_the_photo(transparency: UInt8 | None) -> None:
    photo = Photo(np.full((20, 30, 3), 7, np.uint8), transparency, "x", ())
    inside, alpha = reduce_frame(photo, np.full((20, 30), 99, np.uint8), (25, -5, 45, 10))
    assert inside.hw == alpha.shape == (15, 20)
    assert (inside.rgb[5:, :5] == 7).all()
    assert (alpha[5:, :5] == 99).all()
    for beyond in (inside.on_white[:5], inside.on_white[:, 5:]):
        assert (beyond == 255).all()
    assert alpha.sum() == 99 * 10 * 5


def test_a_frame_is_reduced_from_the_photos_own_pixels() -> None:
    rgb = np.zeros((3000, 3000, 3), np.uint8)
    rgb[1000:1100:2, 1000:1100] = 200
    photo = Photo(rgb, None, "x", ())
    small, alpha = reduce_frame(photo, rgb[..., 0], (1000, 1000, 1100, 1100))
    np.testing.assert_array_equal(small.rgb, rgb[1000:1100, 1000:1100])
    np.testing.assert_array_equal(alpha, small.rgb[..., 0])
    whole, alpha = reduce_frame(photo, rgb[..., 0], (0, 0, 3000, 3000))
    assert whole.hw == alpha.shape == (PREVIEW_SIDE, PREVIEW_SIDE)
