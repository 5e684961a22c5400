"""The second inference: when it runs, and how the page shows it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from segmentation.page import photo_result
from tests.segmentation.page.browsing import (
    download,
    open_example,
    open_tools,
    redrawn,
    text,
)


def count_refinements(
    monkeypatch: pytest.MonkeyPatch, refine: Callable[..., Any] = photo_result.try_refine
) -> list[tuple[Any, ...]]:
    """Let a function do the second inference. Returns a list that grows by its calls' arguments."""
    calls: list[tuple[Any, ...]] = []

    def count(*args: Any) -> Any:
        calls.append(args)
        return refine(*args)

    monkeypatch.setattr(photo_result, "try_refine", count)
    return calls


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_refinement_can_be_switched_off_and_on(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = count_refinements(monkeypatch)
    open_example(page, 3)
    assert len(calls) == 1
    refined = download(page, tmp_path)[1]
    open_tools(page, "edge_panel")
    with redrawn(page):
        page.get_by_label(text(page, "refine")).uncheck()
    assert (download(page, tmp_path)[1] != refined).any()
    with redrawn(page):
        page.get_by_label(text(page, "refine")).check()
    assert (download(page, tmp_path)[1] == refined).all()
    assert len(calls) == 1, "it is kept while it is switched off"


@pytest.mark.parametrize("page", ["zh-CN"], indirect=True)
def test_a_new_background_does_not_run_the_model(
    page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = count_refinements(monkeypatch)
    open_example(page, 3)
    assert len(calls) == 1
    alpha = download(page, tmp_path)[1][..., 3]
    open_tools(page, "effects_panel")
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).check()
    open_tools(page, "background")
    with redrawn(page):
        page.get_by_label(text(page, "colour"), exact=True).check()
    image = download(page, tmp_path)[1]
    assert image.shape == (*alpha.shape, 3)
    assert len(calls) == 1
    with redrawn(page):
        page.get_by_label(text(page, "transparent"), exact=True).check()
    open_tools(page, "effects_panel")
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).uncheck()
    assert (download(page, tmp_path)[1][..., 3] == alpha).all(), "the refined alpha is kept"


@pytest.mark.parametrize("page", ["en-US"], indirect=True)
def test_a_refinement_that_failed_is_repeated_with_the_next_change(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = count_refinements(monkeypatch, lambda *_: (None, ()))
    open_example(page, 3)
    assert len(failed) == 1
    repeated = count_refinements(monkeypatch)
    open_tools(page, "effects_panel")
    with redrawn(page):
        page.get_by_label(text(page, "shadow"), exact=True).check()
    assert (len(failed), len(repeated)) == (1, 1)
    expect(page.locator(".toast-body")).to_have_count(0)
