"""Every private name of Gradio that the page depends on.

An upgrade of Gradio may rename or remove any of them; tests/segmentation/page/
test_gradio_internals.py has a test for each.
"""

import sys
import threading
import time
from collections.abc import Callable, Collection, MutableMapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import networking, routes, tunneling
from gradio.brotli_middleware import BrotliMiddleware
from gradio.exceptions import (
    ChecksumMismatchError,
    ServerFailedToStartError,
    ShareCertificateWriteError,
)
from gradio.routes import App
from gradio.utils import get_space, get_upload_folder, is_in_or_equal
from gradio_client.utils import is_file_obj_with_meta, traverse
from jinja2 import ChoiceLoader, DictLoader, PackageLoader
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

# Reasons why a share link cannot be opened, which Gradio does not export.
ShareBinaryAltered = ChecksumMismatchError
ShareCertificateNotWritten = ShareCertificateWriteError


# Compresses the page's style sheets and scripts.
Brotli = BrotliMiddleware

# Files.


def upload_folder() -> Path:
    """The folder for visitors' files: GRADIO_TEMP_DIR, or Gradio's default for it."""
    return Path(get_upload_folder())


def is_uploaded(path: str) -> bool:
    """Whether a path is in the folder for visitors' files, by the rule that Gradio serves by."""
    return bool(is_in_or_equal(path, upload_folder()))


def is_file(value: Any) -> bool:
    """Whether a value is a file as Gradio marks them."""
    return bool(is_file_obj_with_meta(value))


def visit_files(inputs: Any, visit: Callable[[dict[str, Any]], object]) -> None:
    """Call a function for each file among the inputs of a call, at any depth."""
    traverse(inputs, visit, is_file_obj_with_meta)


# Calls.


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
    queues = ui._queue.event_queue_per_concurrency_id.values()
    return [event.request for queue in queues for event in queue.queue]


def disable_analytics(ui: gr.Blocks) -> None:
    """Skip the statistics over the last 10,000 events that Gradio computes at each event.

    The monitoring page that shows them is closed here, and they take longer than most events.
    """
    ui._queue.ANALYTICS_MAX_EVENTS = 1
    ui._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize


# The server.

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

    One lets scripts of any site read a page, the other compresses each answer anew.
    """
    setattr(routes, "CustomCORSMiddleware", _PassOn)  # noqa: B010
    setattr(routes, "BrotliMiddleware", _PassOn)  # noqa: B010


# Gradio makes this folder for a feature of its development mode, which the page has no route to.
_UNUSED_FOLDER = "vibe_edit_history"


def keep_folders_below(folder: Path) -> None:
    """Make Gradio create its own folder below the folder for visitors' files.

    Gradio chooses the place when it is imported, where its folder would stay behind.
    """
    setattr(routes, "DEFAULT_TEMP_DIR", str(folder))  # noqa: B010


def delete_unused_folder(folder: Path) -> None:
    """Delete the empty folder that the launch of a page created."""
    with suppress(OSError):
        (folder / _UNUSED_FOLDER).rmdir()


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


# The page's HTML.

_TEMPLATE = "frontend/index.html"


def insert_into_head(html: str) -> None:
    """Put HTML, as it is, at the top of the head of the pages that this process serves.

    Gradio's own option `head` adds it only after Gradio's scripts have built the page.
    """
    templates = PackageLoader("gradio", "templates")
    source, _, _ = templates.get_source(routes.templates.env, _TEMPLATE)
    head = f"<head>{{% raw %}}{html}{{% endraw %}}"
    changed = DictLoader({_TEMPLATE: source.replace("<head>", head, 1)})
    routes.templates.env.loader = ChoiceLoader([changed, templates])


def drop_repeated_schemas(ui: gr.Blocks) -> None:
    """Leave out schemas that a page's configuration repeats: Gradio takes `api_info` for them."""
    for component in ui.config["components"]:
        for name in ("api_info_as_input", "api_info_as_output"):
            if component.get(name, ...) == component.get("api_info"):
                del component[name]


# The share link.


def default_share_server() -> str | None:
    """HOST:PORT of GRADIO_SHARE_SERVER_ADDRESS, as it was when Gradio was imported."""
    return networking.GRADIO_SHARE_SERVER_ADDRESS


def open_tunnel(ui: gr.Blocks, server: str | None) -> str:
    """Open a tunnel to a share server for a page that is served already.

    `launch(share=True)` would keep the page itself waiting for the share server.

    Args:
        ui: the page.
        server: HOST:PORT of the share server; None for Gradio's.

    Returns:
        The public address.

    Raises:
        Exception: of any class; Gradio's tunnel has no base class for its errors.
    """
    host, port = str(ui.server_name), int(ui.server_port)
    return networking.setup_tunnel(host, port, ui.share_token, server, None)


def share_binary() -> tuple[Path, str]:
    """The path of frpc, the program that holds the tunnel, and the address to download it from."""
    return Path(tunneling.BINARY_PATH), tunneling.BINARY_URL
