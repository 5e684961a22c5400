"""Alpha and colours of photos of any size, computed on a reduced copy and in tiles."""

import cv2
import numpy as np
import pytest

from segmentation.arrays import Float32, SizeHW, UInt8
from segmentation.compositing.matting import multiscale
from segmentation.compositing.matting.alpha import make_alpha
from segmentation.compositing.matting.foreground import foreground
from segmentation.compositing.matting.multiscale import average_blocks
from tests.segmentation.compositing.shapes import (
    disc,
    draw_mask,
    draw_photo,
    enlarge,
    exact_alpha,
    half_plane,
)

SIZES = [(16, 16), (17, 4001), (4001, 17), (1025, 1023), (47, 49), (2049, 31), (97, 1025)]


@pytest.mark.parametrize("factor", [2, 4])
def test_a_large_photo_has_the_same_edge_as_a_small_one(
    factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reduced copy of the large photo is the small one, pixel for pixel."""
    small = draw_photo(exact_alpha(disc))
    alpha = make_alpha(small, draw_mask(disc))
    monkeypatch.setattr(multiscale, "REDUCED_SIDE", 400)
    large = make_alpha(enlarge(small, factor), draw_mask(disc))
    assert large.shape == (400 * factor, 400 * factor)
    back = cv2.resize(large, (400, 400), interpolation=cv2.INTER_AREA)
    difference = np.abs(back.astype(int) - alpha)
    assert difference.mean() < 0.25
    assert np.percentile(difference[difference > 0], 90) < 30


def random_photo_and_mask(side: int) -> tuple[UInt8, Float32]:
    """A photo uint8 (side, side, 3) full of edges, and mask logits of another outline."""
    noise = np.random.default_rng(4).integers(0, 255, (side // 8, side // 8, 3), dtype=np.uint8)
    rgb = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    logits = np.random.default_rng(5).normal(0, 4, (12, 12)).astype(np.float32)
    return np.asarray(rgb, np.uint8), cv2.resize(logits, (48, 48)).astype(np.float32)


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("tile_side", [7, 100])
def test_tiles_leave_no_seams(factor: int, tile_side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rgb, logits = random_photo_and_mask(191 * factor)
    monkeypatch.setattr(multiscale, "REDUCED_SIDE", 191)
    alpha = make_alpha(rgb, logits)
    colours = foreground(rgb, alpha)
    monkeypatch.setattr(multiscale, "TILE_SIDE", tile_side)
    assert np.abs(make_alpha(rgb, logits).astype(int) - alpha).max() <= 1
    assert np.abs(foreground(rgb, alpha).astype(int) - colours).max() <= 1


@pytest.mark.parametrize("size_hw", SIZES)
@pytest.mark.parametrize("mask_hw", [(12, 12), (1, 96), (96, 3)])
def test_alpha_and_colours_have_the_photos_size(size_hw: SizeHW, mask_hw: SizeHW) -> None:
    random = np.random.default_rng(1)
    rgb = random.integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    logits = random.normal(0, 5, mask_hw).astype(np.float32)
    alpha = make_alpha(rgb, logits)
    assert alpha.shape == size_hw
    assert foreground(rgb, alpha).shape == (*size_hw, 3)


@pytest.mark.parametrize("size_hw", SIZES)
@pytest.mark.parametrize(("logit", "value"), [(-30.0, 0), (-0.1, 0), (0.1, 255), (30.0, 255)])
def test_an_empty_or_full_mask_gives_an_empty_or_full_alpha(
    size_hw: SizeHW, logit: float, value: int
) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    alpha = make_alpha(rgb, np.full((24, 24), logit, np.float32))
    assert (alpha == value).all()
    assert (foreground(rgb, alpha) == rgb).all()


@pytest.mark.parametrize("value", [0, 1, 128, 254, 255])
@pytest.mark.parametrize("factor", [1, 3])
def test_a_photo_of_one_colour_causes_no_division_by_zero(value: int, factor: int) -> None:
    rgb = np.full((130 * factor, 130 * factor, 3), value, np.uint8)
    with np.errstate(all="raise"):
        alpha = make_alpha(rgb, draw_mask(half_plane)[:, 10:30])
        assert (foreground(rgb, alpha) == value).all()
    assert alpha.min() == 0
    assert alpha.max() == 255


@pytest.mark.parametrize("size_hw", [(12, 12), (13, 16), (16, 13), (7, 9), (2, 3)])
def test_a_reduced_image_has_the_mean_of_each_block(size_hw: tuple[int, int]) -> None:
    image = np.random.default_rng(2).integers(0, 256, (*size_hw, 3)).astype(np.uint8)
    ends = [(0, -side % 4) for side in size_hw]
    filled = np.pad(image, [*ends, (0, 0)], mode="edge").astype(float)
    rows, columns = (side // 4 for side in filled.shape[:2])
    means = filled.reshape(rows, 4, columns, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(average_blocks(image, 4), means, atol=0.5)
