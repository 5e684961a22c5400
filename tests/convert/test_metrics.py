import numpy as np
import pytest

from convert.metrics import (
    boundary_f,
    f_beta,
    iou,
    mean_absolute_error,
    precision_recall,
    weighted_f,
)

EMPTY = np.zeros((40, 60), np.bool_)
LEFT = EMPTY.copy()
LEFT[:, :30] = True
TOP = EMPTY.copy()
TOP[:20] = True


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(LEFT, LEFT, 1), (LEFT, TOP, 1 / 3), (LEFT, ~LEFT, 0), (EMPTY, LEFT, 0), (EMPTY, EMPTY, 0)],
)
def test_iou(one: np.ndarray, other: np.ndarray, expected: float) -> None:
    assert iou(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (1, 1.0), (20, 0.0)])
def test_boundaries_count_within_their_tolerance(shift: int, expected: float) -> None:
    truth = np.zeros((160, 160), np.bool_)  # tolerance: 0.0075 of the diagonal, 1.7 pixels
    truth[50:110, 50:110] = True
    found = np.roll(truth, shift, axis=0)
    if expected:
        assert boundary_f(found, truth) == pytest.approx(expected)
    else:
        assert boundary_f(found, truth) < 0.7


def test_boundaries_of_nothing() -> None:
    assert boundary_f(EMPTY, EMPTY) == 1
    assert boundary_f(EMPTY, LEFT) == 0


def test_mean_absolute_error() -> None:
    assert mean_absolute_error(LEFT * np.uint8(255), LEFT) == 0
    assert mean_absolute_error(np.full(LEFT.shape, 51, np.uint8), LEFT) == pytest.approx(0.5)


def test_precision_and_recall_at_every_cut() -> None:
    alpha = np.where(LEFT, 200, 100).astype(np.uint8)
    curve = precision_recall(alpha, LEFT)
    assert curve[0].tolist() == [0.5, 1]
    assert curve[150].tolist() == [1, 1]
    assert curve[201].tolist() == [0, 0]
    assert f_beta(curve).max() == pytest.approx(1)
    assert f_beta(np.array([0.5, 1.0])) == pytest.approx(1.3 * 0.5 / 1.15)


def test_weighted_f_forgives_near_errors_more_than_far_ones() -> None:
    truth = np.zeros((80, 80), np.bool_)
    truth[30:50, 30:50] = True
    assert weighted_f(truth * np.uint8(255), truth) == pytest.approx(1)
    near, far = truth.copy(), truth.copy()
    near[50:52, 30:50] = True
    far[76:78, 30:50] = True
    assert weighted_f(far * np.uint8(255), truth) < weighted_f(near * np.uint8(255), truth) < 1
    assert weighted_f(EMPTY * np.uint8(255), EMPTY) == 0
