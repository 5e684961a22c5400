"""The body of a request: its length, the time it may take, and what an event may contain."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import isfinite

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from segmentation.i18n import Text
from segmentation.page.server.http.refusal import Refusal

# An event carries numbers, words and paths.
EVENT_BYTES = 1_000_000
# Time limit of a body, extended as data arrives: a phone on a bad connection is slow too.
BODY_SECONDS, MIN_BYTES_PER_SECOND = 30, 25_000
URL = re.compile(r"\s*https?:", re.IGNORECASE)
MAX_INTEGER = 2**53 - 1
# The name of a session, which the client makes up and Gradio keeps.
SESSION = r"[\w-]{1,64}"

NO_LENGTH = Text(
    "The request has no Content-Length header. Send it with one.",
    "请求缺少 Content-Length 标头，请加上后重试。",
)
EVENT_TOO_LARGE = Text(
    f"The request is larger than {EVENT_BYTES / 1e6:g} MB. Send photos to /gradio_api/upload.",
    f"请求超过 {EVENT_BYTES / 1e6:g} MB。照片请发送到 /gradio_api/upload。",
)
TOO_SLOW = Text("The request took too long to arrive. Try again.", "请求传送太慢，请重试。")
NOT_JSON = Text(
    "The request is not valid JSON. Correct it and try again.",
    "请求不是有效的 JSON，请更正后重试。",
)
BAD_SESSION = Text(
    "The session_hash may have 64 letters and digits at most, and an event is not batched.",
    "session_hash 最多 64 个字母或数字，且不支持 batched。",
)
NO_URL = Text(
    "Addresses of other sites are not fetched. Upload the file instead.",
    "不会读取其他网站的地址，请上传文件。",
)


def content_length(scope: Scope) -> int:
    """The declared length of a request's body, which the web server enforces.

    Raises:
        Refusal: 411, the length is not declared.
    """
    headers = Headers(scope=scope)
    length = headers.get("content-length", "")
    if not length.isdecimal() or "transfer-encoding" in headers:
        raise Refusal(411, NO_LENGTH)
    return int(length)


@asynccontextmanager
async def body_deadline(receive: Receive) -> AsyncIterator[Receive]:
    """Limit the time that a body takes to arrive. Yields the stream to read it from.

    Raises:
        Refusal: 408, the body did not arrive in time.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS) as deadline:

            async def receive_in_time() -> Message:
                message = await receive()
                seconds = len(message.get("body", b"")) / MIN_BYTES_PER_SECOND
                if not deadline.expired():
                    deadline.reschedule((deadline.when() or 0) + seconds)
                return message

            yield receive_in_time
    except TimeoutError as error:
        raise Refusal(408, TOO_SLOW) from error


async def read_body(receive: Receive) -> bytes:
    """Read a body to its end.

    Raises:
        Refusal: 408, the body did not arrive in time.
    """
    async with body_deadline(receive) as receive_in_time:
        messages = [await receive_in_time()]
        while messages[-1].get("more_body"):
            messages.append(await receive_in_time())
    return b"".join(message.get("body", b"") for message in messages)


def replay(body: bytes, receive: Receive) -> Receive:
    """A stream of a body that was read, and of what follows it."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replayed() -> Message:
        return next(messages, None) or await receive()

    return replayed


def check_event(body: bytes) -> None:
    """Refuse an event that Gradio cannot take, or that names an address, which it would fetch.

    Numbers are those of I-JSON (RFC 7493, section 2.2), which all programs read alike:
    no handler, and no answer that repeats a number, meets one that a float cannot hold.

    Raises:
        Refusal: 400, the event is not JSON, has a session that Gradio cannot answer, or names an
            address.
    """
    try:
        values = [
            json.loads(body, parse_int=_integer, parse_float=_real, parse_constant=_no_number)
        ]
    except (ValueError, RecursionError) as error:
        raise Refusal(400, NOT_JSON) from error
    _check_session(values[0])
    while values:
        value = values.pop()
        if isinstance(value, dict):
            if URL.match(str(value.get("path", ""))):
                raise Refusal(400, NO_URL)
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)


def _check_session(event: object) -> None:
    """Refuse an event that Gradio would queue, and could not answer."""
    if not isinstance(event, dict):
        return
    session = event.get("session_hash")
    is_name = isinstance(session, str) and re.fullmatch(SESSION, session)
    if event.get("batched") or not (session is None or is_name):
        raise Refusal(400, BAD_SESSION)


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) > MAX_INTEGER:
        raise ValueError(text[:20])
    return number


def _real(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text[:20])
    return number


def _no_number(text: str) -> None:
    """Refuse NaN and Infinity, which Python's parser takes for numbers."""
    raise ValueError(text)
