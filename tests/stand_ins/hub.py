"""A small Hugging Face Hub on localhost: what huggingface_hub's client asks of file downloads.

It serves folders as repositories, under `/<owner>/<name>/resolve/<revision>/<file>`, with the
headers the client relies on, and counts what was asked for.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """The server; `root/<owner>/<name>/` are its repositories.

    Attributes:
        root: where the repositories lie.
        gated: ids of those that need a token.
        asked: (method, path, Range header or None) of every request so far.
        failing: ids of those that answer with an error of the server's.
        cut_next_at: files whose next download breaks off after so many bytes.
        in_xet: files that lie in Xet storage, as large ones do; it turns everybody away.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.gated: set[str] = set()
        self.failing: set[str] = set()
        self.asked: list[tuple[str, str, str | None]] = []
        self.cut_next_at: dict[str, int] = {}
        self.in_xet: set[str] = set()

    @property
    def url(self) -> str:
        """What HF_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fetched(self) -> list[str]:
        """Names of the files whose bytes were asked for, in order."""
        return [
            path.rsplit("/", 1)[1]
            for method, path, _ in self.asked
            if method == "GET" and "/resolve/" in path
        ]


@contextmanager
def running_hub(root: Path) -> Iterator[Hub]:
    """A hub that runs until the block ends."""
    hub = Hub(root)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()


def use_hub(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let huggingface_hub ask this hub: what HF_ENDPOINT and HF_HUB_CACHE set at its import."""
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""

    def _answer(self, *, with_body: bool) -> None:
        hub = self.server
        hub.asked.append((self.command, self.path, self.headers.get("Range")))
        owner, name, resolve, revision, *rest = (*self.path.strip("/").split("/"), "", "", "")
        repo = hub.root / owner / name
        path = repo / "/".join(part for part in rest if part)
        if "/xet-read-token/" in self.path:
            self._let_into_xet()
        elif resolve != "resolve" or not repo.is_dir():
            self._refuse(404, "RepoNotFound")
        elif f"{owner}/{name}" in hub.failing:
            self._refuse(503, "")
        elif f"{owner}/{name}" in hub.gated and "Authorization" not in self.headers:
            self._refuse(403, "GatedRepo")
        elif revision not in ("main", COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif not path.is_file():
            self._refuse(404, "EntryNotFound")
        else:
            self._send(path.read_bytes(), with_body=with_body)

    def _let_into_xet(self) -> None:
        self.send_response(200)
        self.send_header("X-Xet-Cas-Url", self.server.url)
        self.send_header("X-Xet-Access-Token", "any")
        self.send_header("X-Xet-Token-Expiration", "4102444800")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, content: bytes, *, with_body: bool) -> None:
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(body)))
        owner, name, _, _, *file = self.path.strip("/").split("/")
        if "/".join(file) in self.server.in_xet:
            url = f"{self.server.url}/api/models/{owner}/{name}/xet-read-token/{COMMIT}"
            self.send_header("X-Xet-Hash", "a" * 64)
            self.send_header("Link", f'<{url}>; rel="xet-auth"')
            self.send_header("X-Linked-Size", str(len(content)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if with_body:
            cut = self.server.cut_next_at.pop(self.path.rsplit("/", 1)[1], len(body))
            self.wfile.write(body[:cut])
            self.close_connection = cut < len(body)
