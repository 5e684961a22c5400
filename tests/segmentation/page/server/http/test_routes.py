"""The routes of the web server: those that answer, and what they read."""

import re
from pathlib import Path
from urllib.parse import quote

import gradio as gr
from starlette.routing import Route

from segmentation.page.server.http.request_guard import NO_SUCH_ADDRESS
from tests.segmentation.page.server.connections import send_raw
from tests.segmentation.page.server.host_files import hostile_paths, leaks


def routes(ui: gr.Blocks) -> set[tuple[str, str]]:
    """Method and template of each route that Gradio has, included routers as well."""
    described = ui.app.openapi()["paths"].items()
    routes = {(method.upper(), path) for path, methods in described for method in methods}
    for route in ui.app.routes:
        if isinstance(route, Route):
            template = route.path.replace(":path}", "}")
            routes |= {(method, template) for method in route.methods or ()}
    return {(method, path) for method, path in routes if method != "HEAD"}


def test_only_the_routes_that_the_page_needs_answer(ui: gr.Blocks, address: str) -> None:
    """A new Gradio may bring new routes; they stay closed until somebody opens them."""
    answering = set()
    for method, template in routes(ui):
        target = re.sub(r"\{[^}]*\}", "1", template)
        status, body = send_raw(address, method, target, content_length="0")
        if not (status == 404 and NO_SUCH_ADDRESS.en.encode() in body):
            answering.add(template.rstrip("/") or "/")
    api = "/gradio_api/"
    assert answering == {
        *("/", "/assets/{path}", "/config", "/favicon.ico", "/login", "/logout", "/manifest.json"),
        *("/pwa_icon", "/pwa_icon/{size}", "/robots.txt", "/static/{path}", "/theme.css"),
        *(api + name for name in ("app_id", "cancel", "info", "login_check", "reset", "user")),
        *(api + name for name in ("startup-events", "theme.css", "upload", "upload_progress")),
        *(api + name for name in ("queue/data", "queue/join", "heartbeat/{session_hash}")),
        *(api + name for name in ("call/{api_name}", "call/{api_name}/{event_id}")),
        *(api + name for name in ("call/v2/{api_name}", "call/v2/{api_name}/{event_id}")),
        api + "file={path_or_url}",
    }


def test_no_route_reads_a_file_of_the_host(
    ui: gr.Blocks, address: str, secret: Path, folder: Path
) -> None:
    templates = {path for method, path in routes(ui) if method == "GET" and "{" in path}
    assert "/gradio_api/file={path_or_url}" in templates
    for template in sorted(templates):
        for path in hostile_paths(secret, folder):
            for spelling in (quote(path), quote(path, safe=""), quote(quote(path, safe=""))):
                target = re.sub(r"\{[^}]*\}", lambda _, spelling=spelling: spelling, template)
                _, body = send_raw(address, "GET", target)
                assert not leaks(body), target
