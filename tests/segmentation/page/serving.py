"""Pages served by the test process itself."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr
from segmentation.page.server.launch import serve

import app
from segmentation import ModelCard, find_model
from segmentation.inference.registry import ModelRegistry
from segmentation.page.components import I18N, PageContext
from segmentation.page.server.rate_limit import PRIVATE_PAGE, PagePolicy
from segmentation.page.theme import css, javascript, theme


def page_context(
    policy: PagePolicy = PRIVATE_PAGE, cards: Sequence[ModelCard] | None = None
) -> PageContext:
    """Return the context of a page with the bundled model, or with others."""
    return PageContext(ModelRegistry(cards or [find_model("compact")]), policy.limits)


def free_port() -> int:
    """Return a free port. Gradio's own search leaves a socket open for each that is taken."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def served_page(
    policy: PagePolicy = PRIVATE_PAGE,
    context: PageContext | None = None,
    **options: Any,
) -> Iterator[str]:
    """Serve a page until the block ends; its address."""
    context = context or page_context(policy)
    options = {"server_port": free_port(), **options}
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Where no event loop runs, Gradio makes one for each of its locks and never closes it.
        ui = asyncio.run(_start_async(context, policy, options))
    else:
        ui = _start(context, policy, options)
    try:
        yield str(ui.local_url)
    finally:
        ui.close()


async def _start_async(
    context: PageContext, policy: PagePolicy, options: dict[str, Any]
) -> gr.Blocks:
    return _start(context, policy, options)


def _start(context: PageContext, policy: PagePolicy, options: dict[str, Any]) -> gr.Blocks:
    ui = app.build_ui(context, policy)
    serve(
        ui,
        policy,
        after_sweep=context.photos.drop_deleted,
        i18n=I18N,
        theme=theme(),
        css=css(),
        js=javascript(),
        **options,
    )
    return ui
