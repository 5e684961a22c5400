"""Strokes as data, and as areas of a photo."""

import numpy as np
import pytest

from segmentation.compositing.matting.stroke_masks import StrokeMask, mask_corrections
from segmentation.compositing.strokes import (
    DEFAULT_RADIUS,
    Stroke,
    Window,
    are_points,
    parse_strokes,
)
from segmentation.errors import ChoiceError

WHOLE = Window((100, 200), (0, 0, 200, 100), 1)


@pytest.mark.parametrize(
    ("mode", "radius", "points_xy"),
    [
        ("paint", 0.1, ((0.5, 0.5),)),
        ("keep", 0, ((0.5, 0.5),)),
        ("keep", 0.6, ((0.5, 0.5),)),
        ("keep", float("nan"), ((0.5, 0.5),)),
        ("keep", 0.1, ()),
        ("keep", 0.1, ((0.5, float("nan")),)),
        ("keep", 0.1, ((0.5, 100.0),)),
        ("keep", 0.1, ((0.5,),)),
        ("keep", 0.1, ((0.5, 0.5),) * 2_001),
    ],
)
def test_a_stroke_with_values_out_of_range_is_refused(
    mode: str, radius: float, points_xy: tuple[tuple[float, float], ...]
) -> None:
    with pytest.raises(ChoiceError, match="A stroke needs"):
        Stroke(mode, radius, points_xy)  # type: ignore[arg-type]


def test_a_dot_is_a_disc_whose_radius_is_a_share_of_the_longest_side() -> None:
    depth = Stroke("keep", 0.1, ((0.25, 0.5),)).depth(WHOLE)
    y, x = np.mgrid[:100, :200] + 0.5
    expected = 1 - np.hypot(x - 50, y - 50) / 20
    near = expected > -0.5
    np.testing.assert_allclose(depth[near], expected[near], atol=1e-4)
    assert (depth[~near] <= -0.5).all()


def test_a_line_has_round_ends_and_the_same_width_everywhere() -> None:
    depth = Stroke("keep", 0.05, ((0.2, 0.5), (0.5, 0.5), (0.8, 0.5))).depth(WHOLE)
    inside = depth > 0
    assert (inside[:, 40:160].sum(axis=0) == 20).all()
    columns = np.flatnonzero(inside.any(axis=0))
    assert (columns[0], columns[-1]) == (30, 169)


def test_many_close_points_draw_the_same_line_as_few() -> None:
    dense = tuple((0.2 + 0.6 * share, 0.5) for share in np.linspace(0, 1, 1000))
    few = Stroke("keep", 0.05, ((0.2, 0.5), (0.8, 0.5)))
    np.testing.assert_allclose(
        Stroke("keep", 0.05, dense).depth(WHOLE), few.depth(WHOLE), atol=1e-3
    )


def test_a_thinned_stroke_has_its_ends_and_draws_the_same() -> None:
    dense = tuple((0.2 + 0.6 * share, 0.5) for share in np.linspace(0, 1, 1000))
    stroke = Stroke("keep", 0.05, dense)
    thinned = stroke.thinned(WHOLE.photo_hw)
    assert len(thinned.points_xy) < 150
    assert (thinned.points_xy[0], thinned.points_xy[-1]) == (dense[0], dense[-1])
    np.testing.assert_array_equal(thinned.depth(WHOLE), stroke.depth(WHOLE))
    assert thinned.thinned(WHOLE.photo_hw) == thinned
    dot = Stroke("erase", 0.05, dense[:1])
    assert dot.thinned(WHOLE.photo_hw) == dot


def test_a_reduced_window_shows_the_same_stroke() -> None:
    stroke = Stroke("keep", 0.1, ((0.3, 0.4), (0.6, 0.5)))
    full = stroke.depth(WHOLE)
    reduced = stroke.depth(Window((100, 200), (40, 20, 140, 80), 4))
    assert reduced.shape == (15, 25)
    means = full[20:80, 40:140].reshape(15, 4, 25, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(reduced, means, atol=0.05)


def test_a_stroke_beside_the_photo_has_no_box() -> None:
    stroke = Stroke("keep", 0.05, ((1.5, 0.5),))
    assert stroke.box_in((100, 200), margin=1) is None
    assert Stroke("keep", 0.05, ((0.0, 0.5),)).box_in((100, 200), margin=1) == (0, 30, 20, 70)


def test_a_mask_file_keeps_white_and_erases_black() -> None:
    levels = np.full((10, 20), 128, np.uint8)
    levels[2:8, 1:7], levels[2:8, 13:19] = 255, 0
    alpha = np.full((10, 20), 255, np.uint8)
    alpha[:, :3] = 0
    kept, erased = mask_corrections(levels, alpha)
    assert (kept.mode, erased.mode) == ("keep", "erase")
    assert (np.argwhere(kept.area).min(axis=0) == (2, 3)).all()
    assert np.count_nonzero(kept.area) == 6 * 4
    assert np.count_nonzero(erased.area) == 6 * 6
    assert mask_corrections(np.full((10, 20), 128, np.uint8), None) == ()


def test_the_depth_of_a_mask_is_that_of_its_area_at_the_size_of_the_photo() -> None:
    area = np.zeros((50, 100), np.uint8)
    area[10:40, 20:70] = 255
    mask = StrokeMask("keep", 0.05, area)
    depth = mask.depth(WHOLE)
    assert (depth[20:80, 40:140] > 0).all()
    assert np.count_nonzero(depth > 0) == 60 * 100
    assert depth[50, 90] == 1
    assert depth[0, 0] == -1
    assert mask.box_in((100, 200), margin=0) == (30, 10, 150, 90)


@pytest.mark.parametrize(
    ("text", "strokes"),
    [
        ("0.4,0.6", [(DEFAULT_RADIUS, ((0.4, 0.6),))]),
        ("0.4,0.6,0.05", [(0.05, ((0.4, 0.6),))]),
        ("0.1,0.2,0.05;0.3,0.4", [(0.05, ((0.1, 0.2), (0.3, 0.4)))]),
        ("0,1;1,0 .5,.5,.1;", [(DEFAULT_RADIUS, ((0, 1), (1, 0))), (0.1, ((0.5, 0.5),))]),
        ("0.1，0.2；0.3，0.4", [(DEFAULT_RADIUS, ((0.1, 0.2), (0.3, 0.4)))]),
    ],
)
def test_strokes_are_read_from_text(
    text: str, strokes: list[tuple[float, tuple[tuple[float, float], ...]]]
) -> None:
    assert are_points(text)
    assert parse_strokes(text, "erase") == tuple(Stroke("erase", *stroke) for stroke in strokes)


@pytest.mark.parametrize(
    "text", ["", " ", "0.4", "0.4,", "1,2,3,4", "0.4,0.6,0.1;;0,0", "a,b", "0,0 " * 101]
)
def test_a_text_that_is_no_stroke_is_refused(text: str) -> None:
    with pytest.raises(ChoiceError, match="is not a stroke"):
        parse_strokes(text, "keep")


@pytest.mark.parametrize("name", ["mask.png", "0.4.png", "C:\\masks\\1.png", "蒙版.png"])
def test_the_name_of_a_file_is_not_taken_for_points(name: str) -> None:
    assert not are_points(name)


def test_a_mask_of_another_shape_than_the_photo_is_refused() -> None:
    mask = StrokeMask("keep", 0.01, np.full((50, 100), 255, np.uint8))
    assert mask.box_in((101, 200), margin=1) == (0, 0, 200, 101)
    with pytest.raises(ChoiceError, match="its shape differs"):
        mask.box_in((200, 200), margin=1)
