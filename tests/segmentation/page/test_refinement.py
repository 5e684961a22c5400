"""The second inference: when it runs, and what the page shows of it."""

import base64
import re
import shutil
import threading
import zipfile
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from gradio.utils import get_upload_folder
from playwright.sync_api import Browser, Page, expect

from segmentation import Limits, Photo, Segmenter, find_model
from segmentation.compositing.backgrounds import BACKGROUNDS
from segmentation.cutout import Cutout
from segmentation.errors import StorageFull
from segmentation.image.formats import OUTPUT_FORMATS
from segmentation.page.batch_tab import tab
from segmentation.page.batch_tab.batch import BATCH_RULES
from segmentation.page.components import I18N, gallery
from segmentation.page.cutout_tab import photo_events, result_events
from segmentation.page.options import FITS, FRAMES
from segmentation.page.session import MIN_OFFERED_SCORE
from tests.paths import EXAMPLES, SCREENSHOTS
from tests.segmentation.page.browsing import (
    click_photo,
    decode,
    download,
    open_example,
    problems,
    redrawn,
    saved,
    text,
    upload_image,
)
from tests.segmentation.page.conftest import HeldInference
from tests.segmentation.page.serving import free_port, page_context, served_page
from tests.started import started
from tests.visitor import Visitor


def test_without_the_closer_look_the_page_shows_what_the_file_holds(
    page: Page, tmp_path: Path
) -> None:
    looked = page.get_by_text(re.compile("selection refined|精细识别用时"))
    open_example(page, 3)
    expect(looked).to_be_visible()
    closer = download(page, tmp_path)[1]
    page.get_by_text(text(page, "options"), exact=True).click()
    with redrawn(page):
        page.get_by_label(text(page, "closer")).uncheck()
    expect(looked).to_be_hidden()
    assert (download(page, tmp_path)[1] != closer).any()
    with redrawn(page):
        page.get_by_label(text(page, "closer")).check()
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
