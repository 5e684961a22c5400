"""The gate by itself; what comes through it on a page that runs is in test_strangers.py."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from segmentation.gate import Gate


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

    gate = Gate(server, tmp_path, 1, 1, behind_proxies=behind_proxies)
    headers = [(b"x-forwarded-for", b"1.2.3.4, 8.8.8.8, 10.0.0.2")]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(gate({**scope, "client": ("10.0.0.1", 5)}, nothing, nothing))
    assert came_from == [seen]
