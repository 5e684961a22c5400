"""A small Hugging Face Hub on localhost: the part that file downloads of huggingface_hub use.

It serves folders as repositories, under `/<owner>/<name>/resolve/<revision>/<file>`, with the
headers that the client relies on, and records the requests.
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
    """The server. Its repositories are the folders `root/<owner>/<name>/`.

    Attributes:
        root: folder of the repositories.
        gated: ids of repositories that need a token.
        requests: (method, path, Range header or None) of every request so far.
        failing: ids of repositories that answer with a server error.
        cut_next_at: number of bytes after which the next download of a file breaks off.
        in_xet: files in Xet storage, where large files are kept; it refuses every download.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.gated: set[str] = set()
        self.failing: set[str] = set()
        self.requests: list[tuple[str, str, str | None]] = []
        self.cut_next_at: dict[str, int] = {}
        self.in_xet: set[str] = set()

    @property
    def url(self) -> str:
        """The value for HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fetched(self) -> list[str]:
        """Names of the downloaded files, in order."""
        return [
            path.rsplit("/", 1)[1]
            for method, path, _ in self.requests
            if method == "GET" and "/resolve/" in path
        ]


@contextmanager
def running_hub(root: Path) -> Iterator[Hub]:
    """Run a hub until the block ends."""
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
    """Point huggingface_hub at this hub, as HF_ENDPOINT and HF_HUB_CACHE do at its import."""
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
        """Keep the output of the tests clean."""

    def _answer(self, *, with_body: bool) -> None:
        hub = self.server
        hub.requests.append((self.command, self.path, self.headers.get("Range")))
        owner, name, resolve, revision, *rest = (*self.path.strip("/").split("/"), "", "", "")
        repo = hub.root / owner / name
        path = repo / "/".join(part for part in rest if part)
        if "/xet-read-token/" in self.path:
            self._send_xet_token()
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

    def _send_xet_token(self) -> None:
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
