"""Clients that are slow, silent, half-open or too many."""

from contextlib import ExitStack

import pytest

from segmentation.page.server.http import request_body
from segmentation.page.server.limits import idle_connections
from tests.segmentation.page.server.connections import (
    begin_upload,
    connect,
    is_open,
    read_to_end,
    wait_for,
)
from tests.visitor import Visitor


def test_a_client_that_never_ends_its_request_is_disconnected(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0)
    monkeypatch.setattr(request_body, "MIN_BYTES_PER_SECOND", 900_000)
    with begin_upload(address) as connection:
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert request_body.TOO_SLOW.en.encode() in answer


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: ",
        b"GET /robots.txt HTTP/1.1\r\nHost: localhost\r\n\r\nGET /robots.txt",
    ],
    ids=["nothing", "half a request", "one and a half"],
)
def test_a_silent_connection_is_closed(
    address: str, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(idle_connections, "IDLE_SECONDS", 0)
    with connect(address) as connection:
        connection.sendall(sent)
        answer = read_to_end(connection)
    assert answer.count(b"HTTP/1.1 200") == sent.count(b"\r\n\r\n")


def test_half_open_connections_block_nobody(
    visitor: Visitor, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network keeps as many as its limit, busy ones first; other networks keep theirs."""
    monkeypatch.setattr(idle_connections, "MAX_CONNECTIONS_PER_NETWORK", 20)
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(address, "127.0.0.2")) for _ in range(200)]
        busy = opened[::40]
        for connection in opened:
            route = b"gradio_api/heartbeat/x" if connection in busy else b""
            end = b"\r\n\r\n" if connection in busy else b""
            connection.sendall(b"GET /" + route + b" HTTP/1.1\r\nHost: localhost" + end)
        wait_for(lambda: sum(map(is_open, opened)) == 20)
        assert all(map(is_open, busy))
        assert visitor.http.get("/").status_code == 200
