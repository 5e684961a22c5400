"""Work on several photos at once, with the results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_overlapping(
    function: Callable[[Item], Result], items: Iterable[Item], at_once: int
) -> Iterator[tuple[Item, Result]]:
    """Call a function on items in threads, never on more than `at_once` before a result is taken.

    While one photo is on a device, or on one core, the others can be read and encoded.

    Args:
        function: called with each item, from any thread.
        items: in the order of the results.
        at_once: 1 calls in this thread, one item after the other.

    Yields:
        Each item and its result, in order.

    Raises:
        Exception: raised by the function, in the item's place; items not begun are dropped.
    """
    if at_once == 1:
        yield from ((item, function(item)) for item in items)
        return
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(at_once)
    try:
        for item in items:
            if len(waiting) == at_once:
                first, future = waiting.popleft()
                yield first, future.result()
            waiting.append((item, pool.submit(function, item)))
        yield from ((first, future.result()) for first, future in waiting)
    finally:
        pool.shutdown(cancel_futures=True)
