"""The calls of handlers: before Gradio reads their inputs, and the data of their events."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a handler, before Gradio reads its inputs.

    Attributes:
        handler: name of the handler function.
        queue: the `concurrency_id` of the event.
        inputs: values of the components and data of the event, as the client sent them.
        request: the client's request.
        is_first_step: False for the second and later steps of a generator.
        event_id: id of the event in the queue; None for a call that was not queued.
    """

    handler: str
    queue: str
    inputs: Any
    request: gr.Request
    is_first_step: bool
    event_id: str | None


def surround_calls(ui: gr.Blocks, surround: Callable[[Call], AbstractContextManager[None]]) -> None:
    """Run each call inside a context, before Gradio checks it: clients call private events too.

    Args:
        ui: the page.
        surround: returns the context, which raises `gr.Error` to refuse a call.
    """
    process = ui.process_api

    async def process_surrounded(**call: Any) -> dict[str, Any]:
        function = call["block_fn"]
        described = Call(
            function.name,
            function.concurrency_id,
            [call["inputs"], getattr(call.get("event_data"), "_data", None)],
            call["request"],
            call.get("iterator") is None,
            call.get("event_id"),
        )
        with surround(described):
            return await process(**call)

    setattr(ui, "process_api", process_surrounded)  # noqa: B010


class UnreadableInputs(Exception):
    """Raised for inputs of an event that are not values of its components."""


def report_unreadable_inputs(ui: gr.Blocks) -> None:
    """Raise `UnreadableInputs` for the inputs of an event that Gradio cannot read.

    Gradio raises anything, with a text in English or none, and prints it with the values.

    Args:
        ui: the page.
    """
    preprocess = ui.preprocess_data

    async def preprocess_or_report(function: Any, *args: Any, **kwargs: Any) -> Any:
        if not function.fn:  # only the browser has something to do
            raise UnreadableInputs
        try:
            return await preprocess(function, *args, **kwargs)
        except Exception as error:  # what components raise has no base class
            raise UnreadableInputs from error

    setattr(ui, "preprocess_data", preprocess_or_report)  # noqa: B010


def event_data(event: gr.EventData) -> Any:
    """The data of an event of a component, as the client sent it."""
    return event._data
