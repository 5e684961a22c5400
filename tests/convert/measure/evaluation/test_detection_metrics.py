import pytest

from convert.measure.evaluation.detection_metrics import average_precision


@pytest.mark.parametrize(
    ("hits", "truths", "expected"),
    [
        ([True, True], 2, 1),
        ([], 3, 0),
        ([False, False], 1, 0),
        # Recalls 0 to 0.5 at a precision of 1, none beyond.
        ([True], 2, 51 / 101),
        # A miss before the second hit: 2/3 beyond 0.5.
        ([True, False, True], 2, (51 + 50 * 2 / 3) / 101),
        # A miss after every instance is found costs nothing.
        ([True, False], 1, 1),
        ([False, True], 1, 0.5),
    ],
)
def test_average_precision(hits: list[bool], truths: int, expected: float) -> None:
    assert average_precision(hits, truths) == pytest.approx(expected)
