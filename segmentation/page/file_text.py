"""What the page says about the file that it made."""

from collections.abc import Sequence

from segmentation.compositing.sizing.frame import HEAD_NOTICES
from segmentation.cutout import Cutout
from segmentation.i18n import Language, Text
from segmentation.image.formats import find_format
from segmentation.page.strings import STRINGS


def describe_file(cutout: Cutout) -> str:
    """Return format and size of a file, such as PNG · 2500 × 1667."""
    height, width = cutout.image.shape[:2]
    return f"{find_format(cutout.options.format).title} · {width} × {height}"


def notice_text(notices: Sequence[Text], language: Language) -> str:
    """Return what a person should know about a cut-out, as Markdown; empty if there is nothing.

    What may need their hand comes first: an uncertain head, whose frame can be moved. Anything else
    stands below in one paragraph.
    """
    about_head = [notice for notice in notices if notice in HEAD_NOTICES][:1]
    first = [*about_head, STRINGS["check_head"]] if about_head else notices[:1]
    others = [notice for notice in notices if notice not in HEAD_NOTICES and notice not in first]
    paragraphs = (
        " ".join(notice.in_language(language) for notice in group) for group in (first, others)
    )
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    return f"⚠️ {text}" if text else ""
