"""The result of an open photo: reduced for the canvas, and at the photo's own size."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segmentation import encode
from segmentation.arrays import SizeHW, UInt8
from segmentation.compositing.backgrounds import Blurred, Colour, Scene
from segmentation.compositing.sizing.presets import SIZE_PRESETS
from segmentation.compositing.sizing.size import ExactSize, FrameMove, LongestSide
from segmentation.compositing.strokes import Stroke
from segmentation.cutout import CutoutOptions, cut_out
from segmentation.errors import PhotoError
from segmentation.image.photo import Limits, Photo
from segmentation.image.read import read_photo
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import select
from segmentation.model_card import find_model
from segmentation.page.photo_cache import CachedPhoto, PhotoCache
from segmentation.page.photo_result import cut_out_result, draw_cutout, draw_result
from segmentation.page.preview import PREVIEW_SIDE
from segmentation.page.session import PhotoState
from tests.paths import EXAMPLES
from tests.segmentation.page.page_options import OPTIONS
from tests.segmentation.scenes import DOG, block, geometry, segmentation

# Twice as large as its preview, but not high, which would take time.
HEIGHT, WIDTH = 320, 2 * PREVIEW_SIDE
ONE_INCH = SIZE_PRESETS["cn-1inch"]
# Options that keep the frame of the photo.
WHOLE_PHOTO: list[dict[str, Any]] = [{}, {"size": LongestSide(500)}]

OpenPhoto = tuple[CachedPhoto, Segmentation, tuple[int, ...]]


def open_photo(photo: Photo) -> OpenPhoto:
    """A photo that is large enough to be reduced, and the objects that are cut out of it."""
    found, _ = Segmenter(find_model("compact")).segment(photo)
    opened = CachedPhoto.from_photo(photo)
    assert opened.preview.hw != photo.hw
    return opened, found, select(found, "auto")


@pytest.fixture(scope="module")
def opened() -> Callable[[str], OpenPhoto]:
    """Open an example; each is opened once."""

    @cache
    def open_example(name: str) -> OpenPhoto:
        photo = read_photo(EXAMPLES / name)
        if max(photo.hw) < PREVIEW_SIDE:
            photo = replace(photo, rgb=np.asarray(cv2.resize(photo.rgb, (1536, 1536)), np.uint8))
        return open_photo(photo)

    return open_example


def overlap(preview: UInt8, file: UInt8) -> float:
    """Intersection over union of the opacities, as exact as the preview's pixels are."""
    expected = cv2.resize(file, preview.shape[1::-1], interpolation=cv2.INTER_AREA)
    return float(np.minimum(preview, expected).sum() / np.maximum(preview, expected).sum())


@pytest.fixture
def state(tmp_path: Path) -> PhotoState:
    path = tmp_path / "a dog.png"
    pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    pixels[HEIGHT // 4 : 3 * HEIGHT // 4, WIDTH // 4 : 3 * WIDTH // 4] = 220
    path.write_bytes(encode(pixels))
    found = segmentation((DOG, block(5, 5, 15, 15)))
    found = replace(found, geometry=geometry(photo_hw=(HEIGHT, WIDTH)))
    return PhotoState(str(path), "", "compact", found, (1,), ())


def test_the_preview_is_reduced_and_the_cut_out_is_not(state: PhotoState) -> None:
    photos = PhotoCache(Limits())
    # The page draws a background that its format cannot hold.
    options = replace(OPTIONS, format="jpeg")
    preview = draw_result(photos, state, options, None)
    assert preview.after.shape == (HEIGHT // 2, PREVIEW_SIDE, 4)
    assert preview.file_hw == (HEIGHT, WIDTH)
    cutout, stem = cut_out_result(photos, state, OPTIONS, None)
    assert cutout.image.shape == (HEIGHT, WIDTH, 4)
    assert stem == "a_dog"


def test_strokes_count_and_a_refinement_only_if_it_is_wanted(state: PhotoState) -> None:
    photos = PhotoCache(Limits())
    # A refinement to nothing.
    nothing = np.full((20, 20), -12, np.float16)
    refinement = Refinement(state.segmentation, (1,), (0, 0, WIDTH, HEIGHT), nothing, 0.1)
    refined, _ = cut_out_result(photos, state, OPTIONS, refinement)
    assert not refined.alpha.any()
    unrefined, _ = cut_out_result(photos, state, replace(OPTIONS, refine=False), refinement)
    assert unrefined.alpha[HEIGHT // 2, WIDTH // 2] == 255
    erased = state.draw(Stroke("erase", 0.02, ((0.5, 0.5),)))
    cutout, _ = cut_out_result(photos, erased, OPTIONS, None)
    assert cutout.alpha[HEIGHT // 2, WIDTH // 2] == 0


def test_a_deleted_photo_has_no_result(state: PhotoState) -> None:
    Path(state.path).unlink()
    with pytest.raises(PhotoError):
        draw_result(PhotoCache(Limits()), state, OPTIONS, None)


@pytest.mark.usefixtures("cached_inference")
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
        {"crop": "subject", "background": Blurred()},
    ],
    ids=str,
)
def test_a_preview_is_what_the_file_is(
    opened: Callable[[str], OpenPhoto], options: dict[str, Any]
) -> None:
    photo, found, ids = opened("astronaut.png")
    chosen = CutoutOptions(**options)
    file = cut_out(photo.photo, found, ids, chosen)
    preview = draw_cutout(photo, found, ids, chosen, None)
    height, width = file.image.shape[:2]
    assert preview.after.shape[1] / preview.after.shape[0] == pytest.approx(
        width / height, rel=0.01
    )
    enlarged = cv2.resize(preview.after, (width, height), interpolation=cv2.INTER_LINEAR)
    if "background" not in options and "sheet" not in options:
        inside, expected = enlarged[..., 3] >= 128, file.image[..., 3] >= 128
        assert np.sum(inside & expected) / np.sum(inside | expected) >= 0.99
        assert overlap(preview.after[..., 3], file.image[..., 3]) >= 0.99
    else:
        assert np.abs(enlarged.astype(int) - file.image).mean() < 5
    shown = preview.before
    assert (shown is None) == (options in WHOLE_PHOTO)
    assert preview.file_hw == (height, width)
    assert shown is None or shown.shape[:2] == preview.after.shape[:2]
    if chosen.sheet:
        assert preview.frame_xyxy is None, "a sheet is no part of the photo"
        return
    assert preview.frame_xyxy is not None
    photo_h, photo_w = photo.photo.hw
    left, top, right, bottom = file.frame.box_xyxy
    assert preview.frame_xyxy == (left / photo_w, top / photo_h, right / photo_w, bottom / photo_h)


@pytest.mark.usefixtures("cached_inference")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        # Small subjects, whose edge is a large part of them.
        ("oath_ceremony.jpg", {"crop": "portrait"}),
        ("oath_ceremony.jpg", {"size": SIZE_PRESETS["us-2x2in"].size}),
        # The reduced photo does not show the faint end of this one.
        ("fig_bowl.jpg", {"crop": "subject"}),
    ],
    ids=str,
)
def test_the_frame_of_a_preview_is_as_exact_as_that_of_the_file(
    opened: Callable[[str], OpenPhoto], name: str, options: dict[str, Any]
) -> None:
    photo, found, ids = opened(name)
    chosen = CutoutOptions(**options)
    file = cut_out(photo.photo, found, ids, chosen)
    preview = draw_cutout(photo, found, ids, chosen, None)
    assert overlap(preview.after[..., 3], file.image[..., 3]) >= 0.99
    assert preview.file_hw == file.image.shape[:2]


@pytest.mark.parametrize(
    ("options", "preview_hw"),
    [
        ({"size": ExactSize((1000, 2000))}, (PREVIEW_SIDE // 2, PREVIEW_SIDE)),
        ({"size": ExactSize((413, 295))}, (413, 295)),
        ({"size": LongestSide(2000)}, (PREVIEW_SIDE // 8, PREVIEW_SIDE)),
        ({"background": Scene(Photo(np.zeros((64, 2560, 3), np.uint8), None, "", ()))}, (32, 1280)),
    ],
    ids=str,
)
def test_a_preview_of_a_large_result_is_reduced(
    state: PhotoState, options: dict[str, Any], preview_hw: SizeHW
) -> None:
    photo, chosen = PhotoCache(Limits()).get(state.path), CutoutOptions(**options)
    preview = draw_cutout(photo, state.segmentation, (1,), chosen, None)
    assert preview.after.shape[:2] == preview_hw
    assert preview.file_hw == cut_out(photo.photo, state.segmentation, (1,), chosen).image.shape[:2]


def test_a_preview_shows_as_many_copies_as_the_sheet_has(state: PhotoState) -> None:
    photo = PhotoCache(Limits()).get(state.path)
    # One copy, which is larger than a preview: of a reduced one, the paper holds two.
    options = CutoutOptions(size=ExactSize((448, 1300)), dpi=220.0, sheet=True)
    sheet = cut_out(photo.photo, state.segmentation, (1,), options).image
    preview = draw_cutout(photo, state.segmentation, (1,), options, None)
    assert preview.file_hw == sheet.shape[:2]
    expected = cv2.resize(sheet, preview.after.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(preview.after.astype(int) - expected).mean() < 1


@pytest.mark.usefixtures("cached_inference")
def test_a_preview_says_where_the_subject_lies_in_a_scene(
    opened: Callable[[str], OpenPhoto],
) -> None:
    behind = np.full((300, 600, 3), (0, 255, 0), np.uint8)
    scene = Scene(Photo(behind, None, "x", ()), scale=0.5, position_xy=(0.25, 0.6))
    preview = draw_cutout(*opened("astronaut.png"), CutoutOptions(background=scene), None)
    assert preview.frame_xyxy is None
    assert preview.placed is not None
    left, top, right, bottom = preview.placed.box_xyxy
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((0.25, 0.6))
    height, width = preview.placed.image.shape[:2]
    assert (right - left) * 600 / ((bottom - top) * 300) == pytest.approx(width / height)
    rows, columns = np.nonzero((preview.after != behind).any(axis=2))
    drawn = columns.min() / 600, rows.min() / 300, columns.max() / 600, rows.max() / 300
    np.testing.assert_allclose(drawn, preview.placed.box_xyxy, atol=0.01)
