"""The policy of a page, applied to a small one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest

from segmentation import Limits
from segmentation.errors import ChoiceError
from segmentation.page.server.limits import queue_limits
from segmentation.page.server.limits.policy import PagePolicy, Rate
from segmentation.page.server.limits.queue_limits import (
    DEVICE_QUEUE,
    FILE_QUEUE,
    enforce_policy,
    take_turns,
)
from segmentation.page.strings import STRINGS
from tests.segmentation.page.serving import address_of, launch_unprotected, served
from tests.visitor import Failed, Refused, Visitor, file_data


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


class Handlers:
    """Handlers in each queue; `hold` waits for `release`."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def find(self) -> str:
        return "found"

    def compare(self) -> Iterator[str]:
        yield from "123"

    def export(self, value: Any) -> str:
        return str(value)

    def resize(self, size: float, number: float) -> str:
        if number < size:
            raise ChoiceError("too small", "太小")
        return str(size)

    def click(self) -> str:
        return "clicked"

    def hold(self) -> None:
        self.release.wait(60)


@contextmanager
def page(policy: PagePolicy, handlers: Handlers) -> Iterator[str]:
    """The address of a page with this policy."""

    def build() -> gr.Blocks:
        with gr.Blocks(analytics_enabled=False) as ui:
            button, value, answer = gr.Button(), gr.JSON(), gr.Textbox()
            button.click(handlers.find, None, answer, concurrency_id=DEVICE_QUEUE)
            button.click(handlers.compare, None, answer, concurrency_id=DEVICE_QUEUE)
            button.click(handlers.export, value, answer, concurrency_id=FILE_QUEUE)
            button.click(handlers.resize, [gr.Slider(0, 1), gr.Number()], answer)
            button.click(handlers.click, None, answer)
            button.click(handlers.hold, concurrency_id="one at a time", concurrency_limit=1)
        enforce_policy(ui, policy, {"compare": 4})
        return ui

    with served(build, launch_unprotected) as ui:
        yield address_of(ui)


def test_costly_calls_count_by_their_weight_and_others_do_not() -> None:
    policy = PagePolicy(Limits(), Rate(burst=6, per_minute=0.01))
    with page(policy, Handlers()) as address, Visitor(address, "zh") as visitor:
        for _ in range(10):
            visitor.ask(visitor.handler("click"), [])
        visitor.ask(visitor.handler("compare"), [])  # 4 calls, whatever the number of its steps
        visitor.ask(visitor.handler("find"), [])
        with pytest.raises(Failed, match="操作过于频繁"):
            visitor.ask(visitor.handler("compare"), [])
        visitor.ask(visitor.handler("export"), [None])
        with pytest.raises(Failed, match="操作过于频繁"):
            visitor.ask(visitor.handler("find"), [])
        visitor.ask(visitor.handler("click"), [])


def test_long_work_counts_as_more_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_limits, "SECONDS_PER_CALL", 1e-9)
    policy = PagePolicy(Limits(), Rate(burst=3, per_minute=0.01))
    with page(policy, Handlers()) as address, Visitor(address) as visitor:
        visitor.ask(visitor.handler("click"), [])
        visitor.ask(visitor.handler("find"), [])
        with pytest.raises(Failed, match="Too many requests"):
            visitor.ask(visitor.handler("find"), [])
        visitor.ask(visitor.handler("click"), [])


def test_files_of_the_server_are_refused_in_words(folder: Path) -> None:
    with page(PagePolicy(Limits()), Handlers()) as address, Visitor(address) as visitor:
        export = visitor.handler("export")
        for path in ("/etc/passwd", f"{folder}/../x.png", f"{folder}/x\0.png"):
            with pytest.raises(Failed, match="Upload the photo first"):
                visitor.ask(export, [{"deep": [file_data(path)]}])
        uploaded = visitor.upload("photo.png", b"photo")
        assert uploaded["path"] in visitor.ask(export, [{"deep": [uploaded]}])[0]


def test_a_network_may_have_half_of_the_waiting_calls() -> None:
    handlers = Handlers()
    with page(PagePolicy(Limits(), max_waiting=4), handlers) as address:
        refused: list[Refused] = []
        with Visitor(address, "zh") as visitor:
            for _ in range(6):
                try:
                    visitor.join(visitor.handler("hold"), [])
                except Refused as error:
                    refused.append(error)
            # One or none of the calls runs by now, and two wait.
            assert len(refused) in (3, 4)
            assert {error.status for error in refused} == {503}
            assert all(STRINGS["too_many_waiting"].zh in error.text for error in refused)
            status = join_from("127.0.0.2", visitor)
            assert status == 200
        handlers.release.set()


def test_values_that_no_control_has_are_refused_in_words(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with page(PagePolicy(Limits()), Handlers()) as address, Visitor(address, "zh") as visitor:
        resize = visitor.handler("resize")
        for value in (2, "x", None, [], {"path": 1}):
            with pytest.raises(Failed, match=STRINGS["bad_setting"].zh):
                visitor.ask(resize, [value, 1])
        with pytest.raises(Failed, match=STRINGS["bad_setting"].zh):
            visitor.ask(resize, [])
        with pytest.raises(Failed, match="太小"):
            visitor.ask(resize, [1, 0])
        assert visitor.ask(resize, [0.5, 1]) == ["0.5"]
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("waiting", "running", "order"),
    [
        ("", "a", []),
        ("aaaab", "a", [4, 0, 1, 2, 3]),
        ("aaabbc", "", [0, 3, 5, 1, 4, 2]),
        ("ab", "aab", [1, 0]),
        ("ba", "", [0, 1]),
    ],
)
def test_networks_take_turns(waiting: str, running: str, order: list[int]) -> None:
    """Each letter is the network of a call."""
    assert take_turns(waiting, running) == order


def test_a_full_queue_is_reported_in_words() -> None:
    handlers = Handlers()
    with page(PagePolicy(Limits(), max_waiting=2), handlers) as address:
        with Visitor(address) as visitor:
            statuses = [join_from(f"127.0.0.{number}", visitor) for number in range(2, 8)]
            assert statuses.count(200) in (2, 3)
            with pytest.raises(Refused, match="visitors are waiting"):
                visitor.join(visitor.handler("hold"), [])
        handlers.release.set()


def join_from(host: str, visitor: Visitor) -> int:
    """The status that an event from another address is answered with."""
    body = {"fn_index": visitor.handler("hold")["id"], "data": [], "session_hash": host}
    transport = httpx.HTTPTransport(local_address=host)
    with httpx.Client(base_url=visitor.http.base_url, transport=transport) as http:
        return http.post("/gradio_api/queue/join", json=body).status_code
