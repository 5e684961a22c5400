"""The page before there is a photo, and the ways in which a photo comes to it."""

import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.paths import EXAMPLES
from tests.segmentation.page.browser_tab import BrowserTab
from tests.segmentation.page.browsing import (
    download,
    drop_file,
    open_example,
    open_tools,
    photo_input,
    redrawn,
    saved,
    text,
)

SMALL_PHOTO = EXAMPLES / "thumbs" / "flower.webp"
only_english = pytest.mark.parametrize("page", ["en-US"], indirect=True)

# Counts the frames in which the page and what Gradio shows before it are both there.
COUNT_SPLASHES = """
    window.splashes = 0;
    const count = () => {
        const splash = document.querySelector(".app > .translucent")?.offsetParent;
        if (splash && document.querySelector("#start")) window.splashes += 1;
        requestAnimationFrame(count);
    };
    count();
"""


@pytest.mark.parametrize(
    ("width", "height", "scheme", "locale"),
    [(1280, 800, "dark", "zh-CN"), (360, 740, "light", "en-US")],
)
def test_the_page_fits_its_window_before_there_is_a_photo(
    tab: BrowserTab,
    address: str,
    width: int,
    height: int,
    scheme: Literal["light", "dark"],
    locale: str,
) -> None:
    with tab.visit(address, locale, width, height, scheme) as page:
        last = page.locator("#examples button").last
        expect(last).to_be_in_viewport(ratio=1)
        title = page.get_by_role("heading", name=text(page, "title"))
        expect(title).to_be_in_viewport(ratio=1)
        expect(page.locator("#upload")).to_have_text(text(page, "choose_photo"))
        for name in ("#download", "#tools", "#canvas"):
            expect(page.locator(name)).to_have_count(0)


@only_english
def test_a_second_photo_is_dropped_anywhere_whatever_its_type(page: Page, tmp_path: Path) -> None:
    open_example(page, 3)
    with page.expect_file_chooser():
        page.locator("#new_photo").click()
    photo = EXAMPLES / "coffee.png"
    open_tools(page, "size_panel")
    with redrawn(page):
        # Browsers give no type to a file whose ending they do not know. A text field takes text.
        assert drop_file(page, photo, "cup.jpg_large", "", "#max_kb input") == [True, True]
    assert download(page, tmp_path)[0] == "cup_cutout.png"
    expect(page.locator("html")).not_to_have_attribute("data-drop", "photo")


@only_english
def test_photos_dropped_on_the_batch_tab_go_there(page: Page, tmp_path: Path) -> None:
    page.get_by_role("tab", name=text(page, "batch")).click()
    page.locator("input[type=file][multiple]").wait_for(state="attached")
    assert drop_file(page, EXAMPLES / "flower.jpg", "rose.jpg", "image/jpeg", "#footer") == [
        True,
        True,
    ]
    expect(page.get_by_text("rose.jpg", exact=True)).to_be_visible()
    # A folder stands for the photos in it, in the order of their names.
    (tmp_path / "trip").mkdir()
    for name in ("10.webp", "notes.txt", "9.webp", "trip/1.webp"):
        (tmp_path / name).write_bytes(SMALL_PHOTO.read_bytes())
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(tmp_path)], "dragOperationsMask": 1}
        drag = {"type": kind, "x": 9, "y": 700, "data": data}
        devtools.send("Input.dispatchDragEvent", drag)
    devtools.detach()
    names = ["rose.jpg", "9.webp", "10.webp", "1.webp"]
    expect(page.locator("#batch_photos li span")).to_have_text(names)


@only_english
def test_the_result_is_copied_as_a_transparent_png(page: Page, tmp_path: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_example(page, 3)
    open_tools(page, "file_panel")
    page.get_by_role("radio", name="WebP").check()
    with saved(page, tmp_path, text(page, "download"), "flower_cutout.webp"):
        page.locator("#copy").click()
    expect(page.get_by_role("status").get_by_text(text(page, "copied"))).to_be_visible()
    pixel = page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            const bitmap = await createImageBitmap(await item.getType("image/png"));
            const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
            const context = canvas.getContext("2d");
            context.drawImage(bitmap, 0, 0);
            return [...context.getImageData(5, 5, 1, 1).data, bitmap.width];
        }"""
    )
    assert pixel == [0, 0, 0, 0, 640]
    # The menu of the right button saves the file as well, not the reduced result.
    page.locator("#canvas .stage").click(button="right")
    result = page.locator("#canvas img.result")
    expect(result).to_have_attribute("src", re.compile(r"flower_cutout\.webp$"))


@pytest.mark.parametrize(
    ("locale", "words"), [("zh-HK", "选择照片"), ("yue", "选择照片"), ("fr-FR", "Choose a photo")]
)
def test_every_browser_gets_one_of_the_two_languages(
    tab: BrowserTab, address: str, locale: str, words: str
) -> None:
    with tab.visit(address, locale) as page:
        expect(page.locator("#upload")).to_have_text(words)
        visible = page.locator("#introduction h2 span:visible")
        expect(visible).to_have_count(1)


def test_gradios_splash_never_lies_over_the_start_screen(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.add_init_script(COUNT_SPLASHES)
    page.goto(address)
    page.locator("#examples img").first.wait_for()
    assert page.evaluate("splashes") == 0
    page.close()


@only_english
def test_the_language_is_switched_and_remembered(page: Page, address: str) -> None:
    page.get_by_role("link", name="中文").click()
    expect(page.locator("#upload")).to_have_text("选择照片")
    page.goto(address)
    expect(page.locator("#upload")).to_have_text("选择照片")
    bad = FilePayload(name="notes.jpg", mimeType="image/jpeg", buffer=b"words")
    photo_input(page).set_input_files(bad)
    expect(page.get_by_text("无法识别为照片")).to_be_visible()
