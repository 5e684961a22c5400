"""What the page says about the file that it made."""

from segmentation.compositing.sizing.frame import LARGE_HEAD, UNSURE_HEAD
from segmentation.i18n import Text
from segmentation.page.file_text import notice_text
from segmentation.page.strings import STRINGS

ENLARGED = Text("Enlarged.", "放大了。")
TOO_LARGE = Text("Too many kB.", "文件过大。")


def test_what_needs_a_hand_comes_first_and_the_rest_in_one_paragraph() -> None:
    notices = (TOO_LARGE, UNSURE_HEAD, LARGE_HEAD, ENLARGED)
    head = f"{UNSURE_HEAD.en} {STRINGS['check_head'].en}"
    assert notice_text(notices, "en") == f"⚠️ {head}\n\nToo many kB. Enlarged."


def test_a_file_without_an_uncertain_head() -> None:
    assert notice_text((ENLARGED, TOO_LARGE), "zh") == "⚠️ 放大了。\n\n文件过大。"
    assert notice_text((ENLARGED,), "en") == "⚠️ Enlarged."
    assert notice_text((), "en") == ""
