"""The routes that containers, load balancers and the operator ask how the page is."""

import hmac
import os
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH_PATH, NUMBERS_PATH = "/health", "/health/numbers"
LOOPBACK = ("127.0.0.1", "::1")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
# A proxy on this host adds one of these to the requests of others.
PROXY_HEADERS = ("x-forwarded", "forwarded", "x-real-ip", "via")


class HealthRoute:
    """ASGI middleware that answers `/health` with "ok" before anything else reads the request.

    The answer comes from the event loop that serves the page. It needs no login and says nothing
    about the host. `/health/numbers` is for the operator alone: on a private page for requests
    from this host, and everywhere for those with the token in KOUTU_HEALTH_TOKEN.

    Args:
        app: the application behind it.
        numbers: returns what the operator reads.
        is_public: whether anybody can open the page; a tunnel makes visitors look like this host.
    """

    def __init__(
        self, app: ASGIApp, numbers: Callable[[Any], Mapping[str, Any]], *, is_public: bool
    ) -> None:
        self._app = app
        self._numbers = numbers
        self._is_public = is_public
        self._token = os.environ.get("KOUTU_HEALTH_TOKEN", "")
        self._answers: Counter[int] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the routes, or pass the request on and count its answer."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            response: Response | None = None
            if path == HEALTH_PATH:
                response = PlainTextResponse("ok")
            elif path == NUMBERS_PATH and self._is_operator(scope):
                answers = {str(status): count for status, count in sorted(self._answers.items())}
                response = JSONResponse({**self._numbers(scope["app"]), "answers": answers})
            if response is not None:
                response.headers["cache-control"] = "no-store"
                await response(scope, receive, send)
                return

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answers[message["status"]] += 1
            await send(message)

        await self._app(scope, receive, send_counted)

    def _is_operator(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if self._token and hmac.compare_digest(given.encode(), self._token.encode()):
            return True
        client = scope["client"][0] if scope.get("client") else ""
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        is_forwarded = any(name.startswith(PROXY_HEADERS) for name in headers)
        is_here = client in LOOPBACK and host in LOOPBACK_HOSTS and not is_forwarded
        return is_here and not self._is_public
