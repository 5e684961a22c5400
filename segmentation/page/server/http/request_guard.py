"""Middleware that lets through only the requests that the page and its API need.

Gradio has more routes: some call handlers past their queue, fetch addresses, run programs, or
accept bodies of any size.
"""

import re
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from segmentation.errors import RateExceeded
from segmentation.i18n import Text
from segmentation.page.server.client_address import scope_network
from segmentation.page.server.files.file_owners import owners_of
from segmentation.page.server.files.storage import usage_of
from segmentation.page.server.http.event_errors import pass_event
from segmentation.page.server.http.login import LOGIN, Credentials, LoginGuard
from segmentation.page.server.http.refusal import Refusal
from segmentation.page.server.http.request_body import (
    EVENT_BYTES,
    EVENT_TOO_LARGE,
    SESSION,
    URL,
    body_deadline,
    check_event,
    content_length,
    read_body,
    replay,
)
from segmentation.page.server.http.streams import abandoned_when_left, tracked_upload
from segmentation.page.server.language import with_page_language
from segmentation.page.server.limits.policy import Rate
from segmentation.page.server.limits.rate_limit import RateLimiter
from segmentation.page.server.limits.upload_quota import UploadQuota

API = "/gradio_api/"
READ = re.compile(
    r"/|/config/?|/logout|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/pwa_icon(/\d+)?"
    r"|/(assets|static)/.*"
    r"|/gradio_api/((user|login_check|app_id|info|startup-events|theme\.css)/?"
    rf"|upload_progress|queue/data|heartbeat/{SESSION}|call/(v2/)?[^/]+/[^/]+|file=.*)",
    re.DOTALL,
)
WRITE = re.compile(
    LOGIN.pattern + r"|/gradio_api/(upload|queue/join|cancel|reset/?|call/(v2/)?[^/]+/?)", re.DOTALL
)
UPLOAD, UPLOAD_PROGRESS, EVENT_STREAM = API + "upload", API + "upload_progress", API + "queue/data"
CALL_ANSWERS = API + "call/"
# The browser reads the end of an upload's progress after the upload.
UPLOAD_PROGRESS_SECONDS = 60
# Gradio keeps the address by which the first caller reached this route, and shows it to all later
# callers, unless the request names a page. The only page here has an empty name.
INFO, INFO_QUERY = API + "info", b"page="

NO_SUCH_ADDRESS = Text("This page has no such address.", "本页面没有这个地址。")


class RequestGuard:
    """ASGI middleware that refuses requests a page does not need, and limits the others.

    Args:
        app: the application behind it.
        folder: the folder that uploads are written to.
        upload_megabytes: size limit of one upload request, all its files together.
        keep_seconds: time after which an upload is deleted.
        reads: rate of requests without a body; None allows any rate.
        login: the name and the password that visitors must enter.
    """

    def __init__(
        self,
        app: ASGIApp,
        folder: Path,
        *,
        upload_megabytes: float,
        keep_seconds: float,
        reads: Rate | None = None,
        login: Credentials | None = None,
    ) -> None:
        self._app = app
        self._upload_bytes = upload_megabytes * 1e6
        self._upload_too_large = Text(
            f"More than {upload_megabytes:g} MB at once. Upload the photos in several batches.",
            f"一次不能超过 {upload_megabytes:g} MB，请分批上传。",
        )
        self._quota = UploadQuota(owners_of(folder), usage_of(folder), keep_seconds)
        self._reads = RateLimiter(reads) if reads else None
        self._login = LoginGuard(login)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = with_page_language(scope)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        try:
            self._login.check_path(scope, path)
            if path == UPLOAD and scope["method"] == "POST":
                await self._pass_upload(scope, receive, send)
            elif scope["method"] == "POST":
                await self._pass_write(scope, path, receive, send)
            else:
                await self._pass_read(scope, path, receive, send)
        except Refusal as refusal:
            plain = scope["path"].endswith(UPLOAD)
            await refusal.response(scope, plain=plain)(scope, receive, send)

    async def _pass_upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = content_length(scope)
        if length > self._upload_bytes:
            raise Refusal(413, self._upload_too_large)
        content_type = Headers(scope=scope).get("content-type", "")
        with tracked_upload(scope, UPLOAD_PROGRESS_SECONDS):
            async with (
                body_deadline(receive) as in_time,
                self._quota.upload(scope_network(scope), length, content_type, in_time, send) as (
                    receive_counted,
                    send_counted,
                ),
            ):
                await self._app(scope, receive_counted, send_counted)

    async def _pass_read(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        """Check a request without a body and pass it on."""
        is_read = scope["method"] in ("GET", "HEAD") and READ.fullmatch(path)
        if not is_read or URL.match(path.partition("file=")[2]):
            raise Refusal(404, NO_SUCH_ADDRESS)
        self._count_read(scope)
        if path.rstrip("/") == INFO:
            await self._app({**scope, "query_string": INFO_QUERY}, receive, send)
        elif path == UPLOAD_PROGRESS:
            with tracked_upload(scope, 0):
                await self._app(scope, receive, send)
        elif path == EVENT_STREAM:
            async with abandoned_when_left(scope, receive, send) as send_watched:
                await pass_event(self._app, scope, receive, send_watched)
        elif path.startswith(CALL_ANSWERS):
            await pass_event(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _pass_write(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        """Check the body of a login or an event and pass it on."""
        if not WRITE.fullmatch(path):
            raise Refusal(404, NO_SUCH_ADDRESS)
        if content_length(scope) > EVENT_BYTES:
            raise Refusal(413, EVENT_TOO_LARGE)
        body = await read_body(receive)
        if path.startswith(API):
            check_event(body)
            await pass_event(self._app, scope, replay(body, receive), send)
        else:
            await self._login.check_login(scope, replay(body, receive))
            await self._app(scope, replay(body, receive), send)

    def _count_read(self, scope: Scope) -> None:
        if self._reads is None:
            return
        try:
            self._reads.admit(scope_network(scope), None)
        except RateExceeded as error:
            raise Refusal(429, error.text) from error
