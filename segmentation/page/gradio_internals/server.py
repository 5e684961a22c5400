"""Gradio's web server: its start, its middleware, its connections, its visitors."""

import threading
import time
from collections.abc import Collection, MutableMapping
from typing import Any

from gradio import routes
from gradio.brotli_middleware import BrotliMiddleware
from gradio.exceptions import ServerFailedToStartError
from gradio.routes import App
from gradio.utils import get_space
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

# Compresses the page's style sheets and scripts.
Brotli = BrotliMiddleware

# An overloaded host takes longer than the 5 seconds that Gradio gives its server.
START_SECONDS = 120


def wait_for_servers(host: str) -> None:
    """Prepare Gradio's server for an address that was checked, and for an overloaded host.

    Gradio checks its port on GRADIO_SERVER_NAME, which an IPv6 address fails, and takes a server
    that is not up after 5 seconds for one without a port.

    Args:
        host: the address that the next page listens on, without brackets.
    """
    from gradio import http_server  # reads GRADIO_SERVER_PORT, which must be a number by now

    is_ipv4 = ":" not in host
    setattr(http_server, "LOCALHOST_NAME", host if is_ipv4 else "127.0.0.1")  # noqa: B010
    setattr(http_server.Server, "run_in_thread", _run_in_thread)  # noqa: B010


def _run_in_thread(server: Any) -> None:
    server.thread = threading.Thread(target=server.run, daemon=True)
    server.thread.start()
    if server.reloader:  # on a Space
        server.watch_thread = threading.Thread(target=server.watch, daemon=True)
        server.watch_thread.start()
    end = time.monotonic() + START_SECONDS
    while not server.started:
        if not server.thread.is_alive() or time.monotonic() > end:
            server.should_exit = True
            raise ServerFailedToStartError
        time.sleep(0.001)


class _PassOn:
    """A middleware that does nothing."""

    def __init__(self, app: ASGIApp, **_: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def remove_middleware() -> None:
    """Leave out the middleware that Gradio puts in front of that of the next page.

    One lets scripts of any site read a page, the other compresses each answer again.
    """
    setattr(routes, "CustomCORSMiddleware", _PassOn)  # noqa: B010
    setattr(routes, "BrotliMiddleware", _PassOn)  # noqa: B010


def is_logged_in(scope: MutableMapping[str, Any]) -> bool:
    """Whether a request has the cookie of a visitor who entered the password.

    Args:
        scope: the ASGI scope of the request.
    """
    app, cookies = scope["app"], HTTPConnection(scope).cookies
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(cookies.get(name) in app.tokens for name in names)


def is_space() -> bool:
    """Whether the page runs on a Hugging Face Space."""
    return get_space() is not None


def open_connections(app: App) -> Collection[Any]:
    """The open connections of the page's uvicorn server, which Gradio starts.

    Gradio sets `server` when it has answered for the first time; until then there are none.
    """
    server = getattr(app.get_blocks(), "server", None)
    return list(server.server_state.connections) if server else []
