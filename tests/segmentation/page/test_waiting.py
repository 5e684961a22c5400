"""Progress, queueing and cancelling: what the page shows during long operations."""

import re
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.paths import EXAMPLES
from tests.segmentation.page.browsing import (
    download,
    open_example,
    photo_input,
    problems,
    redrawn,
    text,
)
from tests.segmentation.page.conftest import HeldInference
from tests.segmentation.page.serving import free_port, page_context, served_page
from tests.visitor import Visitor

# An open page asks as often whether its server was restarted.
CHECK_MILLISECONDS = 10_000


def test_a_long_operation_can_be_cancelled(
    page: Page, held_inference: HeldInference, tmp_path: Path
) -> None:
    page.locator("#examples img").nth(3).click()
    cancel = page.locator("#drop .cancel")
    expect(cancel).to_have_text(text(page, "cancel"))
    cancel.click()
    expect(cancel).to_be_hidden()
    held_inference.release.set()
    open_example(page, 2)
    assert download(page, tmp_path)[0] == "coffee_cutout.png"
    # With a photo, the button lies in the picture.
    held_inference.release.clear()
    photo_input(page).set_input_files(EXAMPLES / "flower.jpg")
    cancel = page.locator("#photo .cancel")
    expect(cancel).to_be_visible()
    button, stage = cancel.bounding_box(), page.locator("#canvas .stage").bounding_box()
    assert button is not None
    assert stage is not None
    for start, size in (("x", "width"), ("y", "height")):
        assert stage[start] <= button[start]
        assert button[start] + button[size] <= stage[start] + stage[size]
    assert button["width"] < stage["width"] / 3
    cancel.click()
    expect(cancel).to_be_hidden()
    held_inference.release.set()


def test_a_cancelled_comparison_runs_no_further_model(
    page: Page, held_inference: HeldInference
) -> None:
    page.get_by_role("tab", name=text(page, "compare")).click()
    page.get_by_role("button", name=text(page, "compare_example")).click()
    cancel = page.locator("#cancel_compare")
    expect(cancel).to_be_visible()
    expect(page.get_by_text(text(page, "comparing"))).to_be_visible()
    cancel.click()
    expect(cancel).to_be_hidden()
    held_inference.release.set()
    # An inference of the second model would come before that of this example.
    page.get_by_role("tab", name=text(page, "cut_out")).click()
    open_example(page, 2)
    assert set(held_inference.models) == {"compact"}, "the twin would have been next"


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_the_place_in_the_queue_is_shown_in_the_visitors_language(
    page: Page, address: str, held_inference: HeldInference
) -> None:
    with Visitor(address) as earlier_visitor:
        opening = earlier_visitor.handler("open_example")
        data = [earlier_visitor.values.get(id_) for id_ in opening["inputs"]]
        for _ in range(page_context().device_queue["concurrency_limit"]):
            earlier_visitor.join(opening, data, {"index": 0, "value": None})
        page.locator("#examples img").nth(3).click()
        waiting = page.locator("#opening .meta-text, #opening .meta-text-center")
        expect(waiting).to_contain_text("排队：")
        expect(waiting).not_to_contain_text("queue")
        expect(page.locator("#drop .cancel")).to_be_visible()
        assert problems(page, "waiting_zh", still=False) == []
    with redrawn(page):
        held_inference.release.set()


def test_a_long_upload_is_shown_in_the_visitors_language(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 10_000}
    devtools.send("Network.emulateNetworkConditions", slow)
    photo_input(page).set_input_files(EXAMPLES / "coffee.png")
    notice = page.get_by_role("status").get_by_text(text(page, "uploading"))
    expect(notice).to_be_visible()
    page.reload()
    page.get_by_role("tab", name=text(page, "batch")).click()
    expect(notice).to_be_hidden()
    page.locator("input[type=file][multiple]").set_input_files(EXAMPLES / "coffee.png")
    expect(notice).to_be_visible()
    expect(page.locator("#notice")).to_have_attribute("data-share", re.compile(r"^ [1-9]\d?%$"))
    devtools.detach()  # ends the emulation


def test_a_page_says_that_the_server_was_restarted(browser: Browser) -> None:
    context, port = page_context(), free_port()
    # Its own, since a clock that was installed stays.
    with closing(browser.new_context(locale="zh-CN")) as window:
        page = window.new_page()
        page.clock.install()
        with served_page(context=context, server_port=port) as address:
            page.goto(address)
            with redrawn(page):
                photo_input(page).set_input_files(EXAMPLES / "flower.jpg")
        # The page cannot be asked for its language while it reloads.
        texts = [text(page, key) for key in ("restarted", "drop_photo")]
        with served_page(context=context, server_port=port):
            page.clock.fast_forward(CHECK_MILLISECONDS)
            for shown in texts:
                expect(page.get_by_text(shown)).to_be_visible()
            expect(page.locator(".toast-title")).to_have_text(re.compile(r"^\s*请注意\s*$"))
            assert problems(page, "restarted_zh") == []


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_lost_connection_is_reported_in_the_visitors_language(page: Page) -> None:
    page.context.set_offline(True)
    try:
        page.locator("#examples img").nth(3).click()
        expect(page.get_by_test_id("toast-text").first).to_contain_text("连接")
    finally:
        page.context.set_offline(False)
