"""Compression of the page itself, which Gradio compresses no more than pictures."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# Fast, and within a tenth of the smallest size.
LEVEL = 5


class CompressedPage:
    """ASGI middleware that compresses the HTML of the page, with all its components and texts.

    Args:
        app: the application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the compressed page, or pass the request on."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        app = self._compressed if path == "/" else self._app
        await app(scope, receive, send)
