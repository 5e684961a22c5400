"""Several items at once: they overlap, and the results keep their order."""

import threading
from collections.abc import Iterator

import pytest

from segmentation.parallel.overlap import map_overlapping


def test_calls_overlap_and_results_keep_their_order() -> None:
    meeting = threading.Barrier(2, timeout=60)

    def meet(item: int) -> int:
        meeting.wait()  # raises unless two calls run at the same time
        return -item

    assert list(map_overlapping(meet, range(6), 2)) == [(item, -item) for item in range(6)]


def test_one_at_once_needs_no_thread() -> None:
    this = threading.get_ident()
    results = map_overlapping(lambda _: threading.get_ident(), range(3), 1)
    assert [ident for _, ident in results] == [this] * 3


@pytest.mark.parametrize("at_once", [1, 3])
def test_items_are_taken_as_results_are(at_once: int) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = map_overlapping(str, numbers(), at_once)
    assert next(results) == (0, "0")
    assert len(taken) <= at_once + 1


def test_a_failure_stands_in_the_place_of_its_item() -> None:
    results = map_overlapping(lambda item: 6 // item, [1, 2, 0, 3], 2)
    assert [next(results), next(results)] == [(1, 6), (2, 3)]
    with pytest.raises(ZeroDivisionError):
        next(results)
