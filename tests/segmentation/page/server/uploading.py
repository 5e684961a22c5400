"""Uploads that are sent through a request guard without a web server."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from segmentation.page.server.request_guard import UPLOAD, RequestGuard

Receive = Callable[[], Awaitable[Any]]


def guard(folder: Path, storage_share: float = 1.0) -> RequestGuard:
    """A guard before an application that reads every body to its end and answers 200."""

    async def application(_: Any, receive: Receive, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    return RequestGuard(
        application, folder, upload_megabytes=500, keep_seconds=3600, storage_share=storage_share
    )


async def upload_status(
    guard: RequestGuard, host: str, declared_bytes: int, receive: Receive
) -> int:
    """The status that an upload of a declared size is answered with."""
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    length = (b"content-length", b"%d" % declared_bytes)
    scope = {"type": "http", "method": "POST", "path": UPLOAD, "headers": [length]}
    await guard({**scope, "client": (host, 5)}, receive, send)
    (status,) = statuses
    return status


async def one_tiny_file() -> Any:
    return {"type": "http.request", "body": b"filename=", "more_body": False}


def parts(count: int, body: bytes) -> Receive:
    """A body of equal parts."""
    remaining = count

    async def receive() -> Any:
        nonlocal remaining
        remaining -= 1
        return {"type": "http.request", "body": body, "more_body": remaining > 0}

    return receive
