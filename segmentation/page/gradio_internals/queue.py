"""Gradio's queue and its events, sessions and uploads."""

import sys
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio import routes, state_holder
from gradio.routes import App
from gradio_client.utils import ServerMessage

# Gradio looks for a new event every millisecond, which keeps an idle page at 4 % of a core.
POLL_SECONDS = 0.01
# As many messages wait only for a client that does not read them.
MAX_UNREAD_PLACES = 100


class SmallSession(state_holder.SessionState):
    """A session without the configuration of its components, which only Gradio's deep links need.

    Gradio makes one for each of 10,000 sessions, in 0.5 MB and as much time as an event takes,
    and a client may name any number of sessions. The page has no route to deep links.

    Args:
        blocks: the page.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        without_components: Any = SimpleNamespace(default_config=blocks.default_config, blocks={})
        super().__init__(without_components)

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None: ...

    def _update_value_in_config(self, key: int, value: Any) -> None: ...


def keep_sessions_small() -> None:
    """Make the sessions of this process's pages `SmallSession`s."""
    setattr(state_holder, "SessionState", SmallSession)  # noqa: B010


def poll_less_often(ui: gr.Blocks) -> None:
    """Look for new events of a page every `POLL_SECONDS`, or less often where Gradio does."""
    ui._queue.sleep_when_free = max(POLL_SECONDS, ui._queue.sleep_when_free)


def drop_unread_places(ui: gr.Blocks) -> None:
    """Send a client no more places in the queue while it reads no messages.

    Gradio sends the place of each waiting event at each step of the queue, so that the unread ones
    of a client grow with the square of its events.

    Args:
        ui: the page.
    """
    queue = ui._queue
    send = queue.send_message

    def send_if_read(event: Any, message: Any) -> None:
        is_place = message.msg == ServerMessage.estimation
        unread = queue.pending_messages_per_session.get(event.session_hash)
        if not is_place or unread is None or unread.qsize() < MAX_UNREAD_PLACES:
            send(event, message)

    setattr(queue, "send_message", send_if_read)  # noqa: B010


def order_waiting(
    ui: gr.Blocks, order: Callable[[Sequence[Any], Sequence[Any]], list[int]]
) -> None:
    """Sort the waiting events of a queue after each event that enters it.

    Args:
        ui: the page.
        order: takes the requests of the waiting events in their order, and those of the running
            ones; returns the indices of the waiting ones in the new order.
    """
    queue = ui._queue
    push = queue.push

    async def push_in_order(body: Any, request: Any, username: str | None) -> Any:
        result = await push(body, request, username)
        running = _running(ui)
        for name, waiting in queue.event_queue_per_concurrency_id.items():
            requests = [event.request for event in running if event.concurrency_id == name]
            indices = order([event.request for event in waiting.queue], requests)
            waiting.queue[:] = [waiting.queue[index] for index in indices]
        return result

    setattr(queue, "push", push_in_order)  # noqa: B010


def disable_analytics(ui: gr.Blocks) -> None:
    """Skip the statistics over the last 10,000 events that Gradio computes at each event.

    The monitoring page that shows them is closed here, and they take longer than most events.
    """
    ui._queue.ANALYTICS_MAX_EVENTS = 1
    ui._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize


def check_waiting(ui: gr.Blocks, refuse: Callable[[Any, str | None], str | None]) -> None:
    """Check each event before it enters a queue.

    Gradio's own limit, `max_size`, has an English text only and one limit for all visitors.

    Args:
        ui: the page.
        refuse: takes the client's request and the name of its session, and returns the reason to
            refuse it, or None.
    """
    queue = ui._queue
    push = queue.push

    async def push_checked(body: Any, request: Any, username: str | None) -> Any:
        reason = refuse(request, body.session_hash)
        if reason is not None:
            return False, reason, "queue_full"
        return await push(body, request, username)

    setattr(queue, "push", push_checked)  # noqa: B010


def waiting_requests(ui: gr.Blocks) -> list[Any]:
    """The requests of all events that wait in the queues."""
    return [event.request for event in _waiting(ui)]


def is_alive(ui: gr.Blocks, event_id: str | None) -> bool:
    """Whether a running event still has a client; True for an event that does not run."""
    return all(event.alive for event in _running(ui) if event._id == event_id)


def unread_messages(ui: gr.Blocks) -> Mapping[str, int]:
    """The number of messages that wait for their client, by session."""
    sessions = ui._queue.pending_messages_per_session.items()
    return {session: messages.qsize() for session, messages in sessions}


def forget_session(ui: gr.Blocks, session: str) -> None:
    """Drop the messages that a session did not read, unless it has events that will send more."""
    if any(event.session_hash == session for event in (*_running(ui), *_waiting(ui))):
        return
    ui._queue.pending_messages_per_session.pop(session, None)
    ui._queue.pending_event_ids_session.pop(session, None)


async def abandon(app: App, session: str) -> None:
    """Mark the running events of a session as abandoned and drop the waiting ones."""
    await app.get_blocks()._queue.clean_events(session_hash=session)


def queue_numbers(ui: gr.Blocks) -> dict[str, int]:
    """The number of events that wait, and of those that run."""
    return {"waiting": len(ui._queue), "running": len(_running(ui))}


def forget_upload(upload_id: str) -> None:
    """Drop the progress of an upload."""
    statuses = routes.file_upload_statuses
    statuses.stop_tracking(upload_id)
    statuses._signals.pop(upload_id, None)


def _waiting(ui: gr.Blocks) -> list[Any]:
    """The events that wait in the queues."""
    queues = ui._queue.event_queue_per_concurrency_id.values()
    return [event for queue in queues for event in queue.queue]


def _running(ui: gr.Blocks) -> list[Any]:
    """The events that run."""
    return [event for job in ui._queue.active_jobs if job for event in job]
