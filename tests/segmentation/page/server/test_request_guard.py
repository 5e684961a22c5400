"""The gate by itself; what comes through it on a page that runs is in test_strangers.py."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from segmentation.page.server import request_guard
from segmentation.page.server.request_guard import RESERVED_BYTES, UPLOAD, RequestGuard
from segmentation.page.server.uploads import LEAST_BYTES, ROOM_MEGABYTES

Receive = Callable[[], Awaitable[Any]]


@pytest.mark.parametrize(
    ("behind_proxies", "seen"), [(True, "8.8.8.8"), (False, "10.0.0.1")], ids=["Space", "host"]
)
def test_on_a_space_a_call_comes_from_where_its_proxies_say(
    tmp_path: Path, behind_proxies: bool, seen: str
) -> None:
    """Elsewhere whoever calls could write there what he likes."""
    came_from: list[str] = []

    async def server(scope: Any, _: Any, __: Any) -> None:
        came_from.append(scope["client"][0])

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is read or answered by the gate")

    gate = RequestGuard(server, tmp_path, 1, 1, behind_proxies=behind_proxies)
    headers = [(b"x-forwarded-for", b"1.2.3.4, 8.8.8.8, 10.0.0.2")]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(gate({**scope, "client": ("10.0.0.1", 5)}, nothing, nothing))
    assert came_from == [seen]


async def reading(_: Any, receive: Receive, send: Any) -> None:
    """A server that reads a body to its end."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def status_of(gate: RequestGuard, host: str, megabytes: float, receive: Receive) -> int:
    """What an upload of so much is answered."""
    answers: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    length = (b"content-length", b"%d" % (megabytes * 1e6))
    scope = {"type": "http", "method": "POST", "path": UPLOAD, "headers": [length]}
    await gate({**scope, "client": (host, 5)}, receive, send)
    (status,) = answers
    return status


async def max_concurrency() -> Any:
    return {"type": "http.request", "body": b"filename=", "more_body": False}


def test_uploads_on_their_way_count_for_the_share_of_their_network(tmp_path: Path) -> None:
    gate = RequestGuard(reading, tmp_path, 500, 3600, room_share=0.25)
    at_most = int(0.25 * ROOM_MEGABYTES // 500)

    async def run() -> None:
        come = asyncio.Event()

        async def late() -> Any:
            await come.wait()
            return await max_concurrency()

        idle = [asyncio.ensure_future(status_of(gate, "1.2.3.4", 500, late)) for _ in range(8)]
        await asyncio.sleep(0)
        assert await status_of(gate, "1.2.3.4", 500, max_concurrency) == 429, "the same network"
        assert await status_of(gate, "5.6.7.8", 500, max_concurrency) == 200
        come.set()
        statuses = await asyncio.gather(*idle)
        assert sorted(statuses) == [200] * at_most + [429] * (8 - at_most)
        # What arrived counts from now on, not what was announced.
        assert await status_of(gate, "1.2.3.4", 500, max_concurrency) == 200

    asyncio.run(run())
    assert at_most * LEAST_BYTES < 0.25 * ROOM_MEGABYTES * 1e6


def test_an_upload_that_stands_still_is_let_go_and_one_that_moves_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The more has come, the longer it may stop: by the loop's own clock, which is turned here."""
    monkeypatch.setattr(request_guard, "SECONDS", 30)
    gate = RequestGuard(reading, tmp_path, 500, 3600)

    async def run(pauses: Sequence[float]) -> int:
        loop = asyncio.get_running_loop()
        ahead = 0.0
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + ahead)
        coming = iter(pauses)
        left = len(pauses)

        async def piece() -> Any:
            nonlocal ahead, left
            ahead += next(coming)
            # What fell due in the meantime runs before what is read.
            for _ in range(3):
                await asyncio.sleep(0)
            left -= 1
            return {"type": "http.request", "body": bytes(1_000_000), "more_body": left > 0}

        return await status_of(gate, "1.2.3.4", 400, piece)

    # A piece that came makes it 40 seconds more.
    assert asyncio.run(run([31, 0])) == 408
    assert asyncio.run(run([0, 65, 0])) == 200
    assert asyncio.run(run([0, 75, 0])) == 408
    assert asyncio.run(run([29] + [39] * 20)) == 200
    assert asyncio.run(run([29] + [45] * 20)) == 408


def test_what_was_announced_and_does_not_come_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room is looked for again as more comes."""
    asked: list[int] = []
    monkeypatch.setattr(request_guard, "check_free_space", lambda _, size: asked.append(size))
    gate = RequestGuard(reading, tmp_path, 500, 3600)

    async def run() -> None:
        come = asyncio.Event()

        async def late() -> Any:
            await come.wait()
            return await max_concurrency()

        idle = [asyncio.ensure_future(status_of(gate, f"9.9.9.{n}", 500, late)) for n in range(8)]
        while len(asked) < 8:
            await asyncio.sleep(0)
        assert asked[-1] == 8 * RESERVED_BYTES
        sent = 0

        async def much() -> Any:
            nonlocal sent
            sent += 1
            return {"type": "http.request", "body": bytes(10_000_000), "more_body": sent < 10}

        assert await status_of(gate, "5.6.7.8", 100, much) == 200
        assert asked[8:] == [9 * RESERVED_BYTES] * 5, "at the start, and at each part"
        come.set()
        await asyncio.gather(*idle)
        await status_of(gate, "5.6.7.8", 1, max_concurrency)
        assert asked[-1] == 1_000_000

    asyncio.run(run())
