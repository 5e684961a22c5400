"""Pages that are served in this process, for a test or a module of tests."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gradio as gr


def free_port() -> int:
    """A port that nobody listens on. Gradio's own search leaves a socket open for each it tries."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def served(
    build: Callable[[], gr.Blocks], serve: Callable[[gr.Blocks, int], object]
) -> Iterator[gr.Blocks]:
    """A page while it is served.

    Args:
        build: makes the page.
        serve: launches it in the background at a port.
    """

    # Without a running event loop, Gradio makes one for each of its locks and never closes it.
    async def start() -> gr.Blocks:
        ui = build()
        serve(ui, free_port())
        return ui

    ui = asyncio.run(start())
    try:
        yield ui
    finally:
        ui.close()


def blank_page() -> gr.Blocks:
    """A page with nothing on it."""
    with gr.Blocks(analytics_enabled=False) as ui:
        gr.Markdown()
    return ui


def launch(ui: gr.Blocks, port: int) -> None:
    """Launch a page with nothing that protects it."""
    ui.launch(server_port=port, prevent_thread_lock=True, quiet=True, ssr_mode=False)


def address_of(ui: gr.Blocks) -> str:
    """The address of a served page, without a slash at its end."""
    return str(ui.local_url).rstrip("/")
