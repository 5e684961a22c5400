"""Checks of the host and the origin of requests, and the security headers of answers.

A name of somebody else that resolves to this host (DNS rebinding), or a form on another site, must
not reach a page through the browser of its visitor.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segmentation.i18n import Text
from segmentation.page.server.address import LOCALHOST, MAX_PORT, root_host
from segmentation.page.server.http.refusal import Refusal

# HOST or HOST:PORT as a browser sends it.
HOST = re.compile(r"(?P<name>[\w.~-]{1,253}|\[[0-9a-f:.]{2,45}\])(:(?P<port>\d{1,5}))?", re.I)
EVERY_HOST = "*"
# Gradio answers `Range` with all headers of the request, and `X-Gradio-Server` with any address.
IGNORED_HEADERS = (b"range", b"if-range", b"x-gradio-server")
# Gradio allows scripts of any site to read a page that has a name.
CORS_PREFIX = b"access-control-"
SPACE_FRAMES = "https://huggingface.co https://*.hf.space"

BAD_HOST = Text(
    "The Host or X-Forwarded-Host header is not a host name. Correct it and try again.",
    "Host 或 X-Forwarded-Host 标头不是有效的主机名，请更正后重试。",
)
UNKNOWN_HOST = Text(
    "This page does not answer to the host name in its address. Open it by its IP address; its "
    "operator can add the name to KOUTU_HOSTS.",
    "本页面不接受网址中的主机名。请用 IP 地址打开；管理员可将该主机名加入 KOUTU_HOSTS。",
)
OTHER_SITE = Text(
    "Requests from other sites are not accepted. Open the page itself.",
    "不接受来自其他网站的请求，请直接打开本页面。",
)


def own_hosts(*, is_public: bool) -> frozenset[str]:
    """The host names that a page answers to, besides IP addresses.

    Args:
        is_public: whether anybody can open the page, so that a name protects nothing.

    Returns:
        Lower-case names: those of this host and those in KOUTU_HOSTS, separated by commas. A public
        page answers to every name unless KOUTU_HOSTS is set.

    Raises:
        AddressUnavailable: GRADIO_ROOT_PATH is not an address.
    """
    named = {name.strip().lower() for name in os.environ.get("KOUTU_HOSTS", "").split(",")} - {""}
    root = root_host()
    if is_public:
        return frozenset(named or {EVERY_HOST})
    this_host = socket.gethostname().lower()
    return frozenset({"localhost", this_host, f"{this_host}.local", *filter(None, [root])} | named)


def content_security_policy(*, frames: str, inline_scripts: Collection[str] = ()) -> str:
    """The Content-Security-Policy of an answer.

    Gradio compiles the `js` of an event and the templates of its components with `Function`, and
    sets styles in scripts.

    Args:
        frames: sites that may show the page in a frame, besides the page's own.
        inline_scripts: hashes of the scripts that stand in the page, such as 'sha256-…'.
    """
    scripts = " ".join(("'self'", "'unsafe-eval'", "blob:", *inline_scripts))
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; "
        f"base-uri 'self'; form-action 'self'; frame-ancestors 'self' {frames}".strip()
    )


class BrowserGuard:
    """ASGI middleware that refuses requests of other sites and sets the headers for browsers.

    Args:
        app: the application behind it.
        hosts: the names that the page answers to, see `own_hosts`.
        on_space: whether the page is shown in a frame of a Hugging Face Space.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], *, on_space: bool) -> None:
        self._app = app
        self._hosts = hosts
        self._on_space = on_space
        self._policy = content_security_policy(frames=SPACE_FRAMES if on_space else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._protected(message.get("headers", ()))}
            await send(message)

        try:
            self._check(scope)
        except Refusal as refusal:
            await refusal.response(scope, plain=False)(scope, receive, send_protected)
            return
        headers = [item for item in scope["headers"] if item[0] not in IGNORED_HEADERS]
        await self._app({**scope, "headers": headers}, receive, send_protected)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        # Every browser names the host; a program of HTTP/1.0 need not.
        host = _host_name(headers.get("host") or LOCALHOST)
        for forwarded in headers.get("x-forwarded-host", "").split(","):
            if forwarded.strip():
                _host_name(forwarded.strip())
        if not (EVERY_HOST in self._hosts or host in self._hosts or _is_address(host)):
            raise Refusal(421, UNKNOWN_HOST)
        if scope["method"] not in ("GET", "HEAD") and _is_of_other_site(headers):
            raise Refusal(403, OTHER_SITE)

    def _protected(self, raw: Collection[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        headers = MutableHeaders(
            raw=[
                (name, value if self._on_space else value.replace(b"=none", b"=lax"))
                if name == b"set-cookie"
                else (name, value)
                for name, value in raw
                if not name.startswith(CORS_PREFIX)
            ]
        )
        headers.setdefault("content-security-policy", self._policy)
        headers["x-content-type-options"] = "nosniff"
        headers["referrer-policy"] = "same-origin"
        return headers.raw


def _host_name(host: str) -> str:
    """The name of a Host header in lower case, IPv6 without brackets.

    Raises:
        Refusal: 400, the header is not a host.
    """
    match = HOST.fullmatch(host)
    if not match or int(match["port"] or 0) > MAX_PORT:
        raise Refusal(400, BAD_HOST)
    return match["name"].strip("[]").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_of_other_site(headers: Headers) -> bool:
    """Whether a browser says that a request was made by a page of another site."""
    if (site := headers.get("sec-fetch-site")) is not None:
        return site not in ("same-origin", "none")
    if (origin := headers.get("origin")) is None:  # no browser
        return False
    own = (headers.get("host", ""), *headers.get("x-forwarded-host", "").split(","))
    try:
        host = urlsplit(origin).netloc.lower()
    except ValueError:  # no address
        return True
    return not host or host not in {name.strip().lower() for name in own}
