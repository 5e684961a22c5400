"""The comparison tab in a browser."""

import re

from playwright.sync_api import Page, expect

from tests.segmentation.page.browsing import text


def test_settings_are_compared(page: Page) -> None:
    page.get_by_role("tab", name=text(page, "compare")).click()
    # A comparison is shown at once; a click shows another example.
    expect(page.locator("#pair img[src*='rocket_cut_out_B']")).to_be_visible()
    expect(page.locator("#difference img[src*='rocket_difference_B']")).to_be_visible()
    expect(page.locator("#pair img").last).to_have_attribute("alt", re.compile("^B · "))
    expect(page.locator("#difference img")).to_have_attribute("alt", text(page, "difference"))
    line = page.locator("#pair").get_by_role("slider", name=text(page, "pair"))
    expect(line).to_have_attribute("aria-valuenow", "50")
    line.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuenow", "52")
    expect(page.locator("#pair img").last).to_have_css("clip-path", re.compile(r"51\.\d+%|52%"))
    # The line goes as far as the picture of the rocket reaches.
    line.press("End")
    expect(line).to_have_attribute("aria-valuenow", re.compile(r"^[67]\d$"))
    line.press("Home")
    expect(line).to_have_attribute("aria-valuenow", re.compile(r"^[23]\d$"))
    page.locator("#compare_examples img").nth(6).click()
    expect(page.locator("#difference img[src*='chelsea_difference_B']")).to_be_visible()
    # Without a photo of their own, visitors are referred to the first tab.
    page.get_by_role("button", name=text(page, "compare_mine")).click()
    expect(page.get_by_text(text(page, "no_photo"))).to_be_visible()
    # Three settings; their defaults all differ.
    page.get_by_role("radio", name="3", exact=True).check()
    # On a phone, the comparison comes into view.
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("button", name=text(page, "compare_example")).click()
    expect(page.locator("#pair")).to_be_in_viewport(ratio=0.9)
    page.get_by_role("button", name=text(page, "details")).click()
    figures = page.locator("#figures")
    expect(figures).to_be_visible()
    expect(figures).to_contain_text(text(page, "seconds_per_photo"))
    expect(figures).to_contain_text(re.compile("Twin|孪生"))
    expect(page.locator("#beside img")).to_have_count(3)
    page.locator("#beside img").nth(2).click()
    expect(page.locator("#difference img[src*='difference_C']")).to_be_visible()
