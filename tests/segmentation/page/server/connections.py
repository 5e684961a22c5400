"""Requests and connections that no client library has tidied up."""

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


def send_raw(
    address: str, method: str, target: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    """Send a request as it stands.

    Returns:
        Status and body of the answer; an event stream, which does not end, has an empty body.
    """
    server = urlsplit(address).netloc
    connection = http.client.HTTPConnection(server, timeout=60)
    connection.putrequest(
        method,
        target,
        skip_host="host" in headers,
        skip_accept_encoding="accept_encoding" in headers,
    )
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body or None)
    try:
        response = connection.getresponse()
        is_stream = "event-stream" in (response.getheader("content-type") or "")
        return response.status, b"" if is_stream else response.read()
    finally:
        connection.close()


def connect(address: str, source: str = "127.0.0.1") -> socket.socket:
    """A connection to a page, from an address of this host."""
    url = urlsplit(address)
    return socket.create_connection((url.hostname, url.port), 60, (source, 0))


def is_open(connection: socket.socket) -> bool:
    """Whether the server has not closed a connection."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return True
    except ConnectionResetError:
        pass
    return False


def read_to_end(connection: socket.socket) -> bytes:
    """All that the server sends until it closes a connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def begin_upload(address: str) -> Iterator[socket.socket]:
    """A connection on which a part of an upload has been sent."""
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    request = (
        b"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + part + bytes(50_000)
    )
    with connect(address) as connection:
        connection.sendall(request)
        yield connection


@contextmanager
def listen() -> Iterator[tuple[int, Callable[[], bool]]]:
    """A port of this host, and whether anybody has connected to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        def was_reached() -> bool:
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield server.getsockname()[1], was_reached


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition holds, for half a minute at most."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("the condition did not come true")
