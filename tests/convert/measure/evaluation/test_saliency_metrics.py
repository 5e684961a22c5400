import numpy as np
import pytest

from convert.measure.evaluation.saliency_metrics import (
    f_beta,
    mean_absolute_error,
    precision_recall,
    s_measure,
    weighted_f,
)

EMPTY = np.zeros((40, 60), np.bool_)
LEFT = EMPTY.copy()
LEFT[:, :30] = True


def test_mean_absolute_error() -> None:
    assert mean_absolute_error(LEFT * np.uint8(255), LEFT) == 0
    assert mean_absolute_error(np.full(LEFT.shape, 51, np.uint8), LEFT) == pytest.approx(0.5)


def test_precision_and_recall_at_every_threshold() -> None:
    alpha = np.where(LEFT, 200, 100).astype(np.uint8)
    curve = precision_recall(alpha, LEFT)
    assert curve[0].tolist() == [0.5, 1]
    assert curve[150].tolist() == [1, 1]
    assert curve[201].tolist() == [0, 0]
    assert f_beta(curve).max() == pytest.approx(1)
    assert f_beta(np.array([0.5, 1.0])) == pytest.approx(1.3 * 0.5 / 1.15)


def test_weighted_f_counts_near_errors_less_than_far_ones() -> None:
    truth = np.zeros((80, 80), np.bool_)
    truth[30:50, 30:50] = True
    assert weighted_f(truth * np.uint8(255), truth) == pytest.approx(1)
    near, far = truth.copy(), truth.copy()
    near[50:52, 30:50] = True
    far[76:78, 30:50] = True
    assert weighted_f(far * np.uint8(255), truth) < weighted_f(near * np.uint8(255), truth) < 1
    assert weighted_f(EMPTY * np.uint8(255), EMPTY) == 0


def test_s_measure_falls_with_holes_and_with_grey() -> None:
    truth = np.zeros((80, 80), np.bool_)
    truth[20:60, 20:60] = True
    assert s_measure(truth * np.uint8(255), truth) == pytest.approx(1)
    hole = truth.copy()
    hole[35:45, 35:45] = False
    grey = s_measure(truth * np.uint8(128), truth)
    assert grey < s_measure(hole * np.uint8(255), truth) < 1
    assert s_measure(~truth * np.uint8(255), truth) < 0.2
