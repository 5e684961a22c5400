"""The route that containers and load balancers ask whether the page is alive."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH_PATH = "/health"


class HealthRoute:
    """ASGI middleware that answers `/health` with "ok" before anything else reads the request.

    The answer comes from the event loop that serves the page. It needs no login and says nothing
    about the host.

    Args:
        app: the application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the route, or pass the request on."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if path == HEALTH_PATH:
                response = PlainTextResponse("ok", headers={"Cache-Control": "no-store"})
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
