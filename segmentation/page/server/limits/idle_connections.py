"""Closing connections that stay idle, and those that exceed the limit of their network.

uvicorn waits forever for the first request on a connection and for the rest of a begun one, and a
host has a limited number of connections.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import groupby
from typing import Any

from segmentation.page.server.client_address import client_network

# A phone on a bad connection may take this long to send a request.
IDLE_SECONDS = 30
# A class behind its school's router has two connections per page.
MAX_CONNECTIONS_PER_NETWORK = 500
CHECK_SECONDS = 1

# uvicorn's protocol object: it has `client`, `transport`, and `cycle`, the last request that was
# read completely, with its `scope`.
Connection = Any
Cycle = Any


async def close_idle_connections(connections: Callable[[], Collection[Connection]]) -> None:
    """Close idle and surplus connections until this task is cancelled.

    Args:
        connections: returns the open connections of the server.
    """
    opened_at: dict[Connection, float] = {}
    idle_since: dict[tuple[Connection, Cycle], float] = {}
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        now = time.monotonic()
        opened_at = {connection: opened_at.get(connection, now) for connection in connections()}
        cycles = ((connection, getattr(connection, "cycle", None)) for connection in opened_at)
        idle_since = {pair: idle_since.get(pair, now) for pair in cycles if _is_finished(pair[1])}
        timed_out = [
            connection
            for (connection, _), since in idle_since.items()
            if now - since > IDLE_SECONDS
        ]
        idle = {connection for connection, _ in idle_since}
        for connection in (*timed_out, *_surplus(opened_at, idle)):
            connection.transport.close()


def _is_finished(cycle: Cycle) -> bool:
    return cycle is None or bool(cycle.response_complete)


def _surplus(
    opened_at: Mapping[Connection, float], idle: Collection[Connection]
) -> Iterator[Connection]:
    """Connections beyond the limit of their network.

    Busy connections are kept before idle ones, and old ones before new ones.
    """

    def network(connection: Connection) -> str:
        # The client of the last request, which a proxy reports, or else the peer of the socket.
        cycle = getattr(connection, "cycle", None)
        client = cycle.scope.get("client") if cycle else connection.client
        return client_network(client[0] if client else "")

    def rank(connection: Connection) -> tuple[str, bool, float]:
        return network(connection), connection in idle, opened_at[connection]

    for _, group in groupby(sorted(opened_at, key=rank), network):
        yield from list(group)[MAX_CONNECTIONS_PER_NETWORK:]
