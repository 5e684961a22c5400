"""How many connections to the web server a stranger may hold, and for how long without a word.

uvicorn waits for ever for the first request on a connection, and for the rest of one that was
begun; a host has only so many connections.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from segmentation.rate import network_of

# As long as a phone on a bad line may take to say what it wants.
PATIENCE_SECONDS = 30
# Of one network: a class behind its school's router has two a page.
MOST_CONNECTIONS = 500
PASS_SECONDS = 1

# uvicorn's own: `client`, `transport`, and the `cycle` of the request last read whole.
Connection = Any
# A connection, and the request before its silence.
Silence = tuple[Connection, Any]


async def shed_connections(
    connections: Callable[[], Collection[Connection]],
) -> None:
    """Close, for as long as this runs, what says nothing for too long, and what is too much.

    Args:
        connections: those the server has now.
    """
    silent: dict[Silence, float] = {}
    while True:
        await asyncio.sleep(PASS_SECONDS)
        now = time.monotonic()
        silent = {of: silent.get(of, now) for of in map(_silence, connections()) if _waiting(of)}
        for connection in (*_too_long(silent, now), *_too_many(connections())):
            connection.transport.close()


def _silence(connection: Connection) -> Silence:
    return connection, getattr(connection, "cycle", None)


def _waiting(silence: Silence) -> bool:
    _, cycle = silence
    return cycle is None or bool(cycle.response_complete)


def _too_long(silent: Mapping[Silence, float], now: float) -> Iterator[Connection]:
    return (of for (of, _), since in silent.items() if now - since > PATIENCE_SECONDS)


def _too_many(connections: Iterable[Connection]) -> Iterator[Connection]:
    def network(connection: Connection) -> str:
        return network_of(connection.client[0] if connection.client else "")

    for _, theirs in groupby(sorted(connections, key=network), network):
        yield from list(theirs)[MOST_CONNECTIONS:]
