"""Strokes over objects of known opacity."""

from functools import partial

import cv2
import numpy as np
import pytest

from segmentation.arrays import Bool, Float32, UInt8
from segmentation.compositing.matting.alpha import make_alpha
from segmentation.compositing.matting.stroke_masks import Correction, StrokeMask
from segmentation.compositing.matting.stroke_matting import CORE_DEPTH, apply_strokes
from segmentation.compositing.strokes import REACH, Stroke, StrokeMode, Window
from tests.segmentation.compositing.shapes import (
    CELL,
    SIDE,
    Shape,
    alpha_error,
    diagonal,
    disc,
    draw_mask,
    exact_alpha,
    half_plane,
)

# A stroke over the border of each shape, wide enough to lie on both sides of it.
BORDER_STROKES = {half_plane: (0.47, 0.5), diagonal: (0.47, 0.47), disc: (0.71, 0.42)}
WHOLE = Window((SIDE, SIDE), (0, 0, SIDE, SIDE), 1)


def textured_photo(alpha: Float32) -> UInt8:
    """An object with stripes on a background of coarse noise: both have several colours."""
    y, x = np.mgrid[:SIDE, :SIDE]
    stripes = (0.5 + 0.5 * np.sin((x + 2 * y) / 9))[..., None]
    inside = stripes * (200, 60, 40) + (1 - stripes) * (240, 190, 60)
    noise = np.random.default_rng(5).normal(0, 1, (SIDE, SIDE))
    waves = cv2.GaussianBlur(noise, (0, 0), 6)[..., None] * 12
    outside = np.clip(waves, -1, 1) * (30, 50, 40) + (70, 110, 150)
    image = alpha[..., None] * inside + (1 - alpha[..., None]) * outside
    grain = np.random.default_rng(6).normal(0, 4, image.shape)
    return np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)


def mask_with_a_wrong_piece(shape: Shape, mode: StrokeMode) -> Float32:
    """Mask logits that lack a piece of the shape (keep), or have too much (erase)."""
    logits = draw_mask(shape)
    x, y = BORDER_STROKES[shape]
    rows, columns = (np.mgrid[: SIDE // CELL, : SIDE // CELL] + 0.5) * CELL
    piece = np.hypot(columns - x * SIDE, rows - y * SIDE) < 38
    wrong = np.float32(-8 if mode == "keep" else 8)
    return np.where(piece, wrong, logits)


def core(stroke: Correction) -> Bool:
    return stroke.depth(WHOLE) > CORE_DEPTH + 0.02


def rough_stroke(shape: Shape, mode: StrokeMode) -> Stroke:
    """A stroke on the wrong side of the piece, whose rim is beyond the shape's border."""
    x, y = BORDER_STROKES[shape]
    distance = shape(x * SIDE, y * SIDE)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    field = shape(columns, rows)
    slope_y, slope_x = (gradient[int(y * SIDE), int(x * SIDE)] for gradient in np.gradient(field))
    # The line runs 19 pixels inside (keep) or outside (erase) of the border; its radius is 27.
    along = (19 if mode == "keep" else -19) - distance
    middle = np.array([x * SIDE + slope_x * along, y * SIDE + slope_y * along])
    side = 22 * np.array([-slope_y, slope_x])
    points = tuple(
        (float(point[0]) / SIDE, float(point[1]) / SIDE)
        for point in (middle - side, middle, middle + side)
    )
    return Stroke(mode, 27 / SIDE, points)


@pytest.mark.parametrize("mode", ["keep", "erase"])
@pytest.mark.parametrize("shape", BORDER_STROKES)
def test_a_rough_stroke_halves_the_error_of_a_wrong_piece(shape: Shape, mode: StrokeMode) -> None:
    expected = exact_alpha(shape)
    rgb = textured_photo(expected)
    before = make_alpha(rgb, mask_with_a_wrong_piece(shape, mode))
    stroke = rough_stroke(shape, mode)
    after = apply_strokes(before, rgb, [stroke])
    near = stroke.depth(WHOLE) > -1
    error_before, error_after = (alpha_error(a[near], expected[near]) for a in (before, after))
    assert error_after <= 0.5 * error_before
    assert (after[core(stroke)] == (255 if mode == "keep" else 0)).all()


@pytest.mark.parametrize("mode", ["keep", "erase"])
@pytest.mark.parametrize("factor", [1, 5])
def test_beyond_its_reach_a_stroke_changes_nothing(mode: StrokeMode, factor: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    rgb = rgb.repeat(factor, axis=0).repeat(factor, axis=1)
    alpha = np.random.default_rng(1).integers(0, 256, rgb.shape[:2], np.uint8)
    stroke = Stroke(mode, 0.06, ((0.2, 0.3), (0.5, 0.4), (0.45, 0.7)))
    given = alpha.copy()
    after = apply_strokes(alpha, rgb, [stroke])
    assert (alpha == given).all(), "the alpha given is not changed"
    depth = stroke.depth(Window(alpha.shape, (0, 0, SIDE * factor, SIDE * factor), 1))
    assert (after == alpha)[depth < -REACH - 0.01].all()
    assert (after >= alpha).all() if mode == "keep" else (after <= alpha).all()
    assert (after[depth > CORE_DEPTH + 0.05] == (255 if mode == "keep" else 0)).all()


def test_without_strokes_the_alpha_is_the_one_given() -> None:
    alpha = np.zeros((4, 4), np.uint8)
    assert apply_strokes(alpha, np.zeros((4, 4, 3), np.uint8), ()) is alpha


def test_a_later_stroke_wins_over_an_earlier_one() -> None:
    rgb = np.full((SIDE, SIDE, 3), 128, np.uint8)
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    keep = Stroke("keep", 0.1, ((0.3, 0.5), (0.7, 0.5)))
    erase = Stroke("erase", 0.1, ((0.5, 0.3), (0.5, 0.7)))
    for order in ((keep, erase), (erase, keep)):
        after = apply_strokes(alpha, rgb, order)
        assert (after[core(order[1])] == (255 if order[1] is keep else 0)).all()
        assert after[core(keep) & ~(erase.depth(WHOLE) > -REACH - 0.02)].min() == 255


@pytest.mark.parametrize(
    "stroke",
    [
        Stroke("keep", 0.2, ((0.02, 0.02),)),
        Stroke("keep", 0.5, ((0.5, 0.5),)),
        Stroke("keep", 0.001, ((0.5, 0.5),)),
        Stroke("keep", 0.02, ((-3.0, 0.5), (3.0, 0.5))),
        Stroke("keep", 0.02, ((5.0, 5.0),)),
    ],
)
def test_strokes_at_the_photo_s_border_and_of_any_size_are_applied(stroke: Stroke) -> None:
    rgb = np.full((SIDE, SIDE, 3), 128, np.uint8)
    after = apply_strokes(np.zeros((SIDE, SIDE), np.uint8), rgb, [stroke])
    assert after[core(stroke)].min(initial=255) == 255


def test_in_a_flat_colour_the_edge_is_near_the_rim_of_the_stroke() -> None:
    rgb = np.full((SIDE, SIDE, 3), 128, np.uint8)
    stroke = Stroke("keep", 0.1, ((0.5, 0.5),))
    after = apply_strokes(np.zeros((SIDE, SIDE), np.uint8), rgb, [stroke])
    depth = stroke.depth(WHOLE)
    assert after[depth > 0.2].min() > 127
    assert after[depth < -0.1].max() < 127


def test_a_reduced_photo_gets_the_same_cut_out() -> None:
    expected = exact_alpha(disc)
    small = textured_photo(expected)
    large = cv2.resize(small, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    logits, stroke = mask_with_a_wrong_piece(disc, "keep"), rough_stroke(disc, "keep")
    apply = partial(apply_strokes, strokes=[stroke])
    reduced, full = (apply(make_alpha(rgb, logits), rgb) > 127 for rgb in (small, large))
    shrunk = full[1::3, 1::3]
    assert np.count_nonzero(shrunk & reduced) > 0.99 * np.count_nonzero(shrunk | reduced)


def test_the_areas_of_a_mask_count_like_strokes() -> None:
    expected = exact_alpha(disc)
    rgb = textured_photo(expected)
    before = make_alpha(rgb, mask_with_a_wrong_piece(disc, "keep"))
    area = (rough_stroke(disc, "keep").depth(WHOLE) > 0.3).astype(np.uint8) * np.uint8(255)
    mask = StrokeMask("keep", 0.04, area)
    after = apply_strokes(before, rgb, [mask])
    assert alpha_error(after, expected) <= 0.5 * alpha_error(before, expected)
    assert (after[core(mask)] == 255).all()
