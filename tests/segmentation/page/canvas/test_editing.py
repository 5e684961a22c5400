"""Editing on the canvas in a browser: brushes, placing, undo."""

import math
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from segmentation.arrays import Bool, UInt8
from segmentation.page.canvas.texts import CANVAS_TEXTS
from tests.paths import EXAMPLES
from tests.segmentation.page.browsing import (
    HELMET,
    canvas_tool,
    click_photo,
    download,
    move_over_photo,
    open_example,
    open_tools,
    paint,
    redrawn,
    text,
    upload_image,
)


def disc_photo() -> tuple[UInt8, Bool]:
    """A red disc with stripes on green noise, and where the disc is."""
    rng = np.random.default_rng(3)
    photo = rng.normal((70, 120, 60), 9, (400, 600, 3))
    y, x = np.mgrid[:400, :600]
    disc = (x - 300) ** 2 + (y - 200) ** 2 < 110**2
    photo[disc] = rng.normal((190, 60, 50), 9, (int(disc.sum()), 3))
    photo[disc & (x % 40 < 8)] += 20
    blurred = cv2.GaussianBlur(np.clip(photo, 0, 255).astype(np.uint8), (0, 0), 1)
    return np.asarray(blurred, np.uint8), np.asarray(disc)


def error(alpha: UInt8, disc: Bool) -> float:
    """Wrong opacity, in pixels."""
    return float(np.abs(alpha / 255 - disc).sum())


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_strokes_bring_back_and_take_away_and_can_be_undone(page: Page, tmp_path: Path) -> None:
    photo, disc = disc_photo()
    with redrawn(page):
        upload_image(page, photo, tmp_path / "disc.png")
    page.get_by_role("button", name=text(page, "none"), exact=True).click()
    expect(page.locator("#download")).to_be_disabled()
    canvas_tool(page, "keep").click()
    brush = page.get_by_label("Brush size")
    box = page.locator("#canvas img.original").bounding_box()
    assert box is not None
    assert int(brush.input_value()) == round(0.04 * math.sqrt(box["width"] * box["height"]))
    brush.fill("100")
    for y in (0.36, 0.5, 0.64):
        with redrawn(page):
            paint(page, (0.4, y), (0.6, y))
    kept = download(page, tmp_path)[1][..., 3]
    assert (kept[160:240, 240:360] == 255).all(), "inside"
    assert (kept[:40] == 0).all(), "far outside"
    assert error(kept, disc) <= disc.sum() / 2

    canvas_tool(page, "erase").click()
    assert brush.input_value() == "100", "as chosen"
    brush.fill("30")
    with redrawn(page):
        paint(page, (0.45, 0.5), (0.55, 0.5))
    erased = download(page, tmp_path)[1][..., 3]
    assert (erased[198:202, 275:325] == 0).all()
    assert (erased[150:160, 275:325] == 255).all()

    with redrawn(page):
        page.keyboard.press("Control+z")
    assert (download(page, tmp_path)[1][..., 3] == kept).all()
    with redrawn(page):
        page.keyboard.press("Control+Shift+z")
    assert (download(page, tmp_path)[1][..., 3] == erased).all()


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_one_undo_goes_back_over_clicks_and_controls(page: Page, tmp_path: Path) -> None:
    open_example(page, 0)
    undo = page.locator("#undo")
    expect(undo).to_be_disabled()
    with redrawn(page):
        click_photo(page, *HELMET)
    with redrawn(page):
        page.get_by_label(text(page, "colour"), exact=True).check()
    picker = page.get_by_text(text(page, "background_colour"), exact=True)
    expect(picker.nth(1)).to_be_visible()
    with redrawn(page):
        undo.click()
    expect(page.get_by_label(text(page, "transparent"), exact=True)).to_be_checked()
    expect(picker).to_have_count(1)
    assert download(page, tmp_path)[1][450, 420, 3] == 255, "the helmet is still chosen"
    with redrawn(page):
        undo.click()
    expect(undo).to_be_disabled()
    assert download(page, tmp_path)[1][450, 420, 3] == 0
    with redrawn(page):
        page.locator("#redo").click()
    assert download(page, tmp_path)[1][450, 420, 3] == 255


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_crop_is_hovered_and_painted_like_the_photo(page: Page, tmp_path: Path) -> None:
    open_example(page, 0)
    open_tools(page, "size_panel")
    with redrawn(page):
        page.get_by_label(text(page, "square"), exact=True).check()
    expect(page.locator("#canvas img.original")).to_have_attribute("src", re.compile("before"))
    stage = page.locator("#canvas .stage")
    move_over_photo(page, 0.5, 0.5)
    expect(stage).to_have_attribute("data-target", "1")
    move_over_photo(page, 0.03, 0.03)
    expect(stage).to_have_attribute("data-target", "")
    before = download(page, tmp_path)[1][..., 3]
    canvas_tool(page, "erase").click()
    assert 8 <= int(page.get_by_label("Brush size").input_value()) <= 14, "a share of the person"
    with redrawn(page):
        paint(page, (0.45, 0.5), (0.55, 0.5))
    expect(page.locator("#canvas .canvas")).to_have_attribute("data-view", "result")
    after = download(page, tmp_path)[1][..., 3]
    middle = after.shape[0] // 2, after.shape[1] // 2
    assert before[middle] == 255
    assert after[middle] == 0


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_subject_in_another_photo_is_moved_on_the_canvas(page: Page) -> None:
    open_example(page, 3)
    page.get_by_label(text(page, "scene"), exact=True).check()
    expect(page.locator("#canvas .notice")).to_have_text(text(page, "choose_backdrop"))
    expect(page.locator("#download")).to_be_disabled()
    with redrawn(page):
        page.locator("#workspace .backdrop input[type=file]").set_input_files(
            EXAMPLES / "coffee.png"
        )
    subject, canvas = page.locator("#canvas .placement"), page.locator("#canvas .canvas")
    expect(canvas_tool(page, "move")).to_have_attribute("aria-pressed", "true")
    expect(subject).to_be_visible()
    values = [page.get_by_label(text(page, key)).first for key in ("scale", "position_x")]
    start = subject.bounding_box()
    assert start is not None
    middle = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1], steps=4)
    expect(canvas).to_have_class(re.compile("placing"))
    moved = subject.bounding_box()
    assert moved is not None
    assert moved["x"] == pytest.approx(start["x"] + 60, abs=1), "at once"
    with redrawn(page):
        page.mouse.up()
    expect(canvas).not_to_have_class(re.compile("placing"))
    assert float(values[1].input_value()) > 0.55
    answered = subject.bounding_box()
    assert answered is not None
    assert answered["x"] == pytest.approx(moved["x"], abs=1)

    page.mouse.move(moved["x"], moved["y"])
    page.mouse.down()
    page.mouse.move(moved["x"] + 40, moved["y"] + 40, steps=4)
    with redrawn(page):
        page.mouse.up()
    smaller = float(values[0].input_value())
    assert smaller < 0.65
    with redrawn(page):
        page.keyboard.press("+")
        page.keyboard.press("ArrowLeft")
    assert float(values[0].input_value()) == pytest.approx(1.05 * smaller, abs=0.002)
    with redrawn(page):
        page.keyboard.press("Control+z")
    assert float(values[0].input_value()) == smaller

    canvas_tool(page, "keep").click()
    expect(canvas).to_have_attribute("data-view", "objects")
    expect(page.locator("#canvas .notice")).to_have_text(CANVAS_TEXTS["on_photo"].en)
    page.keyboard.press("v")
    expect(canvas).to_have_attribute("data-view", "result")


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_stroke_that_is_refused_does_not_stay(page: Page) -> None:
    open_example(page, 0)
    page.route("**/queue/join*", lambda route: route.fulfill(status=429, json={"detail": "No."}))
    canvas_tool(page, "erase").click()
    paint(page, (0.4, 0.5), (0.6, 0.5))
    page.mouse.move(1, 1)
    page.wait_for_function(
        """() => {
            const canvas = document.querySelector("#canvas .overlay");
            const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return !image.data.some((value) => value);
        }"""
    )
    expect(page.locator(".toast-body")).to_be_visible()
    page.unroute("**/queue/join*")
    with redrawn(page):
        paint(page, (0.4, 0.5), (0.6, 0.5))
