"""What a visitor's browser keeps of the tab, and what the page makes of a memory."""

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import Page, expect

from segmentation import find_model
from segmentation.page.cutout_tab import photo_events
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.memory import forget_photo, recall_options, recall_photo
from segmentation.page.options import PageOptions
from tests.paths import EXAMPLES
from tests.segmentation.page.browsing import (
    await_file,
    download,
    open_example,
    open_tools,
    redrawn,
    text,
)
from tests.segmentation.page.serving import in_event_loop


@pytest.fixture(scope="module")
def layout() -> CutoutLayout:
    def build() -> CutoutLayout:
        with gr.Blocks(analytics_enabled=False):
            return CutoutLayout(find_model("compact"))

    return in_event_loop(build)


@pytest.fixture(scope="module")
def current(layout: CutoutLayout) -> PageOptions:
    return layout.page_options({item: item.value for item in layout.controls.values()})


def test_remembered_settings_are_set(layout: CutoutLayout, current: PageOptions) -> None:
    kept = {"shadow": True, "background": "colour", "colour": "#ff0000", "grow": -3, "scale": 0.5}
    recalled = recall_options({"options": kept}, layout.controls, current)
    assert recalled == replace(current, **kept)


@pytest.mark.parametrize(
    "memory",
    [
        None,
        [],
        {"options": 3},
        {"options": {"unknown": 1}},
        {"options": {"background": "lava", "format": 3, "grow": 99, "shadow": "yes"}},
        {"options": {"softness": None, "quality": True, "colour": "#" * 100, "x": "0.5"}},
    ],
)
def test_what_does_not_fit_is_left_out(
    layout: CutoutLayout, current: PageOptions, memory: Any
) -> None:
    assert recall_options(memory, layout.controls, current) == current


def test_an_example_of_the_address_is_opened(current: PageOptions) -> None:
    wanted = recall_photo({"path": "/elsewhere"}, "flower", ("compact",), current)
    assert wanted is not None
    assert (Path(wanted.path), wanted.model) == (EXAMPLES / "flower.jpg", "compact")


@pytest.mark.parametrize("path", ["/etc/passwd", "", "a\0b", str(EXAMPLES / "gallery.json"), 3])
def test_no_file_of_the_server_is_opened(current: PageOptions, path: Any) -> None:
    assert recall_photo({"path": path}, "nothing", ("compact",), current) is None


def test_an_upload_is_opened_while_the_server_has_it(
    current: PageOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    upload = tmp_path / "photo.jpg"
    memory = {"path": str(upload), "model": "gone", "chosen": [2, "3", True, 1]}
    assert recall_photo(memory, None, ("compact",), current) is None
    upload.touch()
    wanted = recall_photo(memory, None, ("compact",), current)
    assert wanted is not None
    assert (wanted.path, wanted.model, wanted.chosen) == (str(upload), "compact", (2, 1))
    assert recall_photo(forget_photo(memory), None, ("compact",), current) is None


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_reload_keeps_photo_selection_and_settings(page: Page, address: str) -> None:
    with redrawn(page):
        page.goto(f"{address}?example=astronaut")
    with redrawn(page):
        page.locator("#objects input[type=checkbox]").nth(1).check()
    open_tools(page, "effects_panel")
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).check()
    page.goto(address)
    await_file(page)
    expect(page.locator("#objects input[type=checkbox]:checked")).to_have_count(2)
    open_tools(page, "effects_panel")
    expect(page.get_by_label(text(page, "shadow"), exact=True)).to_be_checked()
    page.locator("#home").click()
    expect(page.locator("#workspace")).to_be_hidden()
    page.reload()
    page.locator("#examples img").last.wait_for()
    open_example(page, 3)
    open_tools(page, "effects_panel")
    expect(page.get_by_label(text(page, "shadow"), exact=True)).to_be_checked()


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_photo_opened_while_the_page_loads_keeps_the_settings(
    page: Page, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_example(page, 3)
    open_tools(page, "effects_panel")
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).check()
    is_open = Event()

    def recall(*args: Any) -> PageOptions:
        is_open.wait()
        return recall_options(*args)

    monkeypatch.setattr(photo_events, "recall_options", recall)
    try:
        page.goto(f"{address}?example=astronaut")
        page.locator("#examples img").last.wait_for()
        open_example(page, 3)
    finally:
        is_open.set()
    open_tools(page, "effects_panel")
    expect(page.get_by_label(text(page, "shadow"), exact=True)).to_be_checked()
    assert download(page, tmp_path)[0].startswith("flower")
