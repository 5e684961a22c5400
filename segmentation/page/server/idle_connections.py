"""Which connections to the web server are let go: those that say nothing, and those too many.

uvicorn waits for ever for the first request on a connection, and for the rest of one that was
begun; a host has only so many connections.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import groupby
from typing import Any

from segmentation.page.server.rate_limit import client_network

# As long as a phone on a bad line may take to say what it wants.
PATIENCE_SECONDS = 30
# Of one network: a class behind its school's router has two a page.
MOST_CONNECTIONS = 500
PASS_SECONDS = 1

# uvicorn's own: `client`, `transport`, and the `cycle` of the request last read whole.
Connection = Any
Cycle = Any


async def close_idle_connections(connections: Callable[[], Collection[Connection]]) -> None:
    """Close, for as long as this runs, what waits for a request too long, and what is too much.

    Args:
        connections: those the server has now.
    """
    since: dict[Connection, float] = {}
    waiting: dict[tuple[Connection, Cycle], float] = {}
    while True:
        await asyncio.sleep(PASS_SECONDS)
        now = time.monotonic()
        since = {each: since.get(each, now) for each in connections()}
        cycles = ((each, getattr(each, "cycle", None)) for each in since)
        waiting = {pair: waiting.get(pair, now) for pair in cycles if _is_over(pair[1])}
        tired = [each for (each, _), began in waiting.items() if now - began > PATIENCE_SECONDS]
        for connection in (*tired, *_too_many(since, {each for each, _ in waiting})):
            connection.transport.close()


def _is_over(cycle: Cycle) -> bool:
    return cycle is None or bool(cycle.response_complete)


def _too_many(
    since: Mapping[Connection, float], waiting: Collection[Connection]
) -> Iterator[Connection]:
    """What a network has beyond its share: at work goes before waiting, and old before new."""

    def network(connection: Connection) -> str:
        return client_network(connection.client[0] if connection.client else "")

    ranked = sorted(since, key=lambda each: (network(each), each in waiting, since[each]))
    for _, theirs in groupby(ranked, network):
        yield from list(theirs)[MOST_CONNECTIONS:]
