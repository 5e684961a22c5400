import numpy as np
import pytest

from segmentation.inference.metrics import boundary_f, iou

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
