"""Streams that a browser listens to: what Gradio keeps for them ends with them."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.datastructures import QueryParams
from starlette.types import Message, Receive, Scope, Send

from segmentation.i18n import Text
from segmentation.page.gradio_internals.queue import abandon, forget_upload
from segmentation.page.server.http.refusal import Refusal

UPLOAD_ID = re.compile(r"[\w-]{1,64}")
BAD_UPLOAD_ID = Text(
    "The upload_id may have 64 letters and digits at most.", "upload_id 最多 64 个字母或数字。"
)


@contextmanager
def tracked_upload(scope: Scope, keep_seconds: float) -> Iterator[None]:
    """Forget the progress of an upload after a request about it, which Gradio would keep forever.

    Args:
        scope: the request.
        keep_seconds: time after the request.

    Raises:
        Refusal: 400, the id of the upload is not one that a browser makes.
    """
    upload_id = _query(scope, "upload_id")
    if upload_id and not UPLOAD_ID.fullmatch(upload_id):
        raise Refusal(400, BAD_UPLOAD_ID)
    try:
        yield
    finally:
        if upload_id:
            loop = asyncio.get_running_loop()
            loop.call_later(keep_seconds, forget_upload, upload_id)


@asynccontextmanager
async def abandoned_when_left(scope: Scope, receive: Receive, send: Send) -> AsyncIterator[Send]:
    """Give up the events of a session as soon as its stream's client is gone.

    Gradio itself notices that up to 10 seconds later. Yields the stream to answer on.

    Args:
        scope: the request of the stream.
        receive: says when the client is gone; also when the answer is complete.
        send: the stream of the answer.
    """
    is_complete = False

    async def send_watched(message: Message) -> None:
        nonlocal is_complete
        is_body = message["type"] == "http.response.body"
        is_complete = is_complete or (is_body and not message.get("more_body"))
        await send(message)

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not is_complete:
            await abandon(scope["app"], _query(scope, "session_hash"))

    task = asyncio.create_task(watch())
    try:
        yield send_watched
    finally:
        task.cancel()


def _query(scope: Scope, name: str) -> str:
    value: str = QueryParams(scope["query_string"]).get(name, "")
    return value
