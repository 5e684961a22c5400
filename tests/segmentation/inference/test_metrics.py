"""Similarity of masks, on masks whose similarity is known."""

import numpy as np
import pytest

from segmentation.arrays import Bool, BoxXYXY
from segmentation.inference.metrics import boundary_f, box_iou, iou

EMPTY = np.zeros((40, 60), np.bool_)
LEFT = EMPTY.copy()
LEFT[:, :30] = True
TOP = EMPTY.copy()
TOP[:20] = True


@pytest.mark.parametrize(
    ("mask", "other", "expected"),
    [(LEFT, LEFT, 1), (LEFT, TOP, 1 / 3), (LEFT, ~LEFT, 0), (EMPTY, LEFT, 0), (EMPTY, EMPTY, 0)],
)
def test_iou_is_intersection_over_union(mask: Bool, other: Bool, expected: float) -> None:
    assert iou(mask, other) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("other_xyxy", "expected"),
    [
        ((0, 0, 4, 2), 1),
        ((2, 0, 6, 2), 1 / 3),
        ((1, 1, 3, 5), 1 / 7),
        ((4, 0, 6, 2), 0),
        ((6, 6, 8, 8), 0),
    ],
)
def test_iou_of_boxes(other_xyxy: BoxXYXY, expected: float) -> None:
    assert box_iou((0, 0, 4, 2), other_xyxy) == pytest.approx(expected)


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (1, 1.0), (20, 0.0)])
def test_boundaries_match_within_the_tolerance(shift: int, expected: float) -> None:
    truth = np.zeros((160, 160), np.bool_)  # tolerance: 0.0075 of the diagonal, 1.7 pixels
    truth[50:110, 50:110] = True
    predicted = np.roll(truth, shift, axis=0)
    if expected:
        assert boundary_f(predicted, truth) == pytest.approx(expected)
    else:
        assert boundary_f(predicted, truth) < 0.7


def test_empty_masks_match_only_each_other() -> None:
    assert boundary_f(EMPTY, EMPTY) == 1
    assert boundary_f(EMPTY, LEFT) == 0
