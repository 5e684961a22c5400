"""Limits on calls: where their files come from, their rate, and how many may wait."""

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import Any

import gradio as gr

from segmentation.errors import KoutuError, PhotoError
from segmentation.i18n import preferred_language
from segmentation.page import gradio_internals
from segmentation.page.server.client_address import client_network
from segmentation.page.server.policy import PagePolicy
from segmentation.page.server.rate_limit import RateLimiter
from segmentation.page.strings import STRINGS

# `concurrency_id` of the events that need the device, and of those that make files. Their calls
# are costly and count towards the rate.
DEVICE_QUEUE, FILE_QUEUE = "device", "file"
EQUAL_WEIGHTS: Mapping[str, int] = MappingProxyType({})


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

    def check(call: gradio_internals.Call) -> None:
        try:
            gradio_internals.visit_files(call.inputs, check_uploaded)
            # Each step of a generator is a call of its own to Gradio.
            if limiter and call.queue in (DEVICE_QUEUE, FILE_QUEUE) and call.is_first_step:
                session, weight = call.request.session_hash, weights.get(call.handler, 1)
                limiter.admit(_address(call.request), session, weight)
        except KoutuError as error:
            language = preferred_language(call.request.headers.get("accept-language", ""))
            raise gr.Error(error.in_language(language), print_exception=False) from error

    gradio_internals.check_calls(ui, check)
    gradio_internals.disable_analytics(ui)
    if policy.max_waiting is not None:
        limit_waiting(ui, policy.max_waiting)


def limit_waiting(ui: gr.Blocks, max_waiting: int) -> None:
    """Limit the number of calls that wait in the queues.

    One network may have half of them at most, so that a flood from one network leaves room for the
    others.

    Args:
        ui: the page.
        max_waiting: number of calls of all networks.
    """

    def refuse(request: Any) -> str | None:
        waiting = gradio_internals.waiting_requests(ui)
        network = client_network(_address(request))
        from_network = sum(client_network(_address(other)) == network for other in waiting)
        if from_network >= ceil(max_waiting / 2):
            reason = "too_many_waiting"
        elif len(waiting) >= max_waiting:
            reason = "queue_full"
        else:
            return None
        language = preferred_language(request.headers.get("accept-language", ""))
        return STRINGS[reason].in_language(language)

    gradio_internals.check_waiting(ui, refuse)


def check_uploaded(file: Mapping[str, Any]) -> None:
    """Refuse a file that was not uploaded here. Gradio refuses it too, but without a reason.

    Args:
        file: the file as a client names it, with its path in `path`.

    Raises:
        PhotoError: the path is outside the folder for visitors' files.
    """
    if "\0" in file["path"] or not gradio_internals.is_uploaded(file["path"]):
        raise PhotoError(
            "Upload the photo first: this page does not read other files of the server.",
            "请上传照片：本页面不会读取服务器上的其他文件。",
        )


def _address(request: Any) -> str:
    return str(request.client.host) if request.client else ""
