"""The parts of an image run at once, on no more threads than OpenCV may use."""

import threading
from collections.abc import Iterator

import cv2
import pytest

from segmentation.parallel.strips import map_parts


@pytest.fixture
def opencv_threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("opencv_threads")
def test_parts_run_at_once_and_keep_their_order() -> None:
    cv2.setNumThreads(2)
    meeting = threading.Barrier(2, timeout=60)

    def meet(part: int) -> int:
        meeting.wait()  # raises unless two parts run at the same time
        return -part

    assert list(map_parts(meet, range(6))) == [-part for part in range(6)]


@pytest.mark.usefixtures("opencv_threads")
@pytest.mark.parametrize("threads", [1, 2])
def test_several_images_share_the_threads(threads: int) -> None:
    cv2.setNumThreads(threads)
    # Not their numbers: a new thread may take that of one that has ended.
    used: set[threading.Thread] = set()
    for _ in range(3):
        used.update(map_parts(lambda _: threading.current_thread(), range(20)))
    assert len(used) <= threads
    assert (threading.current_thread() in used) == (threads == 1)


@pytest.mark.usefixtures("opencv_threads")
def test_an_error_of_a_part_is_raised() -> None:
    cv2.setNumThreads(2)
    with pytest.raises(ZeroDivisionError):
        list(map_parts(lambda part: 1 // part, [1, 0, 2]))
