"""Pages that are served in this process, for a test or a module of tests."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import gradio as gr

import app
from segmentation import ModelCard, find_model
from segmentation.inference.registry import ModelRegistry
from segmentation.page.components import PageContext
from segmentation.page.server.launch import serve
from segmentation.page.server.policy import PRIVATE_PAGE, PagePolicy
from segmentation.page.theme import appearance
from tests.coroutines import run_coroutine

Result = TypeVar("Result")


def free_port() -> int:
    """A port that nobody listens on. Gradio's own search leaves a socket open for each it tries."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def in_event_loop(build: Callable[[], Result]) -> Result:
    """Call a function that makes a page while an event loop runs.

    Without a running event loop, Gradio makes one for each of its locks and never closes it.
    """

    async def call() -> Result:
        return build()

    return run_coroutine(call())


@contextmanager
def served(
    build: Callable[[], gr.Blocks], launch: Callable[[gr.Blocks, int], object]
) -> Iterator[gr.Blocks]:
    """A page while it is served.

    Args:
        build: makes the page.
        launch: launches it in the background at a port.
    """

    def start() -> gr.Blocks:
        ui = build()
        launch(ui, free_port())
        return ui

    ui = in_event_loop(start)
    try:
        yield ui
    finally:
        ui.close()


def page_context(
    policy: PagePolicy = PRIVATE_PAGE, cards: Sequence[ModelCard] | None = None
) -> PageContext:
    """The context of a page with the bundled model, or with others."""
    return PageContext(ModelRegistry(cards or [find_model("compact")]), policy.limits)


@contextmanager
def served_page(
    policy: PagePolicy = PRIVATE_PAGE, context: PageContext | None = None, **options: Any
) -> Iterator[str]:
    """The address of the whole page while it is served with all that protects it."""
    context = context or page_context(policy)

    def launch(ui: gr.Blocks, port: int) -> None:
        drop = context.photos.drop_deleted
        serve(ui, policy, after_sweep=drop, **{**appearance(), "server_port": port, **options})

    with served(lambda: app.build_ui(context, policy), launch) as ui:
        yield str(ui.local_url)


def blank_page() -> gr.Blocks:
    """A page with nothing on it."""
    with gr.Blocks(analytics_enabled=False) as ui:
        gr.Markdown()
    return ui


def launch_unprotected(ui: gr.Blocks, port: int) -> None:
    """Launch a page with nothing that protects it."""
    ui.launch(server_port=port, prevent_thread_lock=True, quiet=True, ssr_mode=False)


def address_of(ui: gr.Blocks) -> str:
    """The address of a served page, without a slash at its end."""
    return str(ui.local_url).rstrip("/")
