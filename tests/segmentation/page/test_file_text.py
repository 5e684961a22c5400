"""What the page says about the file that it made."""

from dataclasses import replace

from segmentation.compositing.sizing.frame import LARGE_HEAD, UNSURE_HEAD
from segmentation.compositing.sizing.size import ExactSize, FrameMove
from segmentation.i18n import Text
from segmentation.page.file_text import notice_text
from segmentation.page.strings import STRINGS

ENLARGED = Text("Enlarged.", "放大了。")
TOO_LARGE = Text("Too many kB.", "文件过大。")
ID_PHOTO = ExactSize((413, 295))


def test_an_uncertain_head_is_said_first_and_alone() -> None:
    notices = (TOO_LARGE, UNSURE_HEAD, LARGE_HEAD, ENLARGED)
    text = f"⚠️ {UNSURE_HEAD.en} {STRINGS['check_head'].en}"
    assert notice_text(notices, ID_PHOTO, "en") == text


def test_a_head_that_was_moved_by_hand_is_not_uncertain_any_more() -> None:
    moved = replace(ID_PHOTO, move=FrameMove(zoom=1.1))
    assert notice_text((UNSURE_HEAD, LARGE_HEAD, ENLARGED), moved, "en") == "⚠️ Enlarged."
    assert notice_text((UNSURE_HEAD,), moved, "en") == ""


def test_a_file_without_an_uncertain_head_has_one_notice() -> None:
    assert notice_text((ENLARGED, TOO_LARGE), None, "zh") == "⚠️ 放大了。"
    assert notice_text((), None, "en") == ""
