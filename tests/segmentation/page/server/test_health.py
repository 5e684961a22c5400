"""The route for containers and load balancers."""

from pathlib import Path

import gradio as gr
import httpx
import pytest

from segmentation.page.server.launch import serve
from tests.paths import ROOT
from tests.segmentation.page.serving import address_of, blank_page, served


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


def test_the_container_asks_it() -> None:
    assert "7860/health'" in (ROOT / "Dockerfile").read_text("utf-8")
