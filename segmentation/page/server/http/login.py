"""The login of a page: where its password comes from, and what it protects."""

import argparse
import asyncio
import hmac
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope

from segmentation.errors import RateExceeded
from segmentation.i18n import Text
from segmentation.page.gradio_internals.server import is_logged_in
from segmentation.page.server.client_address import scope_network
from segmentation.page.server.http.refusal import Refusal
from segmentation.page.server.limits.policy import Rate
from segmentation.page.server.limits.rate_limit import SESSIONS_PER_NETWORK, RateLimiter

Credentials = tuple[str, str]

LOGIN = re.compile(r"/login/?")
# Gradio answers some of these without a login, and reads the body of others before it asks for one.
PROTECTED = re.compile(
    r"/gradio_api/(upload|queue/join|call/.*|cancel|app_id/?|heartbeat/.*|reset/?)", re.DOTALL
)
# Wrong passwords from one network: a class of 30 at once, and then 10 a minute.
WRONG_RATE = Rate(burst=30 // SESSIONS_PER_NETWORK, per_minute=10 / SESSIONS_PER_NETWORK)
# Beyond that rate, the logins of a network are checked one by one, each after this pause: without
# it, anybody could guess as fast as the page answers. A right password waits with the others.
PAUSE_SECONDS = 2
MAX_WAITING = 10

NOT_A_FORM = Text(
    "The login is not a valid form. Correct it and try again.",
    "登录请求不是有效的表单，请更正后重试。",
)
TOO_MANY_WAITING = Text(
    "Too many logins from your network at once. Try again in a minute.",
    "您所在的网络同时登录过多，请一分钟后重试。",
)
NOT_LOGGED_IN = Text("Log in first.", "请先登录。")


def credentials(text: str) -> Credentials:
    """Read USER:PASSWORD, or @FILE whose first line is that.

    Raises:
        argparse.ArgumentTypeError: it is neither.
    """
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise argparse.ArgumentTypeError(f"the file {text[1:]} cannot be read") from error
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise argparse.ArgumentTypeError("write it as USER:PASSWORD, or as @FILE with that in it")
    return user, password


class LoginGuard:
    """Limits guesses, and protects what Gradio answers without a login.

    Wrong passwords of one network slow its logins down and do not end them, so that nobody can lock
    a visitor of the same network out.

    Args:
        expected: the right credentials; None for a page without a login.
        pause: waits for a number of seconds.
    """

    def __init__(
        self,
        expected: Credentials | None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._expected = expected
        self._pause = pause
        self._wrong = RateLimiter(WRONG_RATE)
        self._waiting: Counter[str] = Counter()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def check_path(self, scope: Scope, path: str) -> None:
        """Refuse a protected address to those who are not logged in.

        Raises:
            Refusal: 401.
        """
        if self._expected and PROTECTED.fullmatch(path) and not is_logged_in(scope):
            raise Refusal(401, NOT_LOGGED_IN)

    async def check_login(self, scope: Scope, receive: Receive) -> None:
        """Check a password, and count it if it is wrong.

        Args:
            scope: the request of a login.
            receive: a stream of its body.

        Raises:
            Refusal: 400, the body is not a form; 429, too many wrong passwords from this network,
                or too many that wait for their turn.
        """
        try:
            async with Request(scope, receive).form() as form:
                given = _joined((_value(form, "username").strip(), _value(form, "password")))
        except (HTTPException, ValueError) as error:  # ValueError: no encoding of text
            raise Refusal(400, NOT_A_FORM) from error
        network = scope_network(scope)
        if self._wrong.is_exhausted(network):
            await self._wait_for_turn(network)
        if self._expected and hmac.compare_digest(given, _joined(self._expected)):
            return
        try:
            self._wrong.admit(network, None)
        except RateExceeded as error:
            raise Refusal(429, error.text) from error

    async def _wait_for_turn(self, network: str) -> None:
        if self._waiting[network] >= MAX_WAITING:
            raise Refusal(429, TOO_MANY_WAITING)
        self._waiting[network] += 1
        try:
            async with self._turns[network]:
                await self._pause(PAUSE_SECONDS)
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network], self._turns[network]


def _value(form: FormData, name: str) -> str:
    return str(form.get(name, ""))


def _joined(pair: Credentials) -> bytes:
    return "\0".join(pair).encode()
