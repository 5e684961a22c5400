"""The page on an Ascend card, as the stand-in plays it: badge, cut-out, and a failing chip."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import app
from segmentation import Limits, Segmenter
from tests.stand_ins.om_card import CHIP, bundled_card_with_oms
from tests.stand_ins.toolkit import fresh_acl

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def acl() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        yield fresh_acl(patch)


@pytest.fixture(scope="module")
def address(acl: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    card = bundled_card_with_oms(tmp_path_factory.mktemp("model"))
    segmenter = Segmenter(card, "auto")
    ui = app.build_ui(app.Page(segmenter, Limits()), card.score_threshold)
    _, url, _ = app.serve(ui, prevent_thread_lock=True, quiet=True)
    yield url
    ui.close()
    segmenter.close()
    assert acl.stand_in.chip.leaks() == {}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(locale="en-US", accept_downloads=True)
    page = context.new_page()
    page.goto(address)
    page.locator("#examples img").first.wait_for()
    yield page
    context.close()


def upload(page: Page, name: str) -> None:
    page.locator("input[type=file]").first.set_input_files(EXAMPLES / name)


def test_a_photo_is_cut_out_and_the_badge_names_the_chip(page: Page, tmp_path: Path) -> None:
    upload(page, "two_dogs.jpg")
    expect(page.locator("#download")).to_be_enabled()
    expect(page.get_by_text(CHIP)).to_be_visible()
    with page.expect_download() as waiting:
        page.locator("#download").click()
    waiting.value.save_as(tmp_path / "dogs.png")
    image = cv2.imread(str(tmp_path / "dogs.png"), cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert image.shape[2] == 4
    assert 0 < (image[..., 3] > 127).mean() < 1


def test_a_failing_chip_is_explained_and_the_next_photo_comes_through(
    page: Page, acl: ModuleType
) -> None:
    acl.stand_in.inject("stream", 507015, times=2)
    upload(page, "two_dogs.jpg")
    expect(page.get_by_text("The Ascend device failed while computing")).to_be_visible()
    page.reload()
    page.locator("#examples img").first.wait_for()
    upload(page, "two_dogs.jpg")
    expect(page.locator("#download")).to_be_enabled()
