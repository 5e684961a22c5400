"""The tiles of a batch: a small picture of each cut-out, or the reason why there is none."""

from collections.abc import Iterator
from html import escape
from urllib.parse import quote

from segmentation.i18n import Language
from segmentation.page.batch_tab.batch import Batch
from segmentation.page.batch_tab.results import PhotoResult
from segmentation.page.strings import STRINGS


def tiles_html(batch: Batch, language: Language) -> str:
    """Return the tiles as HTML: a button for each result, then the photos that wait."""
    tiles = [_result_tile(index, result, language) for index, result in enumerate(batch.done)]
    return f"<ul>{''.join([*tiles, *_waiting_tiles(batch, language)])}</ul>"


def _result_tile(index: int, result: PhotoResult, language: Language) -> str:
    picture = ""
    if result.thumbnail:
        address = escape(f"gradio_api/file={quote(result.thumbnail)}")
        picture = f'<img src="{address}" alt="">'
    note = result.note(language)
    reason = f"<small>{escape(note)}</small>" if note else ""
    kind = "cut-out" if result.file else "failed"
    return (
        f'<li data-state="{kind}"><button type="button" data-index="{index}">{picture}'
        f"<span>{escape(result.photo)}</span>{reason}</button></li>"
    )


def _waiting_tiles(batch: Batch, language: Language) -> Iterator[str]:
    for photo, state in batch.waiting():
        text = escape(STRINGS[state].in_language(language))
        yield f'<li data-state="{state}"><span>{escape(photo)}</span><small>{text}</small></li>'
