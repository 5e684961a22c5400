"""Private names of Gradio's calls, files, server and HTML, on a page without a guard."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio import http_server, routes

from segmentation.page.gradio_internals.calls import Call, event_data, surround_calls
from segmentation.page.gradio_internals.files import (
    delete_unused_folder,
    is_uploaded,
    keep_folders_below,
    upload_folder,
    visit_files,
)
from segmentation.page.gradio_internals.page_html import drop_repeated_schemas, insert_into_head
from segmentation.page.gradio_internals.queue import (
    check_waiting,
    disable_analytics,
    waiting_requests,
)
from segmentation.page.gradio_internals.server import is_space, open_connections, wait_for_servers
from tests.coroutines import run_coroutine
from tests.segmentation.page.server.connections import connect, read_to_end, wait_for
from tests.segmentation.page.serving import address_of, blank_page, launch_unprotected, served
from tests.visitor import Failed, Refused, Visitor, file_data


class Page:
    """A page with a handler of each kind.

    Attributes:
        release: set it to let `hold` return.
        calls: the calls that were checked.
        refusals: error texts; while "call" or "event" is a key, calls or events are refused.
    """

    def __init__(self) -> None:
        self.release = threading.Event()
        self.calls: list[Call] = []
        self.refusals: dict[str, str] = {}

    def echo(self, word: str) -> str:
        return word

    def count(self) -> Iterator[str]:
        yield from "123"

    def read_event(self, event: gr.EventData) -> str:
        return json.dumps(event_data(event))

    def hold(self) -> None:
        self.release.wait(60)

    def build(self) -> gr.Blocks:
        with gr.Blocks(analytics_enabled=False) as ui:
            word, button = gr.Textbox(), gr.Button()
            button.click(self.echo, word, word, concurrency_id="words")
            button.click(self.count, None, word)
            button.click(self.read_event, None, word)
            button.click(self.hold, concurrency_id="one at a time", concurrency_limit=1)
        surround_calls(ui, self.surround_call)
        check_waiting(ui, lambda _, __: self.refusals.get("event"))
        disable_analytics(ui)
        return ui

    @contextmanager
    def surround_call(self, call: Call) -> Iterator[None]:
        self.calls.append(call)
        if "call" in self.refusals:
            raise gr.Error(self.refusals["call"], print_exception=False)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("uploads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def page() -> Page:
    return Page()


@pytest.fixture(scope="module")
def ui(page: Page, folder: Path) -> Iterator[gr.Blocks]:
    assert folder.is_dir()
    with served(page.build, launch_unprotected) as ui:
        yield ui


@pytest.fixture
def visitor(ui: gr.Blocks) -> Iterator[Visitor]:
    with Visitor(address_of(ui)) as visitor:
        yield visitor


def test_upload_folder_is_where_gradio_writes_uploads(visitor: Visitor, folder: Path) -> None:
    assert upload_folder() == folder
    assert Path(visitor.upload("photo.png", b"photo")["path"]).is_relative_to(folder)


def test_is_uploaded_resolves_the_path(folder: Path, tmp_path: Path) -> None:
    (folder / "link").symlink_to(tmp_path)
    assert is_uploaded(f"{folder}/x/photo.png")
    assert not is_uploaded(f"{folder}/../photo.png")
    assert not is_uploaded(f"{folder}/link/photo.png")
    assert not is_uploaded("/etc/passwd")


def test_visit_files_finds_files_at_any_depth() -> None:
    files: list[Any] = []
    first, second = file_data("1.png"), file_data("2.png")
    visit_files([first, {"deep": [0, second]}, {"path": "3.png"}], files.append)
    assert files == [first, second]


def test_surround_calls_sees_a_call_before_its_handler(visitor: Visitor, page: Page) -> None:
    page.calls.clear()
    echo = visitor.handler("echo")
    assert visitor.ask(echo, ["hello"], {"index": 1}) == ["hello"]
    (call,) = page.calls
    inputs = [["hello"], {"index": 1}]
    assert (call.handler, call.queue, call.inputs) == ("echo", "words", inputs)
    assert call.is_first_step
    assert call.request.session_hash == visitor.session
    assert call.request.client.host == "127.0.0.1"
    assert call.request.headers["accept-language"] == "en"


def test_event_data_is_what_the_client_sent(visitor: Visitor) -> None:
    data = {"point_xy": [0.5, 0.25]}
    (answer,) = visitor.ask(visitor.handler("read_event"), [], data)
    assert json.loads(answer) == data


def test_surround_calls_marks_the_first_step_of_a_generator(visitor: Visitor, page: Page) -> None:
    page.calls.clear()
    visitor.ask(visitor.handler("count"), [])
    steps = [call.is_first_step for call in page.calls if call.handler == "count"]
    assert steps[0]
    assert steps[1:] == [False] * (len(steps) - 1)
    assert len(steps) >= 3


def test_surround_calls_can_refuse_a_call(
    visitor: Visitor, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(page.refusals, "call", "not now")
    with pytest.raises(Failed, match="not now"):
        visitor.ask(visitor.handler("echo"), ["hello"])


def test_check_waiting_can_refuse_an_event(
    visitor: Visitor, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(page.refusals, "event", "too many")
    with pytest.raises(Refused, match="too many") as refused:
        visitor.join(visitor.handler("echo"), ["hello"])
    assert refused.value.status == 503


def test_waiting_requests_are_those_of_waiting_events(
    visitor: Visitor, page: Page, ui: gr.Blocks
) -> None:
    hold = visitor.handler("hold")
    assert waiting_requests(ui) == []
    for _ in range(3):
        visitor.join(hold, [])
    requests = waiting_requests(ui)
    page.release.set()
    assert len(requests) >= 2, "one event may have left its queue"
    assert {request.client.host for request in requests} == {"127.0.0.1"}
    assert requests[0].headers["accept-language"] == "en"


def test_disable_analytics_sets_the_values_gradio_reads(visitor: Visitor, ui: gr.Blocks) -> None:
    async def new_queue() -> Any:
        return gr.Blocks(analytics_enabled=False)._queue

    queue = run_coroutine(new_queue())
    assert queue.ANALYTICS_MAX_EVENTS == 10_000
    assert queue.ANAYLTICS_CACHE_FREQUENCY == 1
    for _ in range(3):
        visitor.ask(visitor.handler("echo"), ["hello"])
    assert len(ui._queue.event_analytics) <= 2
    assert ui._queue.compute_analytics_summary(ui._queue.event_analytics) == {"functions": {}}


@pytest.mark.parametrize(
    ("environment", "on_space"),
    [({}, False), ({"SYSTEM": "spaces", "SPACE_ID": "owner/name"}, True)],
    ids=["elsewhere", "Space"],
)
def test_is_space_reads_the_environment_of_a_space(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], on_space: bool
) -> None:
    for name in ("SYSTEM", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_space() == on_space


def test_open_connections_are_those_of_the_web_server(ui: gr.Blocks) -> None:
    with connect(address_of(ui)) as client:
        client.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        connections = open_connections(ui.app)
        (connection,) = (other for other in connections if other.client == client.getsockname())
        wait_for(lambda: connection.cycle.response_complete)
        connection.transport.close()
        read_to_end(client)


def test_gradios_own_folder_is_made_where_it_is_told_and_can_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "DEFAULT_TEMP_DIR", routes.DEFAULT_TEMP_DIR)
    keep_folders_below(tmp_path)
    with served(blank_page, launch_unprotected):
        assert [path.name for path in tmp_path.iterdir()] == ["vibe_edit_history"]
    delete_unused_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_is_waited_for_at_any_kind_of_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "LOCALHOST_NAME", "127.0.0.1")
    for host, checked in [("::1", "127.0.0.1"), ("127.0.0.2", "127.0.0.2")]:
        wait_for_servers(host)
        assert checked == http_server.LOCALHOST_NAME


def test_html_in_the_head_comes_before_gradios_scripts(
    ui: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = "<meta name='first' content='{{ 1 }} {# 2 #}'>"
    monkeypatch.setattr(routes.templates.env, "loader", routes.templates.env.loader)
    insert_into_head(first)
    html = httpx.get(address_of(ui), timeout=60).text
    assert html.index(first) < html.index("<script")


def test_a_schema_that_was_left_out_is_still_published(visitor: Visitor, ui: gr.Blocks) -> None:
    before, published = len(visitor.http.get("/config").content), ui.get_api_info()
    drop_repeated_schemas(ui)
    ui.config = ui.get_config_file()  # as its launch does
    assert len(visitor.http.get("/config").content) < before
    assert ui.get_api_info() == published
