"""What the page says about the file that it made."""

from collections.abc import Sequence

from segmentation.compositing.sizing.frame import HEAD_NOTICES
from segmentation.compositing.sizing.size import ExactSize, FrameMove, OutputSize
from segmentation.cutout import Cutout
from segmentation.i18n import Language, Text, join_sentences
from segmentation.image.formats import find_format
from segmentation.page.strings import STRINGS


def describe_file(cutout: Cutout) -> str:
    """Return format and size of a file, such as PNG · 2500 × 1667."""
    height, width = cutout.image.shape[:2]
    return f"{find_format(cutout.options.format).title} · {width} × {height}"


def notice_text(notices: Sequence[Text], size: OutputSize | None, language: Language) -> str:
    """Return the notice about a cut-out that matters most, as Markdown; empty if there is none.

    An uncertain head matters most, until its frame was moved by hand: then a person has decided.

    Args:
        notices: about the cut-out.
        size: of its file.
        language: of the text.
    """
    moved = isinstance(size, ExactSize) and size.move != FrameMove()
    about_head = [] if moved else [notice for notice in notices if notice in HEAD_NOTICES]
    others = [notice for notice in notices if notice not in HEAD_NOTICES]
    shown = [*about_head[:1], STRINGS["check_head"]] if about_head else others[:1]
    text = join_sentences(shown, language)
    return f"⚠️ {text}" if text else ""
