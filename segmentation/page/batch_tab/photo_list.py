"""The photos that a batch is made of: chosen, listed and removed before it starts."""

from collections.abc import Collection
from html import escape
from pathlib import Path

import gradio as gr

from segmentation.i18n import Language
from segmentation.page.components import (
    QUIET,
    STATE_SECONDS,
    Updates,
    Values,
    bilingual,
    button_list,
    language_of,
    photo_button,
    require,
    selected_index,
    static_html,
    string,
    translate_errors,
)
from segmentation.page.strings import STRINGS


class PhotoList:
    """Create the components.

    Gradio's list of files has buttons with English names, and logs an error for each upload: it
    cannot close the stream of the progress.

    Attributes:
        upload: the button that chooses photos; dropped and pasted ones go through it as well.
        paths: of the photos.
        shown: the components that `show` updates.
    """

    def __init__(self) -> None:
        self.paths = gr.State((), time_to_live=STATE_SECONDS)
        with gr.Column(elem_id="batch_photos"):
            self.upload = photo_button(
                string("choose_photos"),
                variant="primary",
                file_count="multiple",
                elem_id="batch_upload",
            )
            static_html(f"<p>{bilingual(STRINGS['drop_photos'])}</p>")
            self._list = button_list(visible=False, elem_id="batch_list")
            self._clear = gr.Button(
                string("remove_all"), size="sm", visible=False, elem_id="batch_clear"
            )
        self.shown = [self.paths, self._list, self._clear]

    def wire(self) -> None:
        """Wire the events."""
        options = {**QUIET, "trigger_mode": "multiple"}
        self.upload.upload(
            self.add, {self.paths, self.upload}, [*self.shown, self.upload], **options
        )
        self._list.select(self.remove, {self.paths}, self.shown, **options)
        self._clear.click(self.clear, None, self.shown, **options)

    def add(self, values: Values, request: gr.Request) -> Updates:
        """Add photos that were uploaded; none is listed twice."""
        paths = require(values[self.paths], request)
        added = dict.fromkeys([*paths, *(values[self.upload] or ())])
        # Gradio reports no upload of a file that the button has already.
        return {**self.show([*added], language_of(request)), self.upload: None}

    def remove(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Remove the photo whose button was clicked."""
        paths = require(values[self.paths], request)
        with translate_errors(request):
            index = selected_index(event, paths)
        return self.show([*paths[:index], *paths[index + 1 :]], language_of(request))

    def clear(self, request: gr.Request) -> Updates:
        """Remove all photos."""
        return self.show((), language_of(request))

    def show(self, paths: Collection[str], language: Language) -> Updates:
        """List photos."""
        return {
            self.paths: tuple(paths),
            self._list: gr.HTML(photos_html(paths, language), visible=bool(paths)),
            self._clear: gr.Button(visible=bool(paths)),
        }


def photos_html(paths: Collection[str], language: Language) -> str:
    """Return the names of photos as HTML, each with a button that removes it."""
    remove = STRINGS["remove_photo"].in_language(language)
    items = (
        f'<li><span title="{name}">{name}</span><button type="button" data-index="{index}" '
        f'aria-label="{remove.format(photo=name)}">×</button></li>'
        for index, name in enumerate(escape(Path(path).name) for path in paths)
    )
    return f"<ul>{''.join(items)}</ul>"
