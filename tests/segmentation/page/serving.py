"""Serve pages in this process, for one test or for a module of tests."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import gradio as gr
from gradio import routes

import app
from segmentation import ModelCard, find_model
from segmentation.inference.registry import ModelRegistry
from segmentation.page.components import PageContext
from segmentation.page.server.launch import serve
from segmentation.page.server.limits.policy import PRIVATE_PAGE, PagePolicy
from segmentation.page.theme import appearance
from tests.coroutines import run_coroutine

Result = TypeVar("Result")


def free_port() -> int:
    """Return a free port. Gradio's own search leaves a socket open for each port it tries."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def in_event_loop(build: Callable[[], Result]) -> Result:
    """Call a function that builds a page while an event loop runs.

    Without a running event loop, Gradio makes a loop for each of its locks and never closes it.
    """

    async def call() -> Result:
        return build()

    return run_coroutine(call())


@contextmanager
def served(
    build: Callable[[], gr.Blocks], launch: Callable[[gr.Blocks, int], object]
) -> Iterator[gr.Blocks]:
    """Serve a page until the block ends.

    The head of pages belongs to the process: it becomes that of the pages before again.

    Args:
        build: builds the page.
        launch: launches the page in the background on a port.
    """

    def start() -> gr.Blocks:
        ui = build()
        launch(ui, free_port())
        return ui

    environment = routes.templates.env
    before = environment.loader
    ui = in_event_loop(start)
    own = environment.loader
    try:
        yield ui
    finally:
        ui.close()
        if environment.loader is own:  # else that of a page that was served later
            environment.loader = before


def page_context(
    policy: PagePolicy = PRIVATE_PAGE, cards: Sequence[ModelCard] | None = None
) -> PageContext:
    """Return the context of a page with the bundled model, or with other models."""
    return PageContext(ModelRegistry(cards or [find_model("compact")]), policy.limits)


@contextmanager
def served_page(
    policy: PagePolicy = PRIVATE_PAGE, context: PageContext | None = None, **options: Any
) -> Iterator[str]:
    """Serve the complete page with its request guard. Yields its address."""
    context = context or page_context(policy)

    def launch(ui: gr.Blocks, port: int) -> None:
        drop = context.photos.drop_deleted
        serve(ui, policy, after_sweep=drop, **{**appearance(), "server_port": port, **options})

    with served(lambda: app.build_ui(context, policy), launch) as ui:
        yield str(ui.local_url)


def blank_page() -> gr.Blocks:
    """Build an empty page."""
    with gr.Blocks(analytics_enabled=False) as ui:
        gr.Markdown()
    return ui


def launch_unprotected(ui: gr.Blocks, port: int) -> None:
    """Launch a page without the request guard."""
    ui.launch(server_port=port, prevent_thread_lock=True, quiet=True, ssr_mode=False)


def address_of(ui: gr.Blocks) -> str:
    """Return the address of a served page, without a trailing slash."""
    return str(ui.local_url).rstrip("/")
