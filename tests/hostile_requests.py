"""Requests that no browser sends, each of one kind, for the measurements of `abuse` and `soak`."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from urllib.parse import urlsplit

import httpx

from tests.visitor import SECONDS, Visitor

FORM = {"Content-Type": "multipart/form-data; boundary=x"}
# More than one network may have.
IDLE_STREAMS = 700

# Sends one request. Returns the status of the answer, or what happened instead.
Send = Callable[[httpx.Client], str]


def upload_hidden_files(client: httpx.Client) -> str:
    """Upload files under names that Gradio's parser takes for files, and a quick look does not."""
    part = b'--x\r\nContent-Disposition: form-data; name="files"; FILENAME ="a"\r\n\r\n\r\n'
    return _upload(client, part * 1053 + b"--x--\r\n")


def upload_text(client: httpx.Client, size: int = 40_000_000) -> str:
    """Upload bytes in a field that is not a file."""
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    return _upload(client, part + bytes(size) + b"\r\n--x--\r\n")


def ask_for_progress(client: httpx.Client, upload_id: str) -> str:
    """Ask for the progress of an upload that does not exist."""
    query = {"upload_id": upload_id}
    with (
        suppress(httpx.TimeoutException),  # the answer begins with the upload
        client.stream("GET", "/gradio_api/upload_progress", params=query, timeout=0.1) as answer,
    ):
        answer.read()
        return str(answer.status_code)
    return "no answer"


def fetch_config(client: httpx.Client) -> str:
    """Fetch the page's configuration."""
    with client.stream("GET", "/config") as answer:
        for _ in answer.iter_raw():  # decompressing it would take this host's time
            pass
    return str(answer.status_code)


def free_event(visitor: Visitor) -> int:
    """Return the number of an event that takes no input."""
    events = visitor.config["dependencies"]
    return next(int(event["id"]) for event in events if event["backend_fn"] and not event["inputs"])


def join_unread(client: httpx.Client, event: int, session: str) -> str:
    """Send an event of a session whose answers nobody reads."""
    body = {"data": [], "fn_index": event, "session_hash": session}
    return str(client.post("/gradio_api/queue/join", json=body).status_code)


@contextmanager
def hold_idle_streams(
    address: str, source: str = "", forwarded_for: str = ""
) -> Iterator[list[socket.socket]]:
    """Hold `IDLE_STREAMS` connections on which nothing is sent after the request.

    Args:
        address: of the page.
        source: own address; empty for any.
        forwarded_for: the client whose proxy this is; empty if it is none.
    """
    url = urlsplit(address)
    header = f"X-Forwarded-For: {forwarded_for}\r\n" if forwarded_for else ""
    request = f"GET /gradio_api/heartbeat/x HTTP/1.1\r\nHost: {url.netloc}\r\n{header}\r\n"
    with ExitStack() as stack:
        streams = [
            stack.enter_context(
                socket.create_connection((url.hostname, url.port), SECONDS, (source, 0))
            )
            for _ in range(IDLE_STREAMS)
        ]
        for stream in streams:
            stream.sendall(request.encode())
        yield streams


def each_kind(event: int) -> Iterator[tuple[str, Send]]:
    """Yield one request of each kind after the other, by its kind, without an end."""
    for number in count():
        yield "hidden files", upload_hidden_files
        yield "text field", upload_text
        yield "upload progress", lambda client, id_=f"p{number}": ask_for_progress(client, id_)
        yield "configuration", fetch_config
        yield "unread event", lambda client, name=f"u{number}": join_unread(client, event, name)


def _upload(client: httpx.Client, body: bytes) -> str:
    try:
        answer = client.post("/gradio_api/upload", content=body, headers=FORM)
    except httpx.TransportError as error:  # it is refused while the rest is on its way
        return type(error).__name__
    return str(answer.status_code)
