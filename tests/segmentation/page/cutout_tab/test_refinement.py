"""The second inference: when it runs, and what the page shows of it."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from segmentation.page.cutout_tab import result_events
from tests.segmentation.page.browsing import (
    download,
    open_example,
    redrawn,
    text,
)


def test_without_the_closer_look_the_page_shows_what_the_file_holds(
    page: Page, tmp_path: Path
) -> None:
    looked = page.get_by_text(re.compile("selection refined|精细识别用时"))
    open_example(page, 3)
    expect(looked).to_be_visible()
    closer = download(page, tmp_path)[1]
    page.get_by_text(text(page, "options"), exact=True).click()
    with redrawn(page):
        page.get_by_label(text(page, "refine")).uncheck()
    expect(looked).to_be_hidden()
    assert (download(page, tmp_path)[1] != closer).any()
    with redrawn(page):
        page.get_by_label(text(page, "refine")).check()
    expect(looked).to_be_visible()
    assert (download(page, tmp_path)[1] == closer).all()


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_new_background_waits_for_no_model(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    looks = []
    refine = result_events.try_refine

    def counted(*args: Any) -> Any:
        looks.append(args)
        return refine(*args)

    monkeypatch.setattr(result_events, "try_refine", counted)
    open_example(page, 3)
    assert len(looks) == 1
    alpha = download(page, tmp_path)[1][..., 3]
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).check()
    with redrawn(page):
        page.get_by_label(text(page, "colour"), exact=True).check()
    image = download(page, tmp_path)[1]
    assert image.shape == (*alpha.shape, 3)
    assert len(looks) == 1
    with redrawn(page):
        page.get_by_label(text(page, "transparent"), exact=True).check()
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).uncheck()
    assert (download(page, tmp_path)[1][..., 3] == alpha).all(), "as the look had it"


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_closer_look_that_did_not_come_is_made_up_for(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as held:
        held.setattr(result_events, "try_refine", lambda *_: (None, ()))
        with redrawn(page):
            page.locator("#examples img").nth(3).click()
        expect(page.get_by_text("selection refined")).to_be_hidden()
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).check()
    expect(page.get_by_text("selection refined")).to_be_visible()
    expect(page.locator(".toast-body")).to_have_count(0)
