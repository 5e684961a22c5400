"""Small HTTP servers in the place of replicas, with prepared answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from segmentation.engines.base import Logits
from segmentation.engines.onnx import OnnxEngine
from segmentation.engines.replica_protocol import describe_replica
from segmentation.model_card import find_model

CARD = find_model("compact")
REPLICAS = 3
LOGITS = Logits(
    np.arange(16, dtype=np.float32).reshape(2, 8), np.arange(24, dtype=np.float32).reshape(2, 3, 4)
)
# Status of an answer that closes the connection without a word, as a killed replica does.
HANG_UP = 0


def description_answer() -> tuple[int, bytes]:
    """The answer of a good replica to GET: status and body."""
    description = describe_replica(CARD, OnnxEngine(CARD, threads=1), REPLICAS)
    return 200, json.dumps(description).encode()


@contextmanager
def serve_answers(*answers: tuple[int, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Serve one answer (status, body) per request.

    Yields:
        The address, and the methods of the requests so far.
    """
    methods: list[str] = []
    remaining = list(answers)

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            methods.append(self.command)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = remaining.pop(0)
            if status != HANG_UP:
                self.answer(status, body)

        do_POST = do_GET  # noqa: N815

    with serve(Handler) as address:
        yield address, methods


class QuietHandler(BaseHTTPRequestHandler):
    """A handler that logs nothing."""

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a server in a thread until the block ends, and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
