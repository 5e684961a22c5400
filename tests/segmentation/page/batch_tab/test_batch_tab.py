"""The batch tab in a browser."""

import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from segmentation.arrays import UInt8
from segmentation.errors import StorageFull
from segmentation.page.batch_tab import events
from tests.paths import EXAMPLES
from tests.segmentation.page.browsing import canvas_tool, open_tools, problems, redrawn, saved, text


def test_a_stopped_batch_offers_a_zip_and_explains_a_bad_photo(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "notes.jpg"
    bad.write_text("these are words")
    page.get_by_role("tab", name=text(page, "batch")).click()
    photos = [bad, EXAMPLES / "flower.jpg", *[EXAMPLES / "coffee.png"] * 8]
    # Copies under different names, since the page accepts a file only once.
    copies = [shutil.copy(photo, tmp_path / f"{n}_{photo.name}") for n, photo in enumerate(photos)]
    page.locator("input[type=file][multiple]").set_input_files(copies)
    expect(page.get_by_text(re.compile(r"9_coffee"))).to_be_attached()
    page.get_by_role("button", name=text(page, "run_batch")).click()
    expect(page.get_by_text("1_flower_cutout.png")).to_be_visible()
    page.get_by_role("button", name=text(page, "stop")).click()
    expect(page.locator("#tiles [data-state=cut-out] img").first).to_be_visible()
    expect(page.locator("#tiles [data-state=failed]")).to_contain_text(
        re.compile("not a photo|无法识别为照片")
    )
    with saved(page, tmp_path, text(page, "download_zip"), "cutouts.zip") as archive:
        names = zipfile.ZipFile(archive).namelist()
    assert names[0] == "1_flower_cutout.png"
    assert names[-1] == "objects.csv"
    assert len(names) < len(photos), "it was stopped"
    expect(page.get_by_text(re.compile("not a photo|无法识别为照片")).last).to_be_visible()


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_batch_is_resumed_after_an_error(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    advance, errors = events.advance, [StorageFull("No space.", "没有空间。")]

    def fail_once(*args: Any) -> Any:
        if errors:
            raise errors.pop()
        return advance(*args)

    monkeypatch.setattr(events, "advance", fail_once)
    page.get_by_role("tab", name=text(page, "batch")).click()
    start = page.get_by_role("button", name=text(page, "run_batch"))
    expect(start).to_be_disabled()
    page.locator("input[type=file][multiple]").set_input_files(EXAMPLES / "flower.jpg")
    start.click()  # as soon as the photo has arrived
    resume = page.get_by_role("button", name=text(page, "resume"))
    resume.click()
    expect(page.get_by_text("flower_cutout.png").last).to_be_visible()
    expect(start).to_be_visible()
    expect(resume).to_be_hidden()


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_batch_goes_on_after_a_reload(page: Page, tmp_path: Path) -> None:
    page.get_by_role("tab", name=text(page, "batch")).click()
    largest = page.locator("#batch").get_by_label(text(page, "largest"), exact=True)
    largest.check()
    photos = [EXAMPLES / "flower.jpg", EXAMPLES / "coffee.png"]
    page.locator("input[type=file][multiple]").set_input_files(photos)
    start = page.get_by_role("button", name=text(page, "run_batch"))
    expect(start).to_be_enabled()
    start.press("Enter")
    page.locator("#tiles li").first.wait_for()
    # The button goes, and the keyboard stays at the one in its place.
    expect(page.locator("#batch_actions button:focus")).to_have_count(1)
    before = page.locator("#tiles").bounding_box()
    page.reload()
    page.get_by_role("tab", name=text(page, "batch")).click()
    expect(page.locator("#tiles [data-state=cut-out]")).to_have_count(len(photos))
    expect(largest).to_be_checked()
    expect(page.locator("#batch_photos")).to_contain_text("coffee")
    with saved(page, tmp_path, text(page, "download_zip"), "cutouts.zip") as archive:
        names = zipfile.ZipFile(archive).namelist()
    assert names == ["flower_cutout.png", "coffee_cutout.png", "objects.csv"]
    assert page.locator("#tiles").bounding_box() == before, "nothing moved"
    assert problems(page, "batch_results") == []


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_result_is_fixed_and_takes_its_place_in_the_zip(page: Page, tmp_path: Path) -> None:
    page.get_by_role("tab", name=text(page, "batch")).click()
    page.locator("input[type=file][multiple]").set_input_files(EXAMPLES / "astronaut.png")
    open_tools(page, "size_panel")
    page.locator("#batch_size_kind").get_by_label(text(page, "id_photo"), exact=True).check()
    page.locator("#batch_id_colour").get_by_label("蓝底", exact=True).check()
    open_tools(page, "background")
    expect(page.locator("#batch").get_by_role("radio", name=text(page, "colour"))).to_be_checked()
    page.get_by_role("button", name=text(page, "run_batch")).click()
    with saved(page, tmp_path, text(page, "download_zip"), "cutouts.zip") as archive:
        assert pixels_in(archive, "astronaut_cutout.png").shape == (413, 295, 3), "opaque"
    # The page says of each photo what is to be looked at.
    expect(page.locator("#tiles")).to_contain_text("照片放大了")
    # On a phone, both tabs are higher than the window.
    page.set_viewport_size({"width": 360, "height": 740})
    with redrawn(page):
        page.locator("#tiles button").click()
        expect(page.locator(".toast-title")).to_have_text("提示")
        expect(page.locator(".toast-body")).to_contain_text(text(page, "fix_hint"))
    expect(page.locator("#download")).to_contain_text("295 × 413")
    tools = page.locator("#tools")
    expect(tools.get_by_role("radio", name=text(page, "colour"))).to_be_checked()
    with redrawn(page):
        tools.get_by_label(text(page, "transparent"), exact=True).check()
    page.get_by_role("button", name=text(page, "to_batch")).click()
    expect(page.locator("#tiles")).to_contain_text(text(page, "fixed"))
    expect(page.locator("#tiles")).to_be_in_viewport()
    with saved(page, tmp_path, text(page, "download_zip"), "cutouts.zip") as archive:
        assert zipfile.ZipFile(archive).namelist() == ["astronaut_cutout.png", "objects.csv"]
        assert pixels_in(archive, "astronaut_cutout.png").shape == (413, 295, 4)
    assert page.evaluate("scrollY") > 0
    page.locator("#tiles button").click()
    expect(page.locator("#tabs [role=tablist]").first).to_be_in_viewport()
    expect(canvas_tool(page, "pick")).to_be_in_viewport()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_photos_are_added_and_removed_before_the_batch_starts(page: Page) -> None:
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.get_by_role("tab", name=text(page, "batch")).click()
    card = page.locator("#batch_photos")
    words = r"\s*".join(text(page, key) for key in ("choose_photos", "drop_photos"))
    expect(card).to_have_text(re.compile(rf"^\s*{words}\s*$"), use_inner_text=True)
    photos = page.locator("#batch_photos input[type=file]")
    photos.set_input_files([EXAMPLES / "flower.jpg", EXAMPLES / "coffee.png"])
    expect(card.get_by_role("listitem")).to_have_count(2)
    photos.set_input_files([EXAMPLES / "flower.jpg", EXAMPLES / "rocket.jpg"])
    names = card.locator("li span")
    expect(names).to_have_text(["flower.jpg", "coffee.png", "rocket.jpg"])
    card.get_by_role("button", name="移除 coffee.png").click()
    expect(names).to_have_text(["flower.jpg", "rocket.jpg"])
    start = page.get_by_role("button", name=text(page, "run_batch"))
    expect(start).to_be_enabled()
    card.get_by_role("button", name=text(page, "remove_all")).click()
    expect(card.get_by_role("listitem")).to_have_count(0)
    assert messages == []
    expect(start).to_be_disabled()


def pixels_in(archive: Path, name: str) -> UInt8:
    """Decode an image file of a ZIP with its alpha."""
    data = np.frombuffer(zipfile.ZipFile(archive).read(name), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)
