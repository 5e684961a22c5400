"""Launch a page with its request guard, and delete visitors' files while it runs."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gradio as gr
from gradio.routes import App
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from segmentation.errors import AddressUnavailable
from segmentation.i18n import Text
from segmentation.page.gradio_internals.files import delete_unused_folder, upload_folder
from segmentation.page.gradio_internals.page_html import insert_into_head
from segmentation.page.gradio_internals.queue import keep_sessions_small, queue_numbers
from segmentation.page.gradio_internals.server import (
    Brotli,
    is_space,
    open_connections,
    remove_middleware,
    wait_for_servers,
)
from segmentation.page.server.address import LOCALHOST, choose_address, is_ipv6
from segmentation.page.server.client_address import PRIVATE_NETWORKS
from segmentation.page.server.files.file_owners import owners_of
from segmentation.page.server.files.storage import STORAGE_MEGABYTES, usage_of
from segmentation.page.server.files.uploads import (
    KEEP_SECONDS,
    NOTHING_SEEN,
    SWEEP_SECONDS,
    delete_all,
    sweep,
)
from segmentation.page.server.health import HealthRoute
from segmentation.page.server.http.browser import BrowserGuard, own_hosts
from segmentation.page.server.http.login import Credentials
from segmentation.page.server.http.request_guard import RequestGuard
from segmentation.page.server.http.response_cache import ResponseCache
from segmentation.page.server.limits.idle_connections import close_idle_connections
from segmentation.page.server.limits.policy import PRIVATE_PAGE, UPLOAD_MEGABYTES, PagePolicy
from segmentation.page.server.terminal_texts import NOT_STARTED
from segmentation.page.strings import LOGIN

# Of Brotli, 0 to 11: each asset is compressed once.
ASSET_QUALITY = 7

# Gradio's `max_file_size` is not set: it has an English text only, and counts the files of a batch
# as one. `read_photo` limits the size of a photo.
LAUNCH_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "auth_message": f"{LOGIN.zh}<br>{LOGIN.en}",
        "share": False,
        "prevent_thread_lock": True,
        "quiet": True,
        # Gradio's request of its own page, for which a busy host needs more than its 3 seconds.
        "_frontend": False,
    }
)


def serve(
    ui: gr.Blocks,
    policy: PagePolicy = PRIVATE_PAGE,
    *,
    server_name: str | None = None,
    server_port: int | None = None,
    auth: Credentials | None = None,
    after_sweep: Callable[[], None] = lambda: None,
    head: str = "",
    **options: Any,
) -> str:
    """Launch a page in the background.

    Args:
        ui: the page.
        policy: its policy, which `enforce_policy` applied to its calls.
        server_name: where to listen, see `choose_address`.
        server_port: the port, see `choose_address`.
        auth: the name and the password that visitors must enter.
        after_sweep: called after each deletion of visitors' files.
        head: HTML that comes before Gradio's scripts.
        options: further options of `gr.Blocks.launch`: theme, style sheet, script, texts.

    Returns:
        The local address of the page.

    Raises:
        AddressUnavailable: the port is taken or not allowed, the address is not this host's, or
            the server did not start in time.
    """
    host, port = choose_address(server_name, server_port)
    wait_for_servers(host)
    remove_middleware()
    keep_sessions_small()
    insert_into_head(head)
    folder = upload_folder()
    try:
        _, address, _ = ui.launch(
            app_kwargs={
                "lifespan": partial(housekeeping, after_sweep),
                "middleware": middleware(folder, policy, on_space=is_space(), login=auth),
            },
            server_name=f"[{host}]" if is_ipv6(host) else host,
            server_port=port,
            auth=auth,
            **LAUNCH_OPTIONS,
            **options,
        )
    except OSError as error:  # the server ended: somebody took the port since it was checked
        text = Text(NOT_STARTED.en.format(port=port), NOT_STARTED.zh.format(port=port))
        raise AddressUnavailable.from_text(text) from error
    delete_unused_folder(folder)
    # Browsers take the address of "all addresses" for none.
    return str(address).replace("[::]", "[::1]")


def middleware(
    folder: Path, policy: PagePolicy, *, on_space: bool, login: Credentials | None = None
) -> list[Middleware]:
    """The middleware in front of a page, the outermost first.

    Args:
        folder: the folder that uploads are written to.
        policy: the page's policy.
        on_space: whether the host's proxies report the address of a request, and the page is shown
            in a frame. Elsewhere a client could write any address there.
        login: the name and the password that visitors must enter.
    """
    is_public = policy.rate is not None
    owners_of(folder).share_bytes = policy.storage_share * STORAGE_MEGABYTES * 1e6
    proxies = Middleware(ProxyHeadersMiddleware, trusted_hosts=list(PRIVATE_NETWORKS))
    return [
        Middleware(HealthRoute, partial(_numbers, folder), is_public=is_public),
        *([proxies] if on_space else []),
        Middleware(BrowserGuard, own_hosts(is_public=is_public), on_space=on_space),
        Middleware(
            RequestGuard,
            folder,
            upload_megabytes=UPLOAD_MEGABYTES,
            keep_seconds=KEEP_SECONDS,
            reads=policy.reads,
            login=login,
        ),
        Middleware(ResponseCache, has_login=login is not None, on_space=on_space),
        Middleware(Brotli, quality=ASSET_QUALITY),
    ]


def _numbers(folder: Path, app: App) -> dict[str, Any]:
    """What the operator reads about a page, see `HealthRoute`."""
    return {
        "queue": queue_numbers(app.get_blocks()),
        "connections": len(open_connections(app)),
        "files_mb": round(usage_of(folder).used_bytes / 1e6, 1),
        "memory_mb": _memory_megabytes(),
    }


def _memory_megabytes() -> float | None:
    """Resident memory of this process; None where the system has no /proc."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
    return None


@asynccontextmanager
async def housekeeping(after_sweep: Callable[[], None], app: App) -> AsyncIterator[None]:
    """Sweep visitors' files and close idle connections while a page runs.

    At the end, all files are deleted. Gradio's `delete_cache` is not used: an event that names the
    folder itself stops it forever.

    Args:
        after_sweep: called after each sweep.
        app: the application of the page.
    """
    folder = upload_folder()
    tasks = [
        asyncio.create_task(_sweep_repeatedly(folder, after_sweep)),
        asyncio.create_task(close_idle_connections(lambda: open_connections(app))),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.to_thread(delete_all, folder)


async def _sweep_repeatedly(folder: Path, after_sweep: Callable[[], None]) -> None:
    seen = NOTHING_SEEN
    while True:
        seen = await asyncio.to_thread(sweep, folder, KEEP_SECONDS, seen)
        await asyncio.to_thread(after_sweep)
        await asyncio.sleep(SWEEP_SECONDS)


def bypass_proxy_for_localhost(host: str | None = None) -> None:
    """Exclude this host from the operator's proxy.

    Gradio requests its own page when it starts, and a proxy cannot reach it.

    Args:
        host: the address that the page listens on, if it is another one.
    """
    excluded = os.environ.get("no_proxy", os.environ.get("NO_PROXY"))
    names = (excluded, LOCALHOST, "localhost", "::1", host and host.strip("[]"))
    os.environ["no_proxy"] = ",".join(filter(None, names))
