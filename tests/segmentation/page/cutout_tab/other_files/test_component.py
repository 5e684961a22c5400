"""When the mask and the ZIP of a result are made, offered and withdrawn."""

from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from segmentation.page.cutout_tab.other_files.component import MadeFile, OtherFile, ResultKey
from tests.segmentation.page.page_options import OPTIONS
from tests.segmentation.page.serving import in_event_loop

# Keys compare their segmentations by identity.
FOUND: Any = object()
KEY = ResultKey(FOUND, (1,), (), OPTIONS)
OTHER_KEYS = [
    replace(KEY, selected=(1, 2)),
    replace(KEY, segmentation=object()),  # type: ignore[arg-type]
    replace(KEY, options=replace(OPTIONS, frame="square")),
]


@pytest.fixture(scope="module")
def file() -> OtherFile:
    def create() -> OtherFile:
        with gr.Blocks(analytics_enabled=False):
            return OtherFile("mask", "download_mask")

    return in_event_loop(create)


def test_the_file_of_the_result_that_is_drawn_again_stays(file: OtherFile) -> None:
    values = {file.wanted: KEY, file.made: MadeFile(KEY, "mask.png")}
    same = ResultKey(FOUND, (1,), (), replace(OPTIONS))
    assert file.follow(same, values, is_refined=True, is_new=False) == {}
    assert file.show(values)[file.download].value["path"].endswith("mask.png")


@pytest.mark.parametrize("key", OTHER_KEYS)
def test_another_result_withdraws_the_file(file: OtherFile, key: ResultKey) -> None:
    values = {file.wanted: KEY, file.made: MadeFile(KEY, "mask.png")}
    updates = file.follow(key, values, is_refined=True, is_new=False)
    assert updates[file.wanted] is None
    assert not updates[file.download].visible


def test_a_file_that_was_withdrawn_while_it_was_made_is_not_offered(file: OtherFile) -> None:
    for wanted in (None, OTHER_KEYS[0]):
        values = {file.wanted: wanted, file.made: MadeFile(KEY, "mask.png")}
        assert file.show(values) == gr.skip()


def test_a_file_that_waits_for_the_refinement_is_made_after_it(file: OtherFile) -> None:
    asked = file.ask(KEY, now=False)
    assert file.request not in asked
    assert file.follow(KEY, asked, is_refined=False, is_new=False) == {}
    assert file.request in file.follow(KEY, asked, is_refined=True, is_new=True)


def test_a_file_that_was_cancelled_is_made_for_the_same_result(file: OtherFile) -> None:
    asked = file.ask(KEY, now=True)
    assert file.request in asked
    assert file.request in file.follow(KEY, asked, is_refined=True, is_new=False)


def test_no_file_is_made_unless_it_was_asked_for(file: OtherFile) -> None:
    values = {file.wanted: None, file.made: None}
    assert file.follow(KEY, values, is_refined=True, is_new=True) == {}
