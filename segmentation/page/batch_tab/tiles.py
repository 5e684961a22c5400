"""What the page shows of a batch: its progress, and a tile for each photo.

A tile has a small picture of the cut-out, or the reason why there is none.
"""

from collections.abc import Iterator
from html import escape

from segmentation.i18n import Language
from segmentation.page.batch_tab.batch import Batch
from segmentation.page.batch_tab.results import PhotoResult
from segmentation.page.components import file_address
from segmentation.page.strings import STRINGS


def progress_html(batch: Batch, language: Language) -> str:
    """Return how far a batch is as HTML: a sentence and a bar."""
    done, total = len(batch.done), len(batch.done) + len(batch.todo)
    files = sum(result.file is not None for result in batch.done)
    text = STRINGS["batch_state"].in_language(language).format(done=done, all=total, files=files)
    share = f"{done / total:.1%}" if total else "100%"
    return f'<p role="status">{text}</p><div data-bar><div style="width: {share}"></div></div>'


def tiles_html(batch: Batch, language: Language) -> str:
    """Return the tiles as HTML: a button for each result, then the photos that wait."""
    tiles = [_result_tile(index, result, language) for index, result in enumerate(batch.done)]
    return f"<ul>{''.join([*tiles, *_waiting_tiles(batch, language)])}</ul>"


def _result_tile(index: int, result: PhotoResult, language: Language) -> str:
    """Return the tile of a result: a button if its photo can be opened."""
    picture = ""
    if result.thumbnail:
        picture = f'<img src="{file_address(result.thumbnail)}" alt="" loading="lazy">'
    content = picture + _caption(result.file or result.photo, result.note(language))
    if result.is_readable:
        content = f'<button type="button" data-index="{index}">{content}</button>'
    return f'<li data-state="{"cut-out" if result.file else "failed"}">{content}</li>'


def _waiting_tiles(batch: Batch, language: Language) -> Iterator[str]:
    for photo, state in batch.waiting():
        text = STRINGS[state].in_language(language)
        yield f'<li data-state="{state}">{_caption(photo, text)}</li>'


def _caption(name: str, note: str) -> str:
    """Return the caption of a tile; the style sheet cuts off what is too long for it."""
    name, note = escape(name), escape(note)
    reason = f'<small title="{note}">{note}</small>' if note else ""
    return f'<span title="{name}">{name}</span>{reason}'
