"""Downloads: the file that the page offers while other files are being made."""

import re
import shutil
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gradio.utils import get_upload_folder
from playwright.sync_api import Page, expect

from segmentation.page import photo_result
from segmentation.page.cutout_tab import result_events
from tests.paths import EXAMPLES
from tests.segmentation.page.browsing import (
    decode,
    download,
    open_example,
    open_tools,
    photo_input,
    redrawn,
    saved,
    text,
)


@dataclass(frozen=True, slots=True)
class HeldFiles:
    """Files that wait for an event before they are stored.

    Attributes:
        release: set it to let all files be stored.
        begun: counts the files that are ready to be stored.
    """

    release: threading.Event
    begun: threading.Semaphore


def hold_files(monkeypatch: pytest.MonkeyPatch, prefix: str = "") -> HeldFiles:
    """Hold files whose names begin with a prefix."""
    held = HeldFiles(threading.Event(), threading.Semaphore(0))
    replace_download = result_events.replace_download

    def wait_and_replace(downloads: tuple[str, ...], name: str, data: bytes) -> tuple[str, ...]:
        if name.startswith(prefix):
            held.begun.release()
            held.release.wait(60)
        return replace_download(downloads, name, data)

    monkeypatch.setattr(result_events, "replace_download", wait_and_replace)
    return held


def test_formats_and_a_zip_of_objects_are_downloaded(page: Page, tmp_path: Path) -> None:
    open_example(page, 3)
    open_tools(page, "file_panel")
    quality = page.locator("#tools").get_by_label(text(page, "quality")).first
    expect(quality).to_be_hidden()
    page.get_by_role("radio", name="WebP").check()
    expect(quality).to_be_visible()
    with saved(page, tmp_path, text(page, "download"), "flower_cutout.webp") as webp:
        assert decode(webp).shape == (427, 640, 4)
    page.get_by_role("radio", name="JPEG").check()
    expect(page.get_by_text(re.compile("JPEG 不支持透明|JPEG has no transparency"))).to_be_visible()
    expect(page.locator("#download")).to_be_disabled()
    page.get_by_text(text(page, "zip")).click()
    with saved(page, tmp_path, text(page, "download_zip"), "flower_objects.zip") as archive:
        assert zipfile.ZipFile(archive).namelist() == ["flower_1_object.png"]
    page.get_by_role("radio", name="PNG").check()
    expect(quality).to_be_hidden()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_the_last_option_changed_while_a_file_is_made_applies(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_example(page, 3)
    held = hold_files(monkeypatch)
    open_tools(page, "file_panel")
    page.get_by_role("radio", name="WebP").check()
    held.begun.acquire()
    open_tools(page, "size_panel")
    page.get_by_label(text(page, "square"), exact=True).check()
    open_tools(page, "file_panel")
    page.get_by_role("radio", name="PNG").check()
    expect(page.locator("#download")).to_be_disabled()
    held.release.set()
    with saved(page, tmp_path, text(page, "download"), "flower_cutout.png") as png:
        height, width, _ = decode(png).shape
        assert height == width


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
@pytest.mark.parametrize("first", ["example", "upload"])
def test_a_new_photo_does_not_get_a_file_of_the_previous_photo(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str
) -> None:
    held = hold_files(monkeypatch, "flower")
    if first == "example":
        page.locator("#examples img").nth(3).click()
    else:
        photo_input(page).set_input_files(EXAMPLES / "flower.jpg")
    held.begun.acquire()
    photo_input(page).set_input_files(EXAMPLES / "coffee.png")
    page.locator("#canvas img.result[src*='coffee']").first.wait_for()
    expect(page.locator("#download")).to_be_enabled()
    held.release.set()
    assert download(page, tmp_path)[0] == "coffee_cutout.png"


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_photo_that_cannot_be_opened_leaves_the_previous_file(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_example(page, 3)
    held = hold_files(monkeypatch)
    open_tools(page, "effects_panel")
    page.get_by_label(text(page, "shadow"), exact=True).check()
    held.begun.acquire()
    bad = tmp_path / "notes.jpg"
    bad.write_text("these are words")
    photo_input(page).set_input_files(bad)
    expect(page.locator(".toast-body")).to_be_visible()
    # Otherwise it covers the download button for 10 seconds.
    page.locator(".toast-close").click()
    held.release.set()
    expect(page.locator("#download")).to_be_enabled()
    assert download(page, tmp_path)[0] == "flower_cutout.png"


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_new_file_replaces_the_second_last_one(page: Page, tmp_path: Path) -> None:
    photo = shutil.copy(EXAMPLES / "flower.jpg", tmp_path / "unique_name.jpg")
    with redrawn(page):
        photo_input(page).set_input_files(photo)
    open_tools(page, "effects_panel")
    for name in ("shadow", "outline"):
        with redrawn(page):
            page.get_by_label(text(page, name), exact=True).check()
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).uncheck()
    files = list(Path(get_upload_folder()).rglob("unique_name_cutout.png"))
    assert len(files) == 2, "the previous file may still be downloading"
    assert download(page, tmp_path)[0] == files[0].name


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_files_that_are_asked_for_before_a_redraw_ends_have_its_size_and_stay(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_example(page, 3)
    begun, release = threading.Event(), threading.Event()
    render_preview = photo_result.render_preview

    def wait_and_render(*args: Any) -> Any:
        begun.set()
        release.wait(60)
        return render_preview(*args)

    open_tools(page, "size_panel")
    with redrawn(page):
        page.get_by_label(text(page, "longest"), exact=True).check()
    monkeypatch.setattr(photo_result, "render_preview", wait_and_render)
    page.locator("#longest input").fill("300")
    page.locator("#longest input").press("Enter")
    begun.wait(60)
    open_tools(page, "file_panel")
    page.get_by_role("button", name=text(page, "mask"), exact=True).click()
    page.get_by_role("button", name=text(page, "zip"), exact=True).click()
    release.set()
    with saved(page, tmp_path, text(page, "download_mask"), "flower_mask.png") as mask:
        assert max(decode(mask).shape) == 300
    with saved(page, tmp_path, text(page, "download_zip"), "flower_objects.zip"):
        expect(page.get_by_role("button", name=text(page, "download_mask"))).to_be_enabled()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_new_crop_withdraws_the_zip_of_objects(page: Page, tmp_path: Path) -> None:
    open_example(page, 3)
    open_tools(page, "file_panel")
    page.get_by_text(text(page, "zip")).click()
    button = page.get_by_role("button", name=text(page, "download_zip"), exact=True)
    expect(button).to_be_enabled()
    open_tools(page, "size_panel")
    page.get_by_label(text(page, "square"), exact=True).check()
    open_tools(page, "file_panel")
    expect(button).to_be_hidden()
    with saved(page, tmp_path, text(page, "download"), "flower_cutout.png") as png:
        height, width, _ = decode(png).shape
        assert height == width
    open_tools(page, "background")
    page.get_by_label(text(page, "scene"), exact=True).check()
    open_tools(page, "size_panel")
    expect(page.get_by_label(text(page, "square"), exact=True)).to_be_hidden()
