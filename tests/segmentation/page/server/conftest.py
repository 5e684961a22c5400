"""One page for all tests of what visitors can do to its web server, on this host alone."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

import app
from segmentation import encode
from segmentation.page.server.launch import serve
from segmentation.page.theme import appearance
from tests.paths import EXAMPLES
from tests.segmentation.page.server.host_files import MARK
from tests.segmentation.page.serving import address_of, page_context, served
from tests.visitor import Visitor


def build_page() -> gr.Blocks:
    """The whole page with the bundled model."""
    return app.build_ui(page_context())


def serve_page(ui: gr.Blocks, port: int) -> None:
    """Serve it with all that protects it."""
    serve(ui, server_port=port, **appearance())


@pytest.fixture(scope="package")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="package")
def page_ui(page_folder: Path) -> Iterator[gr.Blocks]:
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GRADIO_TEMP_DIR", str(page_folder))
            ui = stack.enter_context(served(build_page, serve_page))
        yield ui
    assert not list(page_folder.iterdir()), "nothing is left when the page ends, whatever was tried"


@pytest.fixture
def folder(page_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for uploads of the page."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(page_folder))
    return page_folder


@pytest.fixture
def ui(page_ui: gr.Blocks, folder: Path) -> gr.Blocks:
    assert folder.is_dir()
    return page_ui


@pytest.fixture
def address(ui: gr.Blocks) -> str:
    return address_of(ui)


@pytest.fixture
def visitor(address: str) -> Iterator[Visitor]:
    with Visitor(address) as visitor:
        yield visitor


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside the folder for uploads."""
    path = tmp_path / "secret.png"
    path.write_bytes(encode(np.zeros((20, 20, 3), np.uint8)) + MARK)
    return path


@pytest.fixture(scope="package")
def photo() -> bytes:
    return (EXAMPLES / "flower.jpg").read_bytes()
