"""Bodies that arrive slowly, and events that are refused before anything reads them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from segmentation.page.server.http import request_body
from segmentation.page.server.http.refusal import Refusal
from segmentation.page.server.http.request_body import NOT_JSON, check_event
from tests.coroutines import run_coroutine
from tests.segmentation.page.server.uploading import guard, large_file, upload_status


@pytest.mark.parametrize(
    ("pauses", "status"),
    [
        ([31, 0], 408),
        # A part of 1 MB extends the time by 40 s.
        ([0, 65, 0], 200),
        ([0, 75, 0], 408),
        ([29] + [39] * 20, 200),
        ([29] + [45] * 20, 408),
    ],
    ids=["too late", "late but allowed", "stopped", "slow but steady", "too slow"],
)
def test_an_upload_may_take_longer_as_more_of_it_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: Sequence[float], status: int
) -> None:
    """Measured by the clock of the event loop, which the test sets."""
    monkeypatch.setattr(request_body, "BODY_SECONDS", 30)

    async def run() -> int:
        loop = asyncio.get_running_loop()
        arrived = large_file(*[1_000_000] * len(pauses))
        real_time, ahead, remaining = loop.time, 0.0, list(pauses)
        monkeypatch.setattr(loop, "time", lambda: real_time() + ahead)

        async def receive() -> Any:
            nonlocal ahead
            ahead += remaining.pop(0)
            # Timers that are due by now run before this part is read.
            for _ in range(3):
                await asyncio.sleep(0)
            return await arrived()

        return await upload_status(guard(tmp_path), "1.2.3.4", 400_000_000, receive)

    assert run_coroutine(run()) == status


@pytest.mark.parametrize(
    "number", ["9" * 400, "-1" + "0" * 16, "1e400", "-1E999", "NaN", "-Infinity"]
)
def test_a_number_that_no_browser_sends_is_refused(number: str) -> None:
    for body in (f'{{"data": [0, [{number}]]}}', f'{{"event_data": {{"radius": {number}}}}}'):
        with pytest.raises(Refusal) as refused:
            check_event(body.encode())
        assert (refused.value.status, refused.value.text) == (400, NOT_JSON)


def test_numbers_of_browsers_pass() -> None:
    check_event(b"[0, -1, 9007199254740991, 0.5, 1e-7, -1.5e300, null, true]")
