"""The panel for the size, in a browser: the file and its preview are what it says."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from segmentation.compositing.sizing.presets import ID_SIZES
from segmentation.page.strings import STRINGS
from tests.paths import EXAMPLES
from tests.segmentation.page.browsing import (
    decode,
    made_again,
    open_tools,
    photo_input,
    redrawn,
    saved,
    text,
)

BLUE = (0x43, 0x8E, 0xDB)


def choose(page: Page, menu: str, key: str) -> None:
    page.locator(f"#{menu}").get_by_label(text(page, key), exact=True).check()


def preview_wh(page: Page) -> list[int]:
    """Width and height of the picture that the page shows."""
    image = page.locator("#canvas img.result[src*='_preview.']")
    size: list[int] = image.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    return size


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_one_inch_photo_on_blue_of_at_most_15_kilobytes(page: Page, tmp_path: Path) -> None:
    with redrawn(page):
        photo_input(page).set_input_files(EXAMPLES / "astronaut.png")
    expect(page.locator("#download")).to_contain_text("下载 PNG · 512 × 512")
    open_tools(page, "size_panel")
    with redrawn(page):
        choose(page, "size_kind", "id_photo")
    with redrawn(page):
        choose(page, "id_colour", "#438EDB")
    assert preview_wh(page) == [295, 413]
    formats = page.locator("#id_format input")
    expect(formats).to_have_value("一寸 · 295 × 413 px · 25 × 35 mm")
    formats.click()
    expect(page.get_by_role("option")).to_have_text(
        [re.compile(re.escape(text(page, name))) for name in ID_SIZES]
    )
    page.keyboard.press("Escape")
    # The photo is small, and the page says that its head had to be enlarged.
    expect(page.locator("#size_notice")).to_contain_text("照片放大了")
    open_tools(page, "file_panel")
    with made_again(page):
        page.get_by_role("radio", name="JPEG").check()
    open_tools(page, "size_panel")
    # Without a limit it has 24 kB.
    page.locator("#max_kb input").fill("15")
    with made_again(page):
        page.locator("#max_kb input").press("Enter")
    expect(page.locator("#download")).to_contain_text("下载 JPEG · 295 × 413")
    with saved(page, tmp_path, text(page, "download"), "astronaut_cutout.jpg") as path:
        with Image.open(path) as image:
            assert (image.format, image.size) == ("JPEG", (295, 413))
            assert image.info["dpi"] == (300, 300)
            np.testing.assert_allclose(image.getpixel((5, 5)), BLUE, atol=6)
        assert path.stat().st_size <= 15_000
    open_tools(page, "file_panel")
    page.get_by_text(text(page, "mask"), exact=True).click()
    with saved(page, tmp_path, text(page, "download_mask"), "astronaut_mask.png") as path:
        mask = decode(path)
        assert mask.shape == (413, 295)
        assert (mask[5, 5], mask[200, 147]) == (0, 255)


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_controls_of_a_size_show_and_apply(page: Page) -> None:
    with redrawn(page):
        photo_input(page).set_input_files(EXAMPLES / "flower.jpg")
    open_tools(page, "size_panel")
    crop = page.get_by_label(text(page, "square"), exact=True)
    expect(crop).to_be_visible()
    with redrawn(page):
        choose(page, "size_kind", "exact")
    expect(crop).to_be_hidden()
    assert preview_wh(page) == [800, 800]
    page.locator("#width input").fill("35")
    page.locator("#height input").fill("45")
    with redrawn(page):
        page.get_by_label(text(page, "mm"), exact=True).check()
    expect(page.locator("#download")).to_contain_text("PNG · 413 × 531")
    with redrawn(page):
        choose(page, "size_kind", "shop")
    expect(page.locator("#download")).to_contain_text("PNG · 1000 × 1000")
    with redrawn(page):
        choose(page, "size_kind", "id_photo")
    # No head: the page says so, and where to move the frame.
    expect(page.locator("#size_notice")).to_contain_text(STRINGS["check_head"].en)
    expect(page.locator("#id_colour").get_by_label("White")).to_be_checked()
    page.locator("#undo").click()
    expect(page.locator("#download")).to_contain_text("PNG · 1000 × 1000")
    open_tools(page, "background")
    expect(page.get_by_role("radio", name=text(page, "colour"), exact=True)).to_be_checked()
    open_tools(page, "size_panel")
    with redrawn(page):
        choose(page, "size_kind", "longest")
    expect(page.locator("#download")).to_contain_text("PNG · 2000 × 1334")
    expect(crop).to_be_visible()
    expect(page.locator("#id_colour")).to_be_hidden()
    longest = page.locator("#longest input")
    longest.fill("1000")
    longest.press("Enter")
    expect(page.locator("#download")).to_contain_text("PNG · 1000 × 667")
    page.locator("#undo").click()
    expect(page.locator("#download")).to_contain_text("PNG · 2000 × 1334")
    longest.fill("1000")
    longest.press("Enter")
    expect(page.locator("#download")).to_contain_text("PNG · 1000 × 667")
    longest.fill("3")
    longest.press("Enter")
    expect(page.get_by_text("A side of a result has 16")).to_be_visible()
    expect(page.locator("#download")).to_be_disabled()
