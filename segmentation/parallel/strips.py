"""Work on parts of one image at once."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import cv2

Part = TypeVar("Part")
Result = TypeVar("Result")


def map_parts(function: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
    """Call a function on the parts of an image, in as many threads as OpenCV may use.

    All images share the threads, so that several at a time do not take more. A function that spends
    its time in NumPy, OpenCV or a codec lets the others run meanwhile.

    Args:
        function: called with each part, from any thread; must not call `map_parts`.
        parts: of the image, all taken at once.

    Yields:
        The results, in the order of the parts.

    Raises:
        Exception: raised by the function.
    """
    threads = cv2.getNumThreads()
    return map(function, parts) if threads == 1 else _pool(threads).map(function, parts)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "image-part")
