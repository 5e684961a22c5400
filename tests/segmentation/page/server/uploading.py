"""Uploads that are sent through a request guard without a web server."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from segmentation.page.server.files.file_owners import owners_of
from segmentation.page.server.files.storage import STORAGE_MEGABYTES
from segmentation.page.server.http.request_guard import UPLOAD, RequestGuard

Receive = Callable[[], Awaitable[Any]]


BOUNDARY = b"--x\r\n"
FILE_HEAD = b'Content-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
TINY_FILE = BOUNDARY + FILE_HEAD + b"\r\n"


def guard(folder: Path, storage_share: float = 1.0) -> RequestGuard:
    """A guard before an application that reads every body to its end and answers 200."""

    async def application(_: Any, receive: Receive, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    owners_of(folder).share_bytes = storage_share * STORAGE_MEGABYTES * 1e6
    return RequestGuard(application, folder, upload_megabytes=500, keep_seconds=3600)


async def upload_status(
    guard: RequestGuard, host: str, declared_bytes: int, receive: Receive
) -> int:
    """The status that an upload of a declared size is answered with."""
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    length = (b"content-length", b"%d" % declared_bytes)
    form = (b"content-type", b"multipart/form-data; boundary=x")
    scope = {"type": "http", "method": "POST", "path": UPLOAD, "headers": [length, form]}
    scope["query_string"] = b""
    await guard({**scope, "client": (host, 5)}, receive, send)
    (status,) = statuses
    return status


async def one_tiny_file() -> Any:
    return {"type": "http.request", "body": TINY_FILE, "more_body": False}


def parts(*bodies: bytes) -> Receive:
    """A body in parts."""
    remaining = [*bodies]

    async def receive() -> Any:
        body = remaining.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(remaining)}

    return receive


def large_file(*sizes: int) -> Receive:
    """A form of one file that arrives in parts of these bytes."""
    head = BOUNDARY + FILE_HEAD
    return parts(head + bytes(sizes[0] - len(head)), *map(bytes, sizes[1:]))
