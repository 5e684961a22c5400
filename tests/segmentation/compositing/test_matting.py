"""Edges that follow the photo, and colours without the old background."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from segmentation.arrays import Float32, UInt8
from segmentation.compositing import matting as matte
from segmentation.compositing.matting import Edge, foreground, make_alpha

CELL = 10
OBJECT_COLOUR, BACKGROUND_COLOUR = (200, 60, 40), (40, 90, 180)

Shape = Callable[[Any, Any], Any]
"""Signed distance (pixels) from an outline, positive inside, of columns and rows."""


def half_plane(x: Any, y: Any) -> Any:
    return 203.0 - x + 0 * y


def diagonal(x: Any, y: Any) -> Any:
    return (0.7 * (y - 200) - (x - 200)) / np.hypot(0.7, 1)


def disc(x: Any, y: Any) -> Any:
    return 120 - np.hypot(x - 197, y - 204)


def truth(shape: Shape, side: int = 400) -> Float32:
    """The exact opacity of a shape, softened over a pixel as a lens does."""
    y, x = np.mgrid[:side, :side] + 0.5
    return np.clip(shape(x, y) + 0.5, 0, 1).astype(np.float32)


def photo_of(alpha: Float32, noise: int = 3) -> UInt8:
    share = alpha[..., None]
    image = share * OBJECT_COLOUR + (1 - share) * BACKGROUND_COLOUR
    grain = np.random.default_rng(2).normal(0, noise, image.shape)
    return np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)


def mask_of(shape: Shape, side: int = 400, off: float = 0.0) -> Float32:
    """What a model says of the shape on its coarse grid, its outline `off` pixels too far out."""
    y, x = np.mgrid[: side // CELL, : side // CELL] * CELL + CELL / 2
    return np.clip((shape(x, y) + off) * 0.5, -8, 8).astype(np.float32)


def enlarged(image: Any, factor: int) -> Any:
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def error(alpha: UInt8, expected: Float32) -> float:
    return float(np.abs(alpha / 255 - expected).sum())


@pytest.mark.parametrize("shape", [half_plane, diagonal, disc])
@pytest.mark.parametrize("off", [-3.0, 0.0, 3.0])
def test_the_edge_is_the_photos_not_the_masks(shape: Shape, off: float) -> None:
    expected = truth(shape)
    alpha = make_alpha(photo_of(expected), mask_of(shape, off=off))
    coarse = cv2.resize(mask_of(shape, off=off), (400, 400), interpolation=cv2.INTER_CUBIC)
    by_mask = ((coarse > 0) * 255).astype(np.uint8)
    outline = np.count_nonzero((expected > 0) & (expected < 1)) or 400
    assert error(alpha, expected) < 0.5 * outline
    if off:
        assert error(alpha, expected) < 0.2 * error(by_mask, expected)


@pytest.mark.parametrize("shape", [half_plane, diagonal, disc])
@pytest.mark.parametrize("off", [-0.7 * CELL, 0.7 * CELL])
def test_a_mask_far_off_is_drawn_towards_the_edge(shape: Shape, off: float) -> None:
    expected = truth(shape)
    alpha = make_alpha(photo_of(expected), mask_of(shape, off=off))
    coarse = cv2.resize(mask_of(shape, off=off), (400, 400), interpolation=cv2.INTER_CUBIC)
    assert error(alpha, expected) < 0.8 * error(((coarse > 0) * 255).astype(np.uint8), expected)


@pytest.mark.parametrize("off", [-0.7 * CELL, 0.7 * CELL])
def test_colours_of_both_sides_speak_against_a_mask_far_off(off: float) -> None:
    expected = truth(half_plane)
    stripes = (np.mgrid[:400, :400][0] // 20 % 2 > 0)[..., None]
    share = expected[..., None]
    inside = np.where(stripes, OBJECT_COLOUR, (60, 60, 200))
    outside = np.where(stripes, (60, 160, 60), (170, 170, 90))
    # No one line through the colours parts the sides, so the filter alone cannot.
    photo = np.rint(inside * share + outside * (1 - share)).astype(np.uint8)
    alpha = make_alpha(photo, mask_of(half_plane, off=off))
    assert error(alpha, expected) < 0.15 * abs(off) * 400


@pytest.mark.parametrize("shape", [half_plane, diagonal, disc])
def test_away_from_the_edge_alpha_is_all_or_nothing(shape: Shape) -> None:
    alpha = make_alpha(photo_of(truth(shape), noise=12), mask_of(shape))
    y, x = np.mgrid[:400, :400] + 0.5
    distance = shape(x, y)
    assert (alpha[distance > 2.5 * CELL] == 255).all()
    assert (alpha[distance < -2.5 * CELL] == 0).all()
    assert alpha.dtype == np.uint8


def test_a_diagonal_edge_has_no_steps() -> None:
    expected = truth(diagonal)
    alpha = make_alpha(photo_of(expected, noise=0), mask_of(diagonal))
    middle = alpha[100:300].astype(int)
    assert (np.diff(middle, axis=1) <= 1).all()  # from object to background in every row
    crossing = middle.sum(axis=1) / 255  # where each row leaves the object, in pixels
    wobble = crossing - np.polyval(np.polyfit(np.arange(200), crossing, 1), np.arange(200))
    assert np.abs(wobble).max() < 0.3


@pytest.mark.parametrize("shape", [diagonal, disc])
def test_without_an_edge_in_the_photo_the_masks_own_outline_is_smooth(shape: Shape) -> None:
    flat = np.full((400, 400, 3), 128, np.uint8)
    alpha = make_alpha(flat, mask_of(shape))
    expected = truth(shape)
    outline = np.count_nonzero((expected > 0) & (expected < 1))
    assert error(alpha, expected) < 3 * outline
    # The filter's window straightens an outline a little where the photo has nothing to hold it.
    assert abs(alpha.sum() / 255 - expected.sum()) < 0.02 * expected.sum()


@pytest.mark.parametrize("factor", [2, 4])
def test_a_large_photo_has_the_same_edge_as_a_small_one(
    factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reduced copy of the large photo is the small one, pixel for pixel."""
    small = photo_of(truth(disc))
    alpha = make_alpha(small, mask_of(disc))
    monkeypatch.setattr(matte, "REDUCED_SIDE", 400)
    large = make_alpha(enlarged(small, factor), mask_of(disc))
    assert large.shape == (400 * factor, 400 * factor)
    back = cv2.resize(large, (400, 400), interpolation=cv2.INTER_AREA)
    difference = np.abs(back.astype(int) - alpha)
    assert difference.mean() < 0.25
    assert np.percentile(difference[difference > 0], 90) < 30


def real_edges(side: int) -> tuple[UInt8, Float32]:
    noise = np.random.default_rng(4).integers(0, 255, (side // 8, side // 8, 3), dtype=np.uint8)
    rgb = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    logits = np.random.default_rng(5).normal(0, 4, (12, 12)).astype(np.float32)
    return np.asarray(rgb, np.uint8), cv2.resize(logits, (48, 48)).astype(np.float32)


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("tile", [7, 100])
def test_tiles_leave_no_seams(factor: int, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rgb, logits = real_edges(191 * factor)
    monkeypatch.setattr(matte, "REDUCED_SIDE", 191)
    alpha = make_alpha(rgb, logits)
    colours = foreground(rgb, alpha)
    monkeypatch.setattr(matte, "TILE", tile)
    assert np.abs(make_alpha(rgb, logits).astype(int) - alpha).max() <= 1
    assert np.abs(foreground(rgb, alpha).astype(int) - colours).max() <= 1


SIZES = [(16, 16), (17, 4001), (4001, 17), (1025, 1023), (47, 49), (2049, 31), (97, 1025)]


@pytest.mark.parametrize("size_hw", SIZES)
@pytest.mark.parametrize("mask_hw", [(12, 12), (1, 96), (96, 3)])
def test_every_size_comes_out_as_it_went_in(
    size_hw: tuple[int, int], mask_hw: tuple[int, int]
) -> None:
    random = np.random.default_rng(1)
    rgb = random.integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    logits = random.normal(0, 5, mask_hw).astype(np.float32)
    alpha = make_alpha(rgb, logits)
    assert alpha.shape == size_hw
    assert foreground(rgb, alpha).shape == (*size_hw, 3)


@pytest.mark.parametrize("size_hw", SIZES)
@pytest.mark.parametrize(("logit", "value"), [(-30.0, 0), (-0.1, 0), (0.1, 255), (30.0, 255)])
def test_nothing_is_nothing_and_everything_everything(
    size_hw: tuple[int, int], logit: float, value: int
) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    alpha = make_alpha(rgb, np.full((24, 24), logit, np.float32))
    assert (alpha == value).all()
    assert (foreground(rgb, alpha) == rgb).all()


@pytest.mark.parametrize("value", [0, 1, 128, 254, 255])
@pytest.mark.parametrize("factor", [1, 3])
def test_flat_photos_divide_by_nothing(value: int, factor: int) -> None:
    rgb = np.full((130 * factor, 130 * factor, 3), value, np.uint8)
    with np.errstate(all="raise"):
        alpha = make_alpha(rgb, mask_of(half_plane, 400)[:, 10:30])
        assert (foreground(rgb, alpha) == value).all()
    assert alpha.min() == 0
    assert alpha.max() == 255


@pytest.mark.parametrize("value", [1e4, 65504.0])
def test_extreme_logits_are_no_more_than_certain(value: float) -> None:
    logits = np.sign(mask_of(disc)) * np.float32(value)
    with np.errstate(all="raise"):
        alpha = make_alpha(photo_of(truth(disc)), logits)
    assert error(alpha, truth(disc)) < 2000


def test_high_contrast_grey_is_solved_precisely() -> None:
    """Three equal channels of black and white: the hardest matrix there is to invert."""
    expected = truth(half_plane)
    grey = np.dstack([np.rint(expected * 255).astype(np.uint8)] * 3)
    alpha = make_alpha(grey, mask_of(half_plane, off=3))
    assert ((alpha > 127) == (expected > 0.5)).all()
    assert error(alpha, expected) < 0.2 * len(alpha)


def test_a_pinhole_is_closed_and_a_window_stays_open() -> None:
    logits = mask_of(disc)
    logits[20, 20] = -8
    logits[12:16, 16:24] = -8
    rgb = photo_of(truth(disc))
    rgb[120:160, 160:240] = BACKGROUND_COLOUR
    alpha = make_alpha(rgb, logits)
    assert alpha[205, 205] == 255
    assert alpha[140, 200] == 0


# Colour


def test_colour_changes_only_where_two_mix() -> None:
    expected = truth(disc)
    rgb = photo_of(expected)
    alpha = np.rint(cv2.GaussianBlur(expected, (0, 0), 3) * 255).astype(np.uint8)
    before = rgb.copy()
    colours = foreground(rgb, alpha)
    whole = (alpha == 0) | (alpha == 255)
    assert (colours[whole] == rgb[whole]).all()
    assert (colours[~whole] != rgb[~whole]).any()
    assert (rgb == before).all()


@pytest.mark.parametrize("factor", [1, 4])
@pytest.mark.parametrize("sigma", [1.5, 4])
def test_the_objects_own_colour_comes_back(
    factor: int, sigma: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matte, "REDUCED_SIDE", 400)
    soft = cv2.GaussianBlur(truth(disc), (0, 0), sigma)
    soft[soft < 1 / 255], soft[soft > 254 / 255] = 0, 1
    soft = enlarged(soft, factor)
    rgb, alpha = photo_of(soft, noise=2), np.rint(soft * 255).astype(np.uint8)
    seen = (alpha > 12) & (alpha < 243)
    kept = np.abs(rgb[seen].astype(float) - OBJECT_COLOUR).mean()
    recovered = np.abs(foreground(rgb, alpha)[seen].astype(float) - OBJECT_COLOUR).mean()
    assert recovered < kept / 2


def partly(alpha: UInt8) -> int:
    return int(np.count_nonzero((alpha > 0) & (alpha < 255)))


def test_softness_widens_the_edge_and_leaves_it_where_it_is() -> None:
    flat = np.full((400, 400, 3), 128, np.uint8)
    hard, plain, soft = (
        make_alpha(flat, mask_of(half_plane), Edge(softness=value)) for value in (-1, 0, 1)
    )
    assert partly(hard) < 0.5 * partly(plain)
    assert partly(soft) > 1.5 * partly(plain)
    assert abs(int(hard.sum()) - int(soft.sum())) < 255 * 400


@pytest.mark.parametrize("grow", [-5.0, 5.0])
def test_growing_moves_the_edge_by_thousandths_of_the_longest_side(grow: float) -> None:
    image, mask = photo_of(truth(half_plane)), mask_of(half_plane)
    plain, moved = make_alpha(image, mask), make_alpha(image, mask, Edge(grow=grow))
    assert (
        moved.astype(int).sum(axis=1) - plain.astype(int).sum(axis=1)
    ).tolist() == pytest.approx([255 * grow / 1000 * 400] * 400, abs=30)


def test_fine_hair_is_found_outside_the_outline() -> None:
    expected = truth(half_plane)
    expected[100:300:8, 203:240] = 1  # strands that the coarse mask knows nothing of
    image, mask = photo_of(expected), mask_of(half_plane)
    strands = np.zeros((400, 400), np.bool_)
    strands[100:300:8, 220:240] = True
    between = np.roll(strands, 4, axis=0)
    plain, hairy = make_alpha(image, mask), make_alpha(image, mask, Edge(fine_hair=True))
    assert hairy[strands].mean() > 2 * plain[strands].mean()
    assert hairy[strands].mean() > 128
    assert hairy[between].mean() < 26


@pytest.mark.parametrize(("height", "width"), [(1, 3), (2, 2)])
def test_an_object_large_enough_to_be_listed_is_cut_out(height: int, width: int) -> None:
    """Three cells are an object (SPECK_AREA), on a grid of 48 x 96 as well."""
    logits = np.full((48, 96), -12, np.float32)
    logits[20 : 20 + height, 40 : 40 + width] = 12
    rgb = np.full((480, 960, 3), 40, np.uint8)
    rgb[200 : 200 + 10 * height, 400 : 400 + 10 * width] = 200
    alpha = make_alpha(rgb, logits)
    assert np.count_nonzero(alpha > 127) > 50 * height * width
