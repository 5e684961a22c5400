"""The page on any screen, by keyboard, and for screen readers."""

import re
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.paths import EXAMPLES
from tests.segmentation.page.browsing import (
    open_example,
    problems,
    redrawn,
    text,
)


@pytest.mark.parametrize(
    ("scheme", "width", "locale"),
    [
        ("light", 1280, "en-US"),
        ("light", 360, "zh-CN"),
        ("dark", 1280, "zh-CN"),
        ("dark", 360, "en-US"),
    ],
)
def test_all_can_read_it_on_any_screen(
    browser: Browser, address: str, scheme: Literal["light", "dark"], width: int, locale: str
) -> None:
    context = browser.new_context(
        locale=locale, color_scheme=scheme, viewport={"width": width, "height": 640}
    )
    page = context.new_page()
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for()
    examples = page.locator("#examples img")
    expect(page.locator("#examples img[alt='']")).to_have_count(examples.count())
    grid = page.locator("#examples .grid-container")
    assert grid.evaluate("grid => grid.scrollWidth <= grid.clientWidth"), "an example is cut off"
    around = page.locator("#examples .grid-wrap")
    assert around.evaluate("box => box.scrollHeight <= box.clientHeight"), "a row is cut off"
    assert problems(page, f"{scheme}_{width}_empty") == []
    with redrawn(page):
        examples.nth(3).click()
    for folded in page.locator("button.label-wrap:visible").all():
        folded.click()
    expect(page.get_by_role("button", name=text(page, "zip"))).to_be_visible()
    assert problems(page, f"{scheme}_{width}_result") == []
    for tab in page.get_by_role("tab").all()[1:]:
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        assert problems(page, f"{scheme}_{width}_{tab.inner_text()}") == []
    page.locator("input[type=file][multiple]").set_input_files(EXAMPLES / "flower.jpg")
    expect(page.get_by_text("flower")).to_be_visible()
    assert problems(page, f"{scheme}_{width}_files") == []
    context.close()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_who_cannot_see_the_page_hears_chinese(page: Page) -> None:
    open_example(page, 3)
    for folded in page.locator("button.label-wrap:visible").all():
        folded.click()
    # Names that are the same in every language are no English.
    spoken = (
        "[...document.querySelectorAll('[aria-label]')]"
        ".map(of => of.ariaLabel.replace(/JPEG|WebP/g, ''))"
    )
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_function(f"!{spoken}.some(says => /[a-z]{{3}}/i.test(says))")


def test_programmers_find_the_calls_in_the_footer_and_nobody_what_he_cannot_read(
    page: Page,
) -> None:
    calls = page.locator("footer .show-api")
    if page.evaluate("navigator.language") == "zh-CN":
        expect(calls).to_be_hidden()
        return
    calls.click()
    for name in ("segment", "cutout"):
        expect(page.get_by_text(f'api_name="/{name}"')).to_be_visible()


def test_the_keyboard_is_enough(page: Page) -> None:
    with redrawn(page):
        page.locator("#examples button").nth(3).press("Enter")
    chosen = page.get_by_role("checkbox", name=re.compile("^1 · "))
    expect(chosen).to_be_checked()
    chosen.press("Space")
    expect(page.get_by_text(text(page, "select_one"))).to_be_visible()
    with redrawn(page):
        chosen.press("Space")
    with page.expect_download() as waiting:
        page.locator("#download").press("Enter")
    assert waiting.value.suggested_filename == "flower_cutout.png"
