"""The texts about an open photo: its objects, the next step, and notices about its file."""

from dataclasses import replace

import pytest

from segmentation.compositing.strokes import Stroke
from segmentation.i18n import Text
from segmentation.page.photo_texts import advice, describe, notice_lines, object_choices
from segmentation.page.session import PhotoState
from segmentation.page.strings import STRINGS
from tests.segmentation.page.page_options import OPTIONS
from tests.segmentation.scenes import DOG, PERSON, block, segmentation

SCENE = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18)))
EMPTY = segmentation()
STATE = PhotoState("photo.jpg", "preview.jpg", "compact", SCENE, (), ())
KEEP = Stroke("keep", 0.02, ((0.5, 0.5),))
ERASE = replace(KEEP, mode="erase")


def test_a_description_has_number_and_label() -> None:
    assert describe(SCENE.instances[1], "en") == "2 · dog"
    assert describe(SCENE.instances[1], "zh") == "2 · 狗"


def test_the_whole_subject_is_the_first_object_of_the_list() -> None:
    whole = block(2, 2, 19, 18)
    scene = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18)), subject=whole)
    assert object_choices(scene, "en") == [
        ("3 · Whole subject", 3),
        ("1 · person", 1),
        ("2 · dog", 2),
    ]
    assert object_choices(SCENE, "en") == [("1 · person", 1), ("2 · dog", 2)]


@pytest.mark.parametrize(
    ("state", "threshold", "chosen", "expected"),
    [
        (replace(STATE, segmentation=EMPTY), 0.3, (), "no_objects"),
        (STATE, 1.1, (), "no_certain_objects"),
        (STATE, 0, (), "select_one"),
        (STATE, 0, (1,), None),
        (replace(STATE, options=replace(OPTIONS, background="scene")), 0, (1,), "choose_backdrop"),
        (replace(STATE, segmentation=EMPTY, strokes=(KEEP,)), 0.3, (), None),
        (replace(STATE, strokes=(ERASE,)), 0, (), "select_one"),
    ],
)
def test_the_next_step_is_advised(
    state: PhotoState, threshold: float, chosen: tuple[int, ...], expected: str | None
) -> None:
    state = replace(state, chosen=chosen)
    assert advice(state, state.shown(threshold)) == ((STRINGS[expected],) if expected else ())


def test_notices_about_the_file_have_a_line_each() -> None:
    notices = Text("The first frame is used.", "只使用第一帧。"), Text("It is grey.", "是灰度图。")
    state = replace(STATE, notices=notices)
    assert notice_lines(state, "en") == "The first frame is used.  \nIt is grey."
    assert notice_lines(STATE, "zh") == ""
