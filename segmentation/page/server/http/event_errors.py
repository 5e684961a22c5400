"""Answers to events that Gradio cannot take.

Gradio raises for a handler, an argument or a session that it does not know, and the web server
prints each time where.
"""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segmentation.i18n import Text
from segmentation.page.server.http.refusal import Refusal

BAD_CALL = Text(
    "There is no such call, or its arguments are wrong. The page's footer links to the description "
    "of its API.",
    "没有这个接口，或参数有误。接口说明见页面底部的链接。",
)


async def pass_event(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass an event, or the request for its answer, on to Gradio. An error takes one line of log.

    Handlers run elsewhere: what is raised here is about the request.

    Raises:
        Refusal: 400, Gradio cannot take it.
    """
    has_started = False

    async def send_watched(message: Message) -> None:
        nonlocal has_started
        has_started = True
        await send(message)

    try:
        await app(scope, receive, send_watched)
    except Refusal:
        raise
    except Exception as error:  # what Gradio raises has no base class
        logging.getLogger(__name__).warning("An event was refused: %.200s", repr(error))
        if not has_started:
            raise Refusal(400, BAD_CALL) from error
        await send({"type": "http.response.body", "body": b""})
