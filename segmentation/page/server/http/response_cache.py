"""Answers that are the same for everybody, made and compressed once.

Gradio builds its page again for each request, which takes longer than most events.
"""

import asyncio
import gzip
import re
from base64 import b64encode
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segmentation.errors import RateExceeded
from segmentation.page.server.client_address import scope_network
from segmentation.page.server.http.browser import SPACE_FRAMES, content_security_policy
from segmentation.page.server.http.refusal import Refusal
from segmentation.page.server.limits.policy import Rate
from segmentation.page.server.limits.rate_limit import RateLimiter

PAGE = re.compile(r"/|/config/?|/theme\.css|/gradio_api/(info|theme\.css)/?")
ASSET = re.compile(r"/(assets|static)/.+", re.DOTALL)
# The name of an asset has a hash of its content.
FOREVER = "public, max-age=31536000, immutable"
# The addresses of a page depend on these headers.
ADDRESS_HEADERS = (b"host", b"x-forwarded-host", b"x-forwarded-proto")
MAX_BYTES = 32_000_000
# Pages by new addresses, which only a client that makes up addresses asks for. A network may have
# `SESSIONS_PER_NETWORK` times this rate.
NEW_PAGES = Rate(burst=12, per_minute=12)
SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
MIN_COMPRESSED_BYTES = 1000

Key = tuple[str, str, str, tuple[tuple[bytes, bytes], ...]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the application behind the cache."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class ResponseCache:
    """ASGI middleware that keeps the page, its config and its assets.

    Args:
        app: the application behind it.
        has_login: whether the page depends on who asks.
        on_space: whether the page is shown in a frame of a Hugging Face Space.
    """

    def __init__(self, app: ASGIApp, *, has_login: bool, on_space: bool) -> None:
        self._app = app
        self._names = (*ADDRESS_HEADERS, *((b"cookie",) if has_login else ()))
        self._frames = SPACE_FRAMES if on_space else ""
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._lock = asyncio.Lock()
        self._new_pages = RateLimiter(NEW_PAGES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the cache, or pass the request on."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        is_page, is_asset = bool(PAGE.fullmatch(path)), bool(ASSET.fullmatch(path))
        if scope["type"] != "http" or scope["method"] == "POST" or not (is_page or is_asset):
            await self._app(scope, receive, send)
            return
        encoding = _encoding(scope, is_asset=is_asset)
        names = self._names if is_page and not path.endswith("theme.css") else ()
        headers = tuple(item for item in scope["headers"] if item[0] in names)
        headers = (*headers, (b"accept-encoding", encoding))
        query = scope["query_string"] if path.startswith("/gradio_api/info") else b""
        key = scope["path"], scope.get("root_path", ""), scope.get("scheme", ""), headers
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        else:
            if is_page:
                self._count_new(scope)
            async with self._lock:
                answer = self._answers.get(key) or await self._ask(
                    {**scope, "method": "GET", "query_string": query, "headers": [*headers]},
                    is_page=is_page,
                )
                self._keep(key, answer)
        response = Response(answer.body, answer.status)
        response.raw_headers = list(answer.headers)
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    def _count_new(self, scope: Scope) -> None:
        try:
            self._new_pages.admit(scope_network(scope), None)
        except RateExceeded as error:
            raise Refusal(429, error.text) from error

    async def _ask(self, scope: Scope, *, is_page: bool) -> Answer:
        """Get an answer from the application, compressed if the client can read that."""
        messages: list[Message] = []
        requests: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if not requests:  # the client stays connected
                await asyncio.Event().wait()
            return requests.pop()

        async def send(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        headers = MutableHeaders(raw=list(messages[0].get("headers", ())))
        if headers.get("content-type", "").startswith("text/html"):
            headers["content-security-policy"] = content_security_policy(
                frames=self._frames, inline_scripts=_inline_scripts(body)
            )
        accepted = Headers(scope=scope)["accept-encoding"]
        is_plain = "content-encoding" not in headers and len(body) > MIN_COMPRESSED_BYTES
        if is_page and is_plain and accepted == "gzip":
            body = gzip.compress(body, mtime=0)
            headers["content-encoding"] = "gzip"
        status: int = messages[0]["status"]
        is_hashed = status == 200 and not is_page and "/assets/" in scope["path"]
        headers["cache-control"] = FOREVER if is_hashed else "no-cache"
        headers["vary"] = "Accept-Encoding"
        headers["content-length"] = str(len(body))
        return Answer(status, tuple(headers.raw), body)

    def _keep(self, key: Key, answer: Answer) -> None:
        if answer.status != 200 or b"set-cookie" in dict(answer.headers):
            return
        self._answers[key] = answer
        while sum(len(kept.body) for kept in self._answers.values()) > MAX_BYTES:
            self._answers.popitem(last=False)


def _encoding(scope: Scope, *, is_asset: bool) -> bytes:
    """The compression that an answer gets; Gradio compresses assets with Brotli."""
    accepted = Headers(scope=scope).get("accept-encoding", "")
    if is_asset and "br" in accepted:
        return b"br"
    return b"gzip" if "gzip" in accepted else b"identity"


def _inline_scripts(html: bytes) -> list[str]:
    """The hashes of the scripts in a page, as a Content-Security-Policy names them."""
    digests = (sha256(script).digest() for script in SCRIPT.findall(html))
    return [f"'sha256-{b64encode(digest).decode()}'" for digest in digests]
