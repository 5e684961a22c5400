"""What a stranger may ask of the web server, and how much he may send.

Gradio brings more routes than the page needs: some call handlers past their queue, fetch addresses,
run programs, or take bodies of any size. Only what the page and its API need is let through.
"""

import asyncio
import json
import re
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from segmentation.errors import RateExceeded, StorageFull
from segmentation.i18n import Text, preferred_language
from segmentation.page.server.rate_limit import LOGINS, RateLimiter, client_address, client_network
from segmentation.page.server.uploads import (
    LEAST_BYTES,
    ROOM_MEGABYTES,
    check_free_space,
    translate_disk_errors,
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Server = Callable[[Message, Receive, Send], Awaitable[None]]

READ = re.compile(
    r"/|/config/?|/logout|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/pwa_icon(/\d+)?"
    r"|/(assets|static)/.*"
    r"|/gradio_api/((user|login_check|app_id|info|startup-events|theme\.css)/?"
    r"|upload_progress|queue/data|heartbeat/[^/]+|call/(v2/)?[^/]+/[^/]+|file=.*)",
    re.DOTALL,
)
LOGIN = re.compile(r"/login/?")
WRITE = re.compile(
    LOGIN.pattern + r"|/gradio_api/(upload|queue/join|cancel|reset/?|call/(v2/)?[^/]+/?)", re.DOTALL
)
UPLOAD = "/gradio_api/upload"
# Gradio keeps the address by which the first caller reached this, for all who come after; not if it
# is asked for a page's, of which there is one here, without a name.
INFO, OF_THE_PAGE = "/gradio_api/info", b"page="
URL = re.compile(r"\s*https?:", re.IGNORECASE)

# Room is kept for so much of an upload, and again for as much when that has come: what was
# announced and does not come keeps nobody out.
RESERVED_BYTES = 25_000_000
# What events carry are numbers, words and paths.
EVENT_BYTES = 1_000_000
# Gradio takes a thousand files at a time. What names one may stand in a photo, too, by chance.
MOST_FILES = 100
FILE_NAME = b"filename="
# A body has this long to come, and longer the more of it has come: a phone on a bad line.
SECONDS, SLOWEST_BYTES_A_SECOND = 30, 25_000

CLOSED = Text("This page has no such address.", "本页面没有这个地址。")
NO_LENGTH = Text("Say how long the request is.", "请求须注明长度。")
TOO_MUCH = Text("The request is larger than is allowed here.", "请求超过了允许的大小。")
TOO_MANY = Text(
    f"More than {MOST_FILES} files at once. Send them in several goes.",
    f"一次不能超过 {MOST_FILES} 个文件，请分批上传。",
)
TOO_SLOW = Text("The request took too long to arrive. Try again.", "请求传送太慢，请重试。")
UNDER_WAY = Text(
    "Other uploads of your network are under way. Try again when they are done.",
    "您所在的网络还有其他上传正在进行，请等其完成后再试。",
)
YOUR_SHARE = Text(
    "Your network has reached its upload limit for this hour. Try again later.",
    "您所在的网络一小时内上传已达上限，请稍后再试。",
)
NO_URL = Text(
    "Addresses of other sites are not fetched. Upload the file.",
    "不会读取其他网站的地址，请上传文件。",
)
NOT_JSON = Text("The request is not valid JSON.", "请求不是有效的 JSON。")


class RequestGuard:
    """An ASGI application in front of another one.

    Args:
        server: the application behind it.
        folder: where uploads go.
        upload_megabytes: of one upload request, all its files together.
        keep_seconds: how long an upload lies in the folder.
        room_share: of all the room for visitors' files, what one network's uploads may take.
        behind_proxies: of the host, which say where a call comes from.
    """

    def __init__(
        self,
        server: Server,
        folder: Path,
        upload_megabytes: float,
        keep_seconds: float,
        room_share: float = 1.0,
        *,
        behind_proxies: bool = False,
    ) -> None:
        self._server = server
        self._folder = folder
        self._upload_bytes = upload_megabytes * 1e6
        self._too_much = Text(
            f"More than {upload_megabytes:g} MB at once. Send the photos in several goes.",
            f"一次不能超过 {upload_megabytes:g} MB，请分批上传。",
        )
        self._keep_seconds = keep_seconds
        self._share_bytes = room_share * ROOM_MEGABYTES * 1e6
        self._behind_proxies = behind_proxies
        self._logins = RateLimiter(LOGINS)
        # Bytes that are on their way, by network.
        self._announced: Counter[str] = Counter()
        # Bytes of the room for the next parts of all of them.
        self._reserved = 0
        # When, from which network, how many bytes: each share holds only so many.
        self._taken: deque[tuple[float, str, int]] = deque()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a refusal."""
        if scope["type"] != "http":
            await self._server(scope, receive, send)
            return
        if self._behind_proxies:
            scope = _from_visitor(scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        try:
            if scope["method"] == "POST":
                receive = await self._admitted(scope, path, receive)
            elif not READ.fullmatch(path) or URL.match(path.partition("file=")[2]):
                raise _Refused(404, CLOSED)
            elif path.rstrip("/") == INFO:
                scope = {**scope, "query_string": OF_THE_PAGE}
            if path != UPLOAD:
                await self._server(scope, receive, send)
                return
            async with _patience() as patience:
                await self._take(scope, _hurried(receive, patience), send)
        except _Refused as refused:
            await _refuse(refused, scope, send)

    async def _admitted(self, scope: Message, path: str, receive: Receive) -> Receive:
        """Judge a request that brings a body; where to read that body from."""
        if not WRITE.fullmatch(path):
            raise _Refused(404, CLOSED)
        if LOGIN.fullmatch(path):
            self._count_login(scope)
        length = _length(scope)
        if length is None:
            raise _Refused(411, NO_LENGTH)
        if path == UPLOAD:
            if length > self._upload_bytes:
                raise _Refused(413, self._too_much)
            return receive
        if length > EVENT_BYTES:
            raise _Refused(413, TOO_MUCH)
        async with _patience() as patience:
            hurried = _hurried(receive, patience)
            messages = [await hurried()]
            while messages[-1].get("more_body"):
                messages.append(await hurried())
        if path.startswith("/gradio_api/"):
            _check_event(b"".join(message.get("body", b"") for message in messages))
        return _replayed(messages, receive)

    def _count_login(self, scope: Message) -> None:
        try:
            self._logins.admit(_network(scope), None)
        except RateExceeded as error:
            raise _Refused(429, error.text) from error

    async def _take(self, scope: Message, receive: Receive, send: Send) -> None:
        length = _length(scope) or 0
        network = _network(scope)
        self._check_share(network, length)
        files = arrived = 0

        async def counted() -> Message:
            nonlocal files, arrived
            message = await receive()
            body = message.get("body", b"")
            parts = arrived // RESERVED_BYTES
            files, arrived = files + body.count(FILE_NAME), arrived + len(body)
            if files > MOST_FILES:
                raise _Refused(413, TOO_MANY)
            if arrived // RESERVED_BYTES > parts:
                await asyncio.to_thread(check_free_space, self._folder, self._reserved)
            return message

        self._announced[network] += length
        self._reserved += min(length, RESERVED_BYTES)
        try:
            await asyncio.to_thread(check_free_space, self._folder, self._reserved)
            with translate_disk_errors():
                await self._server(scope, counted, send)
        except StorageFull as error:
            raise _Refused(507, error.text) from error
        finally:
            self._announced -= Counter({network: length})
            self._reserved -= min(length, RESERVED_BYTES)
            counted_as = max(arrived, max(files, 1) * LEAST_BYTES)
            self._taken.append((time.monotonic(), network, counted_as))

    def _check_share(self, network: str, length: int) -> None:
        while self._taken and self._taken[0][0] < time.monotonic() - self._keep_seconds:
            self._taken.popleft()
        theirs = sum(taken for _, of, taken in self._taken if of == network)
        if theirs + length > self._share_bytes:
            raise _Refused(429, YOUR_SHARE)
        if theirs + self._announced[network] + length > self._share_bytes:
            raise _Refused(429, UNDER_WAY)


class _Refused(Exception):
    def __init__(self, status: int, text: Text) -> None:
        super().__init__(text.en)
        self.status = status
        self.text = text


@asynccontextmanager
async def _patience() -> AsyncIterator[asyncio.Timeout]:
    """As long as a body may take to come; a client that sends a byte a minute holds nothing up."""
    try:
        async with asyncio.timeout(SECONDS) as patience:
            yield patience
    except TimeoutError as error:
        raise _Refused(408, TOO_SLOW) from error


def _hurried(receive: Receive, patience: asyncio.Timeout) -> Receive:
    """Where to read a body from, which has the longer to end the more of it has come."""

    async def hurried() -> Message:
        message = await receive()
        longer = len(message.get("body", b"")) / SLOWEST_BYTES_A_SECOND
        if not patience.expired():
            patience.reschedule((patience.when() or 0) + longer)
        return message

    return hurried


def _from_visitor(scope: Message) -> Message:
    """The request as if it had come without the host's proxies."""
    said = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1")
    peer, port = scope["client"] or ("", 0)
    return {**scope, "client": (client_address(said, peer), port)}


def _network(scope: Message) -> str:
    return client_network(scope["client"][0] if scope.get("client") else "")


def _length(scope: Message) -> int | None:
    """What a request says of the length of its body; the web server holds it to that."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and b"transfer-encoding" not in headers else None


def _check_event(body: bytes) -> None:
    """Refuse an event that names a file on another host, which Gradio would fetch."""
    try:
        rest = [json.loads(body)]
    except (ValueError, RecursionError) as error:
        raise _Refused(400, NOT_JSON) from error
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            if URL.match(str(value.get("path", ""))):
                raise _Refused(400, NO_URL)
            rest.extend(value.values())
        elif isinstance(value, list):
            rest.extend(value)


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    first = iter(messages)

    async def replay() -> Message:
        return next(first, None) or await receive()

    return replay


async def _refuse(refused: _Refused, scope: Message, send: Send) -> None:
    wanted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
    text = refused.text.in_language(preferred_language(wanted))
    # The page shows the text of a refused upload as it comes, and the detail of a refused event.
    plain = scope["path"].endswith(UPLOAD)
    body = (text if plain else json.dumps({"detail": text}, ensure_ascii=False)).encode()
    kind = "text/plain; charset=utf-8" if plain else "application/json"
    answer = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    if refused.status == 408:
        answer.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": answer})
    await send({"type": "http.response.body", "body": body})
