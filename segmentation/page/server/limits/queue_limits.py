"""Limits on calls: where their files come from, their work, their turn, and how many may wait."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from types import MappingProxyType
from typing import Any

import gradio as gr

from segmentation.errors import KoutuError, PhotoError
from segmentation.i18n import preferred_language
from segmentation.page.gradio_internals import queue as gradio_queue
from segmentation.page.gradio_internals.calls import (
    Call,
    UnreadableInputs,
    report_unreadable_inputs,
    surround_calls,
)
from segmentation.page.gradio_internals.files import is_uploaded, visit_files
from segmentation.page.server.client_address import client_network, current_network
from segmentation.page.server.limits.client_presence import client_is_here
from segmentation.page.server.limits.policy import PagePolicy
from segmentation.page.server.limits.rate_limit import RateLimiter
from segmentation.page.server.limits.unread_messages import UnreadMessages
from segmentation.page.strings import STRINGS

# `concurrency_id` of the events that need the device, and of those that make files. Their calls
# are costly and count towards the rate.
DEVICE_QUEUE, FILE_QUEUE = "device", "file"
EQUAL_WEIGHTS: Mapping[str, int] = MappingProxyType({})

# The work that a call may take; longer work counts as more calls.
SECONDS_PER_CALL = 1.0


def enforce_policy(
    ui: gr.Blocks, policy: PagePolicy, weights: Mapping[str, int] = EQUAL_WEIGHTS
) -> None:
    """Apply a page's policy to all its calls, those that no control of the page makes included.

    Args:
        ui: the page, with all its events.
        policy: the policy.
        weights: number of calls that a handler's call counts for, by the handler's name; other
            handlers count once.
    """
    limiter = RateLimiter(policy.rate) if policy.rate else None

    @contextmanager
    def surround(call: Call) -> Iterator[None]:
        costly_limiter = limiter if call.queue in (DEVICE_QUEUE, FILE_QUEUE) else None
        caller = _address(call.request), call.request.session_hash
        with _translate_errors(call.request):
            visit_files(call.inputs, check_uploaded)
            # Each step of a generator is a call of its own to Gradio.
            if costly_limiter and call.is_first_step:
                costly_limiter.admit(*caller, weights.get(call.handler, 1))
            current_network.set(client_network(caller[0]))
            client_is_here.set(lambda: gradio_queue.is_alive(ui, call.event_id))
            start = time.monotonic()
            try:
                yield
            finally:
                if costly_limiter:
                    excess = (time.monotonic() - start) / SECONDS_PER_CALL - 1
                    costly_limiter.charge(*caller, max(0, excess))

    report_unreadable_inputs(ui)
    surround_calls(ui, surround)
    gradio_queue.disable_analytics(ui)
    gradio_queue.poll_less_often(ui)
    gradio_queue.drop_unread_places(ui)
    gradio_queue.order_waiting(ui, _order_requests)
    if policy.max_waiting is not None:
        limit_waiting(ui, policy.max_waiting)


@contextmanager
def _translate_errors(request: gr.Request) -> Iterator[None]:
    """Show an error of ours, or unreadable inputs, to the client in its language."""
    try:
        yield
    except (KoutuError, UnreadableInputs) as error:
        text = error.text if isinstance(error, KoutuError) else STRINGS["bad_setting"]
        language = preferred_language(request.headers.get("accept-language", ""))
        raise gr.Error(text.in_language(language), print_exception=False) from error


def take_turns(waiting: Sequence[str], running: Sequence[str]) -> list[int]:
    """Order the waiting calls so that the networks take turns.

    Args:
        waiting: the networks of the waiting calls in their order.
        running: those of the running ones.

    Returns:
        Indices of `waiting` in the new order.
    """
    calls = Counter(running)
    turns = []
    for network in waiting:
        turns.append(calls[network])
        calls[network] += 1
    return sorted(range(len(waiting)), key=turns.__getitem__)


def _order_requests(waiting: Sequence[Any], running: Sequence[Any]) -> list[int]:
    return take_turns([*map(_network, waiting)], [*map(_network, running)])


def limit_waiting(ui: gr.Blocks, max_waiting: int) -> None:
    """Limit the number of calls that wait in the queues, and of messages that nobody reads.

    One network may have half of the calls at most, so that a flood from one network leaves room
    for the others.

    Args:
        ui: the page.
        max_waiting: number of calls of all networks.
    """
    unread = UnreadMessages(ui)

    def refuse(request: Any, session: str | None) -> str | None:
        waiting = gradio_queue.waiting_requests(ui)
        network = _network(request)
        from_network = sum(_network(other) == network for other in waiting)
        if from_network >= ceil(max_waiting / 2) or not unread.admit(network, session):
            reason = "too_many_waiting"
        elif len(waiting) >= max_waiting:
            reason = "queue_full"
        else:
            return None
        language = preferred_language(request.headers.get("accept-language", ""))
        return STRINGS[reason].in_language(language)

    gradio_queue.check_waiting(ui, refuse)


def check_uploaded(file: Mapping[str, Any]) -> None:
    """Refuse a file that was not uploaded here. Gradio refuses it too, but without a reason.

    Args:
        file: the file as a client names it, with its path in `path`.

    Raises:
        PhotoError: the path is outside the folder for visitors' files.
    """
    if "\0" in file["path"] or not is_uploaded(file["path"]):
        raise PhotoError(
            "Upload the photo first: this page does not read other files of the server.",
            "请上传照片：本页面不会读取服务器上的其他文件。",
        )


def _address(request: Any) -> str:
    return str(request.client.host) if request.client else ""


def _network(request: Any) -> str:
    return client_network(_address(request))
