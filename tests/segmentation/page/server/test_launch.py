"""What protects a page wherever it is launched, on a small one."""

import json
import os
import time
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio import http_server, routes

from segmentation.errors import AddressUnavailable
from segmentation.page.server import launch
from segmentation.page.server.http.request_guard import NO_SUCH_ADDRESS
from segmentation.page.server.launch import bypass_proxy_for_localhost, serve
from segmentation.page.server.limits.policy import PRIVATE_PAGE
from segmentation.page.strings import LOGIN
from tests.segmentation.page.server.connections import wait_for
from tests.segmentation.page.serving import address_of, blank_page, free_port, in_event_loop, served
from tests.visitor import Visitor


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def test_a_page_is_guarded_and_leaves_no_files(folder: Path) -> None:
    def start(ui: gr.Blocks, port: int) -> None:
        css, js = "#a { color: red }", "() => 1"
        address = serve(ui, PRIVATE_PAGE, css=css, js=js, server_port=port)
        assert address == f"http://127.0.0.1:{port}/"

    with served(blank_page, start) as ui, Visitor(address_of(ui)) as visitor:
        answer = visitor.http.get("/monitoring")
        assert (answer.status_code, answer.json()["detail"]) == (404, NO_SUCH_ADDRESS.en)
        assert visitor.config["css"] == "#a { color: red }"
        assert visitor.config["js"] == "() => 1"
        assert visitor.config["footer_links"] == ["api"]
        visitor.upload("photo.png", b"photo")
        assert list(folder.iterdir())
    assert not list(folder.iterdir())


def test_files_are_swept_while_a_page_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "KEEP_SECONDS", 0)
    monkeypatch.setattr(launch, "SWEEP_SECONDS", 0.1)

    def start(ui: gr.Blocks, port: int) -> None:
        serve(ui, server_port=port)

    with served(blank_page, start) as ui, Visitor(address_of(ui)) as visitor:
        visitor.upload("photo.png", b"photo")
        wait_for(lambda: not list(folder.iterdir()))


def test_the_login_names_both_languages(folder: Path) -> None:
    assert folder.is_dir()

    def start(ui: gr.Blocks, port: int) -> None:
        serve(ui, server_port=port, auth=("name", "secret"))

    with served(blank_page, start) as ui:
        page = httpx.get(address_of(ui)).text
        assert LOGIN.en in page
        assert LOGIN.zh in page or json.dumps(LOGIN.zh).strip('"') in page


def test_a_slow_host_does_not_make_the_port_look_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.is_dir()
    run = http_server.Server.run

    def run_late(server: http_server.Server) -> None:
        time.sleep(6)  # longer than Gradio waits by itself
        run(server)

    monkeypatch.setattr(http_server.Server, "run", run_late)

    def start(ui: gr.Blocks, port: int) -> None:
        serve(ui, server_port=port)

    with served(blank_page, start) as ui:
        assert httpx.get(address_of(ui)).status_code == 200


def test_a_port_that_is_taken_at_the_last_moment_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.is_dir()
    monkeypatch.setattr(routes.templates.env, "loader", routes.templates.env.loader)
    monkeypatch.setattr(http_server.Server, "run", lambda _: None)
    with pytest.raises(AddressUnavailable, match="could not start on port"):
        in_event_loop(lambda: serve(blank_page(), server_port=free_port()))


@pytest.mark.parametrize(
    ("environment", "excluded"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a.example"}, "a.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "b.example", "NO_PROXY": "a.example"}, "b.example,127.0.0.1,localhost,::1"),
    ],
    ids=["none", "upper case", "both"],
)
def test_the_page_itself_is_reached_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], excluded: str
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bypass_proxy_for_localhost()
    assert os.environ["no_proxy"] == excluded
