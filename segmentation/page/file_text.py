"""What the page says about the file that it made."""

from segmentation.compositing.sizing.frame import HEAD_NOTICES
from segmentation.cutout import Cutout
from segmentation.i18n import Language
from segmentation.image.formats import find_format
from segmentation.page.strings import STRINGS


def describe_file(cutout: Cutout) -> str:
    """Return format and size of a file, such as PNG · 2500 × 1667."""
    height, width = cutout.image.shape[:2]
    return f"{find_format(cutout.options.format).title} · {width} × {height}"


def notice_text(cutout: Cutout, language: Language) -> str:
    """Return what a person should know about a cut-out, as Markdown; empty if there is nothing.

    Where the head is uncertain, it says that the frame can be moved by hand.
    """
    notices = list(cutout.notices)
    if any(notice in HEAD_NOTICES for notice in notices):
        notices.append(STRINGS["check_head"])
    return "\n\n".join(f"⚠️ {notice.in_language(language)}" for notice in notices)
