"""Accessibility: screen sizes and colour schemes, keyboard, screen readers."""

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.paths import EXAMPLES
from tests.segmentation.page.browser_tab import BrowserTab
from tests.segmentation.page.browsing import (
    open_example,
    problems,
    redrawn,
    text,
)


@pytest.mark.usefixtures("cached_inference")
@pytest.mark.parametrize(
    ("scheme", "width", "locale"),
    [
        ("light", 1280, "en-US"),
        ("light", 360, "zh-CN"),
        ("dark", 1280, "zh-CN"),
        ("dark", 360, "en-US"),
    ],
)
def test_the_page_is_accessible_at_each_width_and_colour_scheme(
    tab: BrowserTab, address: str, scheme: Literal["light", "dark"], width: int, locale: str
) -> None:
    with tab.visit(address, locale, width, 640, scheme) as page:
        page.locator("#examples img").last.wait_for()
        look = f"{scheme}_{width}"
        assert problems(page, f"{look}_empty") == []
        # The captions say what the examples show.
        expect(page.locator("#examples img:not([alt=''])")).to_have_count(0)
        open_example(page, 3)
        assert problems(page, f"{look}_result") == []
        for tools in page.locator("#tools").get_by_role("tab").all()[1:]:
            tools.click()
            expect(tools).to_have_attribute("aria-selected", "true")
            assert problems(page, f"{look}_{tools.inner_text()}") == []
        for name in page.locator("#tabs > .tab-wrapper").get_by_role("tab").all()[1:]:
            name.click()
            expect(name).to_have_attribute("aria-selected", "true")
            assert problems(page, f"{look}_{name.inner_text()}") == []
        page.locator("input[type=file][multiple]").set_input_files(EXAMPLES / "flower.jpg")
        expect(page.get_by_text("flower")).to_be_visible()
        expect(page.get_by_role("button", name=text(page, "run_batch"))).to_be_enabled()
        assert problems(page, f"{look}_files") == []


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_aria_labels_are_chinese_on_the_chinese_page(page: Page) -> None:
    open_example(page, 3)
    # Names of formats and keys are the same in every language.
    labels = (
        "[...document.querySelectorAll('[aria-label]')]"
        ".map(element => element.ariaLabel.replace(/JPEG|WebP|Ctrl|Shift/g, ''))"
    )
    tools = page.locator("#tools").get_by_role("tab").all()
    for tab in (*tools, *page.locator("#tabs > .tab-wrapper").get_by_role("tab").all()):
        tab.click()
        page.wait_for_function(f"!{labels}.some(label => /[a-z]{{3}}/i.test(label))")


def test_the_footer_links_to_the_api_on_the_english_page_only(page: Page) -> None:
    link = page.locator("footer .show-api")
    if page.evaluate("navigator.language") == "zh-CN":
        expect(link).to_be_hidden()
        return
    link.click()
    for name in ("segment", "cutout"):
        expect(page.get_by_text(f'api_name="/{name}"')).to_be_visible()


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_photo_is_cut_out_with_the_keyboard_alone(page: Page) -> None:
    with redrawn(page):
        page.locator("#examples button").nth(3).press("Enter")
    checkbox = page.get_by_role("checkbox", name=re.compile("^1 · "))
    expect(checkbox).to_be_checked()
    checkbox.press("Space")
    expect(page.get_by_text(text(page, "select_one"))).to_be_visible()
    with redrawn(page):
        checkbox.press("Space")
    with page.expect_download() as waiting:
        page.locator("#download").press("Enter")
    assert waiting.value.suggested_filename == "flower_cutout.png"
