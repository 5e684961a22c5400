"""The route for containers and load balancers."""

from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.responses import PlainTextResponse

from segmentation.page.server.health import HealthRoute
from segmentation.page.server.launch import serve
from tests.coroutines import run_coroutine
from tests.paths import ROOT
from tests.segmentation.page.serving import address_of, blank_page, served
from tests.visitor import Visitor


def test_health_says_ok_without_a_login_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))

    def start(ui: gr.Blocks, port: int) -> None:
        serve(ui, server_port=port, auth=("name", "secret"))

    with served(blank_page, start) as ui:
        answer = httpx.get(f"{address_of(ui)}/health")
        assert (answer.status_code, answer.text) == (200, "ok")
        assert answer.headers["cache-control"] == "no-store"
        assert not {"set-cookie", "location"} & answer.headers.keys()
        assert httpx.head(f"{address_of(ui)}/health").status_code == 200
        assert httpx.post(f"{address_of(ui)}/health", content=b"").status_code == 404


def test_the_numbers_are_for_the_operator(visitor: Visitor) -> None:
    assert visitor.http.get("/nothing").status_code == 404
    numbers = visitor.http.get("/health/numbers").json()
    assert numbers["queue"] == {"waiting": 0, "running": 0}
    assert numbers["answers"]["404"] >= 1
    assert numbers["memory_mb"] > 100
    for headers in ({"X-Forwarded-For": "8.8.8.8"}, {"Host": "192.168.1.7"}):
        assert visitor.http.get("/health/numbers", headers=headers).status_code == 404


def test_on_a_public_page_the_numbers_need_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOUTU_HEALTH_TOKEN", "token")

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("page", 404)(scope, receive, send)

    async def ask(*headers: tuple[bytes, bytes]) -> int:
        statuses: list[int] = []

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 0))

        route = HealthRoute(page, lambda _: {}, is_public=True)
        scope = {"type": "http", "method": "GET", "path": "/health/numbers", "app": None}
        scope |= {"headers": [(b"host", b"localhost"), *headers], "client": ("127.0.0.1", 5)}
        await route(scope, ask, send)
        return statuses[0]

    assert run_coroutine(ask()) == 404
    assert run_coroutine(ask((b"authorization", b"Bearer wrong"))) == 404
    assert run_coroutine(ask((b"authorization", b"Bearer token"))) == 200


def test_the_container_asks_it() -> None:
    assert "7860/health'" in (ROOT / "Dockerfile").read_text("utf-8")
