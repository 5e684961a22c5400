"""Edges that follow the photo."""

import cv2
import numpy as np
import pytest

from segmentation.arrays import Float32, UInt8
from segmentation.compositing.matting.alpha import Edge, make_alpha
from segmentation.errors import ChoiceError
from tests.segmentation.compositing.shapes import (
    BACKGROUND_COLOUR,
    CELL,
    OBJECT_COLOUR,
    Shape,
    alpha_error,
    diagonal,
    disc,
    draw_mask,
    draw_photo,
    exact_alpha,
    half_plane,
)

SHAPES = [half_plane, diagonal, disc]


def alpha_of_mask(mask_logits: Float32) -> UInt8:
    """The mask alone, enlarged to the photo."""
    enlarged = cv2.resize(mask_logits, (400, 400), interpolation=cv2.INTER_CUBIC)
    return ((enlarged > 0) * 255).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("offset", [-3.0, 0.0, 3.0])
def test_the_edge_follows_the_photo_instead_of_the_mask(shape: Shape, offset: float) -> None:
    expected = exact_alpha(shape)
    mask_logits = draw_mask(shape, offset)
    alpha = make_alpha(draw_photo(expected), mask_logits)
    outline = np.count_nonzero((expected > 0) & (expected < 1)) or 400
    assert alpha_error(alpha, expected) < 0.5 * outline
    if offset:
        by_mask = alpha_of_mask(mask_logits)
        assert alpha_error(alpha, expected) < 0.2 * alpha_error(by_mask, expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("offset", [-0.7 * CELL, 0.7 * CELL])
def test_a_mask_far_from_the_edge_is_moved_towards_it(shape: Shape, offset: float) -> None:
    expected = exact_alpha(shape)
    mask_logits = draw_mask(shape, offset)
    alpha = make_alpha(draw_photo(expected), mask_logits)
    by_mask = alpha_of_mask(mask_logits)
    assert alpha_error(alpha, expected) < 0.8 * alpha_error(by_mask, expected)


@pytest.mark.parametrize("offset", [-0.7 * CELL, 0.7 * CELL])
def test_the_colours_of_both_sides_correct_a_mask_far_from_the_edge(offset: float) -> None:
    expected = exact_alpha(half_plane)
    stripes = (np.mgrid[:400, :400][0] // 20 % 2 > 0)[..., None]
    share = expected[..., None]
    inside = np.where(stripes, OBJECT_COLOUR, (60, 60, 200))
    outside = np.where(stripes, (60, 160, 60), (170, 170, 90))
    # No plane through the colours separates the sides, so the filter alone cannot.
    photo = np.rint(inside * share + outside * (1 - share)).astype(np.uint8)
    alpha = make_alpha(photo, draw_mask(half_plane, offset))
    assert alpha_error(alpha, expected) < 0.15 * abs(offset) * 400


@pytest.mark.parametrize("shape", SHAPES)
def test_away_from_the_edge_alpha_is_0_or_255(shape: Shape) -> None:
    alpha = make_alpha(draw_photo(exact_alpha(shape), noise=12), draw_mask(shape))
    y, x = np.mgrid[:400, :400] + 0.5
    distance = shape(x, y)
    assert (alpha[distance > 2.5 * CELL] == 255).all()
    assert (alpha[distance < -2.5 * CELL] == 0).all()
    assert alpha.dtype == np.uint8


def test_a_diagonal_edge_has_no_steps() -> None:
    alpha = make_alpha(draw_photo(exact_alpha(diagonal), noise=0), draw_mask(diagonal))
    middle = alpha[100:300].astype(int)
    assert (np.diff(middle, axis=1) <= 1).all()  # from object to background in every row
    crossing = middle.sum(axis=1) / 255  # where each row leaves the object, in pixels
    line = np.polyval(np.polyfit(np.arange(200), crossing, 1), np.arange(200))
    assert np.abs(crossing - line).max() < 0.3


@pytest.mark.parametrize("shape", [diagonal, disc])
def test_without_an_edge_in_the_photo_the_outline_of_the_mask_is_smoothed(shape: Shape) -> None:
    flat = np.full((400, 400, 3), 128, np.uint8)
    alpha = make_alpha(flat, draw_mask(shape))
    expected = exact_alpha(shape)
    outline = np.count_nonzero((expected > 0) & (expected < 1))
    assert alpha_error(alpha, expected) < 3 * outline
    # The filter's window straightens an outline a little where the photo has no edge to hold it.
    assert abs(alpha.sum() / 255 - expected.sum()) < 0.02 * expected.sum()


@pytest.mark.parametrize("value", [1e4, 65504.0])
def test_extreme_logits_do_not_overflow(value: float) -> None:
    logits = np.sign(draw_mask(disc)) * np.float32(value)
    with np.errstate(all="raise"):
        alpha = make_alpha(draw_photo(exact_alpha(disc)), logits)
    assert alpha_error(alpha, exact_alpha(disc)) < 2000


def test_high_contrast_grey_is_solved_precisely() -> None:
    """Three equal channels of black and white give the worst-conditioned matrix."""
    expected = exact_alpha(half_plane)
    grey = np.dstack([np.rint(expected * 255).astype(np.uint8)] * 3)
    alpha = make_alpha(grey, draw_mask(half_plane, offset=3))
    assert ((alpha > 127) == (expected > 0.5)).all()
    assert alpha_error(alpha, expected) < 0.2 * len(alpha)


def test_a_pinhole_is_filled_and_a_window_stays_open() -> None:
    logits = draw_mask(disc)
    logits[20, 20] = -8
    logits[12:16, 16:24] = -8
    rgb = draw_photo(exact_alpha(disc))
    rgb[120:160, 160:240] = BACKGROUND_COLOUR
    alpha = make_alpha(rgb, logits)
    assert alpha[205, 205] == 255
    assert alpha[140, 200] == 0


@pytest.mark.parametrize(("height", "width"), [(1, 3), (2, 2)])
def test_an_object_large_enough_to_be_listed_is_cut_out(height: int, width: int) -> None:
    """Three cells are an object (MIN_AREA), on a grid of 48 x 96 as well."""
    logits = np.full((48, 96), -12, np.float32)
    logits[20 : 20 + height, 40 : 40 + width] = 12
    rgb = np.full((480, 960, 3), 40, np.uint8)
    rgb[200 : 200 + 10 * height, 400 : 400 + 10 * width] = 200
    alpha = make_alpha(rgb, logits)
    assert np.count_nonzero(alpha > 127) > 50 * height * width


def count_soft(alpha: UInt8) -> int:
    """Number of pixels that are neither opaque nor transparent."""
    return int(np.count_nonzero((alpha > 0) & (alpha < 255)))


def test_softness_widens_the_edge_without_moving_it() -> None:
    flat = np.full((400, 400, 3), 128, np.uint8)
    hard, plain, soft = (
        make_alpha(flat, draw_mask(half_plane), Edge(softness=value)) for value in (-1, 0, 1)
    )
    assert count_soft(hard) < 0.5 * count_soft(plain)
    assert count_soft(soft) > 1.5 * count_soft(plain)
    assert abs(int(hard.sum()) - int(soft.sum())) < 255 * 400


@pytest.mark.parametrize("grow", [-5.0, 5.0])
def test_grow_moves_the_edge_by_thousandths_of_the_longest_side(grow: float) -> None:
    image, mask = draw_photo(exact_alpha(half_plane)), draw_mask(half_plane)
    plain, moved = make_alpha(image, mask), make_alpha(image, mask, Edge(grow=grow))
    assert (
        moved.astype(int).sum(axis=1) - plain.astype(int).sum(axis=1)
    ).tolist() == pytest.approx([255 * grow / 1000 * 400] * 400, abs=30)


def test_fine_hair_is_found_outside_the_outline() -> None:
    expected = exact_alpha(half_plane)
    expected[100:300:8, 203:240] = 1  # strands that the coarse mask does not show
    image, mask = draw_photo(expected), draw_mask(half_plane)
    strands = np.zeros((400, 400), np.bool_)
    strands[100:300:8, 220:240] = True
    between = np.roll(strands, 4, axis=0)
    plain, hairy = make_alpha(image, mask), make_alpha(image, mask, Edge(fine_hair=True))
    assert hairy[strands].mean() > 2 * plain[strands].mean()
    assert hairy[strands].mean() > 128
    assert hairy[between].mean() < 26


@pytest.mark.parametrize(("softness", "grow"), [(-1.1, 0), (1.1, 0), (0, -21), (0, 21)])
def test_an_edge_out_of_range_is_refused(softness: float, grow: float) -> None:
    with pytest.raises(ChoiceError, match="from -1 to 1"):
        Edge(softness, grow)
