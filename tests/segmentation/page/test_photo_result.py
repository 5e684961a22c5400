"""The result of an open photo: reduced for the canvas, and at the photo's own size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segmentation import encode
from segmentation.compositing.strokes import Stroke
from segmentation.errors import PhotoError
from segmentation.image.photo import Limits
from segmentation.inference.refine import Refinement
from segmentation.page.photo_cache import PhotoCache
from segmentation.page.photo_result import cut_out_result, draw_result
from segmentation.page.preview import PREVIEW_SIDE
from segmentation.page.session import PhotoState
from tests.segmentation.page.page_options import OPTIONS
from tests.segmentation.scenes import DOG, block, geometry, segmentation

# Twice as large as its preview, but not high, which would take time.
HEIGHT, WIDTH = 320, 2 * PREVIEW_SIDE


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
