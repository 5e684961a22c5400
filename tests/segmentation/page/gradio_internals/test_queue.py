"""Every private name of Gradio's queue that the server uses, on a page without a guard."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import pytest
from gradio import routes

from segmentation.page.gradio_internals import queue as gradio_queue
from segmentation.page.gradio_internals.calls import report_unreadable_inputs
from segmentation.page.server.limits.unread_messages import MAX_PER_NETWORK, UnreadMessages
from tests.coroutines import run_coroutine
from tests.segmentation.page.server.connections import wait_for
from tests.segmentation.page.serving import address_of, launch_unprotected, served
from tests.visitor import Failed, Visitor

RELEASE = threading.Event()


def hold(word: str) -> str:
    RELEASE.wait(60)
    return word


def resize(size: float) -> float:
    return size


def count_up(count: int) -> tuple[int, Any]:
    return count + 1, gr.update(value=str(count + 1), placeholder="x" * 1000)


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    def build() -> gr.Blocks:
        with gr.Blocks(analytics_enabled=False) as ui:
            word, button = gr.Textbox(), gr.Button()
            button.click(hold, word, word, concurrency_id="one at a time", concurrency_limit=1)
            slider = gr.Slider(0, 1)
            button.click(resize, slider, slider)
            button.click(None, slider, js="() => {}")
            count = gr.State(0)
            button.click(count_up, count, [count, word])
        report_unreadable_inputs(ui)
        return ui

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        gradio_queue.keep_sessions_small()
        with served(build, launch_unprotected) as ui:
            yield ui


@pytest.fixture
def visitor(ui: gr.Blocks) -> Iterator[Visitor]:
    RELEASE.clear()
    with Visitor(address_of(ui)) as visitor:
        yield visitor
    RELEASE.set()
    wait_for(lambda: gradio_queue.queue_numbers(ui) == {"waiting": 0, "running": 0})


def join(visitor: Visitor, session: str) -> str:
    """Send an event. Returns its id."""
    body = {"fn_index": visitor.handler("hold")["id"], "data": ["a"], "session_hash": session}
    answer = visitor.http.post("/gradio_api/queue/join", json=body).json()
    return str(answer["event_id"])


def test_poll_less_often_slows_gradios_search_for_events() -> None:
    async def intervals() -> tuple[float, float]:
        ui = gr.Blocks(analytics_enabled=False)
        before: float = ui._queue.sleep_when_free
        gradio_queue.poll_less_often(ui)
        return before, ui._queue.sleep_when_free

    before, after = run_coroutine(intervals())
    assert 0 < before < gradio_queue.POLL_SECONDS == after


def test_order_waiting_orders_the_events_of_a_queue(ui: gr.Blocks, visitor: Visitor) -> None:
    seen: list[tuple[int, int]] = []

    def reverse(waiting: Sequence[Any], running: Sequence[Any]) -> list[int]:
        seen.append((len(waiting), len(running)))
        return [*range(len(waiting))][::-1]

    push = ui._queue.push
    gradio_queue.order_waiting(ui, reverse)
    try:
        first = join(visitor, "a")
        wait_for(lambda: gradio_queue.queue_numbers(ui)["running"] == 1)
        later = [join(visitor, session) for session in "bc"]
        (queue,) = ui._queue.event_queue_per_concurrency_id.values()
        assert [event._id for event in queue.queue] == later[::-1]
        assert seen[1:] == [(1, 1), (2, 1)]
        assert gradio_queue.queue_numbers(ui) == {"waiting": 2, "running": 1}
        assert gradio_queue.is_alive(ui, first)
    finally:
        ui._queue.push = push  # type: ignore[method-assign]


def test_an_abandoned_event_is_not_alive(ui: gr.Blocks, visitor: Visitor) -> None:
    running = join(visitor, "a")
    wait_for(lambda: gradio_queue.queue_numbers(ui)["running"] == 1)
    join(visitor, "a")
    run_coroutine(gradio_queue.abandon(ui.app, "a"))
    assert not gradio_queue.is_alive(ui, running)
    assert gradio_queue.is_alive(ui, "of no running event")
    assert gradio_queue.queue_numbers(ui)["waiting"] == 0


def test_messages_that_nobody_reads_are_counted_and_dropped(
    ui: gr.Blocks, visitor: Visitor
) -> None:
    now = 0.0
    unread = UnreadMessages(ui, lambda: now)
    assert unread.admit("a", "unread")
    RELEASE.set()
    for _ in range(MAX_PER_NETWORK // 3):
        join(visitor, "unread")
    wait_for(lambda: gradio_queue.unread_messages(ui)["unread"] >= MAX_PER_NETWORK)
    assert not unread.admit("a", "other")
    assert unread.admit("b", "another")
    wait_for(lambda: gradio_queue.queue_numbers(ui) == {"waiting": 0, "running": 0})
    now = 601
    unread.admit("a", "other")
    assert unread.admit("a", "other")
    assert "unread" not in gradio_queue.unread_messages(ui)


def test_unread_places_in_the_queue_do_not_pile_up(ui: gr.Blocks, visitor: Visitor) -> None:
    send = ui._queue.send_message
    gradio_queue.drop_unread_places(ui)
    try:
        events = 30
        for _ in range(events):
            join(visitor, "waits")
        RELEASE.set()
        wait_for(lambda: gradio_queue.queue_numbers(ui) == {"waiting": 0, "running": 0})
        unread = gradio_queue.unread_messages(ui)["waits"]
        # Each event starts and completes, and that is never dropped.
        assert 2 * events < unread <= gradio_queue.MAX_UNREAD_PLACES + 2 * events
    finally:
        ui._queue.send_message = send  # type: ignore[method-assign]


def test_the_progress_of_an_upload_is_forgotten(visitor: Visitor) -> None:
    upload = {"files": ("a.png", b"photo")}
    visitor.http.post("/gradio_api/upload?upload_id=known", files=upload)
    statuses = routes.file_upload_statuses
    assert "known" in statuses._statuses
    gradio_queue.forget_upload("known")
    assert "known" not in statuses._statuses
    assert "known" not in statuses._signals
    gradio_queue.forget_upload("unknown")


def test_report_unreadable_inputs_of_an_event(
    visitor: Visitor, capfd: pytest.CaptureFixture[str]
) -> None:
    resize, browser_only = visitor.handler("resize"), visitor.handler("js_fn")
    for event, inputs in ((resize, [2]), (resize, [None]), (resize, []), (browser_only, [0.5])):
        with pytest.raises(Failed):
            visitor.ask(event, inputs)
        assert "calls.UnreadableInputs" in capfd.readouterr().err
    assert visitor.ask(resize, [0.5]) == [0.5]


def test_a_small_session_keeps_its_state_and_no_configuration(
    ui: gr.Blocks, visitor: Visitor
) -> None:
    count_up = visitor.handler("count_up")
    answers = [visitor.ask(count_up, [None])[1]["value"] for _ in range(3)]
    assert answers == ["1", "2", "3"]
    session = ui.state_holder[visitor.session]
    assert isinstance(session, gradio_queue.SmallSession)
    assert session.config_values == {}
    gradios_own: Any = gradio_queue.SmallSession.__base__
    assert vars(session).keys() == vars(gradios_own(ui)).keys()
