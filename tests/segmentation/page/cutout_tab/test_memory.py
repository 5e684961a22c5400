"""What a visitor's browser keeps of the tab, and what the page makes of a memory."""

import json
import shutil
from dataclasses import replace
from math import inf
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from segmentation import find_model
from segmentation.compositing.strokes import MAX_STROKES, Stroke
from segmentation.page.canvas.events import MAX_TRACE_POINTS
from segmentation.page.cutout_tab import photo_events
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.memory import (
    KEY,
    MAX_KEPT_POINTS,
    forget_photo,
    loss,
    recall_options,
    recall_photo,
    remember,
)
from segmentation.page.cutout_tab.open_request import redo_edits
from segmentation.page.gradio_internals.files import upload_folder
from segmentation.page.options import PageOptions
from segmentation.page.session import DrawnBox, PhotoState
from tests.paths import EXAMPLES
from tests.segmentation.page.browsing import (
    await_file,
    download,
    open_example,
    open_tools,
    paint,
    photo_input,
    redrawn,
    text,
)
from tests.segmentation.page.serving import in_event_loop
from tests.segmentation.scenes import DOG, PERSON, block, segmentation

MEMORY = f"() => localStorage.getItem({KEY!r})"
STROKE_JSON = {"mode": "keep", "radius": 0.02, "points_xy": [[0.1, 0.2], [0.3, 0.4]]}
KEEP = Stroke("keep", 0.02, ((0.1234, 0.5), (0.75, 0.25)))
ERASE = Stroke("erase", 0.03, ((0.5, 0.5),))
BOX = DrawnBox((120, 0, 190, 80), 0.5)
# Both the second object and the one in the box are uncertain.
FOUND = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18) * 0.04))
BOXED = segmentation((DOG, block(12, 0, 19, 8) * 0.04))
OPENED = PhotoState(str(EXAMPLES / "flower.jpg"), "", "compact", FOUND, (1,), ())


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


# More than a double holds.
HUGE = 10**400


@pytest.mark.parametrize(
    "memory",
    [
        None,
        [],
        {"options": 3},
        {"options": {"unknown": 1}},
        {"options": {"background": "lava", "format": 3, "grow": 99, "shadow": "yes"}},
        {"options": {"softness": None, "quality": True, "colour": "#" * 100, "x": "0.5"}},
        {"options": {"softness": HUGE, "grow": -HUGE, "max_kb": HUGE, "width": HUGE}},
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
    memory = {"path": str(upload), "model": "twin", "chosen": [2, "3", True, 1]}
    assert recall_photo(memory, None, ("compact", "twin"), current) is None
    assert loss(memory) == "photo_deleted"
    upload.touch()
    assert loss(memory) is None
    wanted = recall_photo(memory, None, ("compact", "twin"), current)
    assert wanted is not None
    assert (wanted.path, wanted.model, wanted.chosen) == (str(upload), "twin", (2, 1))
    # The ids of another model mean nothing to this one.
    wanted = recall_photo(memory, None, ("compact",), current)
    assert wanted is not None
    assert (wanted.model, wanted.chosen) == ("compact", None)
    assert recall_photo(forget_photo(memory), None, ("compact",), current) is None
    assert loss(forget_photo(memory)) is None


@pytest.mark.parametrize("box", [BOX, replace(BOX, trace_xy=((125, 10), (180, 70)))])
def test_edits_are_done_again_and_can_be_undone(current: PageOptions, box: DrawnBox) -> None:
    edited = OPENED.add_boxed(BOXED, box).select((2, 3)).draw(KEEP).draw(ERASE)
    memory = json.loads(json.dumps(remember(edited, current)))
    wanted = recall_photo(memory, None, ("compact",), replace(current, min_score=0.5))
    assert wanted is not None
    state = redo_edits(OPENED, wanted, lambda _: BOXED)
    assert state.chosen == (2, 3)
    assert state.selected(0.5) == (2, 3), "a guess, and what was found in the box"
    assert (state.boxes, state.strokes) == ((box,), (KEEP, ERASE))
    assert state.undo().strokes == (KEEP,)
    assert state.undo().undo().undo().boxes == ()


def test_an_empty_selection_stays_empty(current: PageOptions) -> None:
    wanted = recall_photo(remember(OPENED.select(()), current), None, ("compact",), current)
    assert wanted is not None
    assert redo_edits(OPENED, wanted, lambda _: BOXED).chosen == ()


def test_strokes_that_are_too_long_are_not_kept(current: PageOptions) -> None:
    line = tuple((x, y) for y in (0.1, 0.9) for x in np.linspace(0, 1, MAX_KEPT_POINTS // 4))
    stroke = Stroke("keep", 1e-4, line)
    memory = remember(replace(OPENED, strokes=(stroke, stroke)), current)
    assert loss(memory) is None
    memory = remember(replace(OPENED, strokes=(stroke, stroke, KEEP)), current)
    assert loss(memory) == "strokes_not_kept"
    assert memory["strokes"] is None


@pytest.mark.parametrize(
    ("strokes", "boxes"),
    [
        (3, 3),
        ([3], [3]),
        ([{"mode": "keep", "radius": 9, "points_xy": [[0, 0]]}], [[0, 0, 9, 90, 0.5]]),
        ([STROKE_JSON, {**STROKE_JSON, "points_xy": [[0, "1"]]}], [["0", 0, 90, 90, 0.5]]),
        ([STROKE_JSON] * (MAX_STROKES + 1), [[0, 0, 90, 90]]),
        ([{**STROKE_JSON, "points_xy": []}], [[0, 0, 90, 90, 0.5, 7]]),
        ([{**STROKE_JSON, "radius": 0}], [[0, 0, 90, 90, 0.5, *[7] * 2 * (MAX_TRACE_POINTS + 1)]]),
        ([{**STROKE_JSON, "points_xy": [[0, 0]] * 1999}] * 2, [[-1, 0, 90, 90, inf]]),
    ],
)
def test_edits_that_no_page_remembers_are_left_out(
    current: PageOptions, strokes: Any, boxes: Any
) -> None:
    memory = {**remember(OPENED, current), "strokes": strokes, "boxes": boxes}
    wanted = recall_photo(memory, None, ("compact",), current)
    assert wanted is not None
    assert (wanted.strokes, wanted.boxes) == ((), ())


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_reload_keeps_photo_selection_and_settings(page: Page, address: str) -> None:
    page.goto(f"{address}?example=astronaut")
    await_file(page)
    with redrawn(page):
        page.locator("#objects input[type=checkbox]").nth(1).check()
    open_tools(page, "effects_panel")
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).check()
    page.locator("#canvas button[data-tool=erase]").click()
    with redrawn(page):
        paint(page, (0.4, 0.3), (0.5, 0.3))
    page.reload()
    await_file(page)
    undo = page.locator("#undo")
    with redrawn(page):
        undo.click()
    expect(undo).to_be_disabled()
    expect(page.locator("#objects input[type=checkbox]:checked")).to_have_count(2)
    open_tools(page, "effects_panel")
    expect(page.get_by_label(text(page, "shadow"), exact=True)).to_be_checked()
    page.locator("#home").click()
    expect(page.locator("#workspace")).to_be_hidden()
    compare = page.get_by_role("tab", name=text(page, "compare"), exact=True)
    compare.click()
    memory = "localStorage.getItem('koutu_compare_settings')"
    former = page.evaluate(memory)
    page.get_by_role("radio", name="3", exact=True).check()
    page.wait_for_function(f"former => {memory} !== former", arg=former)
    page.reload()
    page.locator("#examples img").last.wait_for()
    open_example(page, 3)
    open_tools(page, "effects_panel")
    expect(page.get_by_label(text(page, "shadow"), exact=True)).to_be_checked()
    compare.click()
    expect(page.get_by_role("radio", name="3", exact=True)).to_be_checked()
    expect(page.locator("#compare_rail").get_by_role("tab", name="C")).to_be_visible()


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


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_page_says_once_that_its_photo_was_deleted(page: Page, tmp_path: Path) -> None:
    upload = shutil.copy(EXAMPLES / "flower.jpg", tmp_path / "to_be_deleted.jpg")
    with redrawn(page):
        photo_input(page).set_input_files(upload)
    for path in upload_folder().rglob("to_be_deleted.jpg"):
        path.unlink()
    remembered = page.evaluate(MEMORY)
    page.reload()
    expect(page.get_by_text(text(page, "photo_deleted"))).to_be_visible()
    # The sentence comes before the answer that makes the browser forget the photo. Gradio may write
    # the memory before, and encrypts the same memory to other characters.
    expect(page.locator("#status")).to_contain_text("onnxruntime")
    page.wait_for_function(f"remembered => ({MEMORY})() !== remembered", arg=remembered)
    page.reload()
    page.locator("#examples img").last.wait_for()
    expect(page.locator("#status")).to_contain_text("onnxruntime")
    expect(page.get_by_text(text(page, "photo_deleted"))).to_be_hidden()
