"""The login of a page: where its password comes from, and what it protects."""

import argparse
import hmac
import re
from pathlib import Path

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope

from segmentation.errors import RateExceeded
from segmentation.i18n import Text
from segmentation.page.gradio_internals import is_logged_in
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

NOT_A_FORM = Text(
    "The login is not a valid form. Correct it and try again.",
    "登录请求不是有效的表单，请更正后重试。",
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
    """Limits wrong passwords, and protects what Gradio answers without a login.

    The right password is never refused, so that nobody can lock a visitor of the same network out.

    Args:
        expected: the right credentials; None for a page without a login.
    """

    def __init__(self, expected: Credentials | None) -> None:
        self._expected = expected
        self._wrong = RateLimiter(WRONG_RATE)

    def check_path(self, scope: Scope, path: str) -> None:
        """Refuse a protected address to those who are not logged in.

        Raises:
            Refusal: 401.
        """
        if self._expected and PROTECTED.fullmatch(path) and not is_logged_in(scope):
            raise Refusal(401, NOT_LOGGED_IN)

    async def check_login(self, scope: Scope, receive: Receive) -> None:
        """Count a wrong password.

        Args:
            scope: the request of a login.
            receive: a stream of its body.

        Raises:
            Refusal: 400, the body is not a form; 429, too many wrong passwords from this network.
        """
        try:
            async with Request(scope, receive).form() as form:
                given = _joined((_value(form, "username").strip(), _value(form, "password")))
        except (HTTPException, ValueError) as error:  # ValueError: no encoding of text
            raise Refusal(400, NOT_A_FORM) from error
        if self._expected and hmac.compare_digest(given, _joined(self._expected)):
            return
        try:
            self._wrong.admit(scope_network(scope), None)
        except RateExceeded as error:
            raise Refusal(429, error.text) from error


def _value(form: FormData, name: str) -> str:
    return str(form.get(name, ""))


def _joined(pair: Credentials) -> bytes:
    return "\0".join(pair).encode()
