"""The answers that are made once for everybody."""

from typing import Any

import pytest

from segmentation.page.server.http.response_cache import FOREVER, ResponseCache
from tests.coroutines import run_coroutine


class Application:
    """Answers everything but `/assets/missing.js`, and counts the requests by their path."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: Any, _: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        status = 404 if scope["path"] == "/assets/missing.js" else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"body"})


def ask(cache: ResponseCache, path: str, **headers: str) -> dict[str, str]:
    """The headers of an answer."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": raw}
    answer: dict[str, str] = {}

    async def send(message: Any) -> None:
        answer.update((key.decode(), value.decode()) for key, value in message.get("headers", ()))

    run_coroutine(cache({**scope, "client": ("192.0.2.1", 1)}, None, send))  # type: ignore[arg-type]
    return answer


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/assets/a.js", FOREVER),
        ("/assets/missing.js", "no-cache"),
        ("/static/a.png", "no-cache"),
        ("/", "no-cache"),
    ],
)
def test_only_an_asset_that_exists_is_kept_by_browsers(path: str, value: str) -> None:
    cache = ResponseCache(Application(), has_login=False, on_space=False)
    assert ask(cache, path)["cache-control"] == value


def test_what_does_not_depend_on_who_asks_is_made_once() -> None:
    application = Application()
    cache = ResponseCache(application, has_login=True, on_space=False)
    for path in ("/", "/theme.css", "/gradio_api/theme.css", "/assets/a.js"):
        for visitor in "ab":
            ask(cache, path, host=visitor, cookie=visitor)
    paths = ["/", "/", "/theme.css", "/gradio_api/theme.css", "/assets/a.js"]
    assert application.paths == paths
