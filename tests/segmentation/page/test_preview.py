"""The reduced images that the page shows."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from segmentation.compositing.backgrounds import Colour, Scene
from segmentation.compositing.sizing.presets import SIZE_PRESETS
from segmentation.compositing.sizing.size import ExactSize, FrameMove, LongestSide
from segmentation.cutout import CutoutOptions, cut_out
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import select
from segmentation.model_card import find_model
from segmentation.page.preview import (
    PREVIEW_SIDE,
    SQUARE_SIDE,
    on_checkerboard,
    pixels_of,
    preview_options,
    preview_scale,
    reduce_image,
    reduce_photo,
    reduce_pixels,
    render_preview,
)
from tests.paths import EXAMPLES

pytestmark = pytest.mark.usefixtures("cached_inference")

ONE_INCH = SIZE_PRESETS["cn-1inch"]
# Options that keep the frame of the photo.
WHOLE_PHOTO: list[dict[str, Any]] = [{}, {"size": LongestSide(500)}]


@pytest.fixture(scope="module")
def portrait() -> tuple[Photo, Segmentation, tuple[int, ...]]:
    """A person in a photo that is large enough for its preview to be reduced."""
    photo = read_photo(EXAMPLES / "astronaut.png")
    photo = replace(photo, rgb=np.asarray(cv2.resize(photo.rgb, (1536, 1536)), np.uint8))
    found, _ = Segmenter(find_model("compact")).segment(photo)
    return photo, found, select(found, "auto")


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


def test_a_preview_has_a_reduced_scene_and_size() -> None:
    scene = Scene(Photo(np.zeros((2560, 2560, 3), np.uint8), None, "x", ()))
    options = preview_options(CutoutOptions(background=scene, format="jpeg", crop=None))
    assert isinstance(options.background, Scene)
    assert options.background.photo.hw == (PREVIEW_SIDE, PREVIEW_SIDE)
    assert preview_options(CutoutOptions(crop="square")).crop == "square"
    large, small = ExactSize((2000, 1000)), ExactSize((413, 295))
    assert preview_options(CutoutOptions(size=large)).size == ExactSize((1280, 640))
    assert preview_options(CutoutOptions(size=small)).size == small
    assert preview_options(CutoutOptions(size=LongestSide(2000))).size == LongestSide(1280)


@pytest.mark.parametrize(
    "options",
    [
        *WHOLE_PHOTO,
        {"crop": "square"},
        {"size": ExactSize((600, 300), margin=0.1)},
        {"size": ExactSize((600, 300), move=FrameMove(1.3, (0.1, -0.05)))},
        {"size": ONE_INCH.size, "dpi": 300.0},
        {"size": ONE_INCH.size, "dpi": 300.0, "background": Colour((67, 142, 219))},
        {"size": ONE_INCH.size, "dpi": 300.0, "sheet": True},
    ],
    ids=str,
)
def test_a_preview_is_what_the_file_is(
    portrait: tuple[Photo, Segmentation, tuple[int, ...]], options: dict[str, Any]
) -> None:
    photo, found, ids = portrait
    chosen = CutoutOptions(**options)
    reduced = reduce_photo(photo)
    assert reduced.hw != photo.hw
    file = cut_out(photo, found, ids, chosen)
    preview = render_preview(reduced, found, ids, chosen, None, preview_scale(photo.hw))
    height, width = file.image.shape[:2]
    assert preview.after.shape[1] / preview.after.shape[0] == pytest.approx(
        width / height, rel=0.01
    )
    enlarged = cv2.resize(preview.after, (width, height), interpolation=cv2.INTER_LINEAR)
    if "background" not in options and "sheet" not in options:
        inside, expected = enlarged[..., 3] >= 128, file.image[..., 3] >= 128
        assert np.sum(inside & expected) / np.sum(inside | expected) >= 0.99
    else:
        assert np.abs(enlarged.astype(int) - file.image).mean() < 5
    shown = preview.before
    assert (shown is None) == (options in WHOLE_PHOTO)
    np.testing.assert_allclose(preview.file_hw, (height, width), atol=3)
    assert shown is None or shown.shape[:2] == preview.after.shape[:2]
    if chosen.sheet:
        assert preview.frame_xyxy is None, "a sheet is no part of the photo"
        return
    assert preview.frame_xyxy is not None
    left, top, right, bottom = file.frame.box_xyxy
    box = (left / photo.hw[1], top / photo.hw[0], right / photo.hw[1], bottom / photo.hw[0])
    np.testing.assert_allclose(preview.frame_xyxy, box, atol=0.005)


def test_a_preview_says_where_the_subject_lies_in_a_scene(
    portrait: tuple[Photo, Segmentation, tuple[int, ...]],
) -> None:
    photo, found, ids = portrait
    behind = np.full((300, 600, 3), (0, 255, 0), np.uint8)
    scene = Scene(Photo(behind, None, "x", ()), scale=0.5, position_xy=(0.25, 0.6))
    preview = render_preview(
        reduce_photo(photo), found, ids, CutoutOptions(background=scene), refinement=None
    )
    assert preview.frame_xyxy is None
    assert preview.placed is not None
    left, top, right, bottom = preview.placed.box_xyxy
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((0.25, 0.6))
    height, width = preview.placed.image.shape[:2]
    assert (right - left) * 600 / ((bottom - top) * 300) == pytest.approx(width / height)
    rows, columns = np.nonzero((preview.after != behind).any(axis=2))
    drawn = columns.min() / 600, rows.min() / 300, columns.max() / 600, rows.max() / 300
    np.testing.assert_allclose(drawn, preview.placed.box_xyxy, atol=0.01)
