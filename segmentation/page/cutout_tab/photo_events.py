"""Handlers that open a photo, choose the model, select objects, and show controls.

Each takes and returns values by component.
"""

from functools import partial

import gradio as gr

from segmentation.inference.select import MIN_OFFERED_SCORE
from segmentation.page.canvas.drawn_view import store_photo
from segmentation.page.components import (
    EXAMPLES,
    PROGRESS,
    PageContext,
    Updates,
    Values,
    gallery,
    language_of,
    selected_index,
    skip,
    translate_errors,
)
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.memory import forget_photo, loss, recall_options, recall_photo
from segmentation.page.cutout_tab.open_request import OpenRequest, redo_edits, search_box
from segmentation.page.header import Header, model_choices, status_text
from segmentation.page.session import PhotoState, open_photo
from segmentation.page.strings import STRINGS


class PhotoEvents:
    """The handlers.

    Args:
        context: models, limits and decoded photos.
        header: above the tabs.
        layout: the tab's components.
    """

    def __init__(self, context: PageContext, header: Header, layout: CutoutLayout) -> None:
        self._context = context
        self._header = header
        self._layout = layout

    def greet(self, values: Values, request: gr.Request) -> Updates:
        """Show model, device and the settings of the last visit; open the photo to begin with."""
        layout, language, memory = self._layout, language_of(request), values[self._layout.memory]
        options = recall_options(memory, layout.controls, layout.page_options(values))
        models = tuple(card.name for card in self._context.registry.cards)
        example = request.query_params.get("example")
        # Said once, see `say_what_is_lost`.
        is_gone = loss(memory) == "photo_deleted"
        forgotten: Updates = {layout.memory: forget_photo(memory)} if is_gone else {}
        return {
            **forgotten,
            self._header.status: status_text(self._context, None, language),
            self._header.model: gr.Dropdown(choices=model_choices(self._context, language)),
            layout.open_request: recall_photo(memory, example, models, options),
            **layout.set_controls(options),
        }

    def open_example(
        self,
        values: Values,
        event: gr.EventData,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> Updates:
        """Open the example that was clicked."""
        path = EXAMPLES / gallery()[selected_index(event, gallery())]["file"]
        return self._open(str(path), values[self._header.model], request, progress)

    def open_photo(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Updates:
        """Open the photo that was uploaded."""
        path = values[self._layout.upload]
        if path is None:
            return skip()
        return self._open(path, values[self._header.model], request, progress)

    def open_requested(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Updates:
        """Open the photo that was asked for, with its model, selection and options."""
        layout = self._layout
        wanted: OpenRequest | None = values[layout.open_request]
        if wanted is None or (wanted.is_first and values[layout.photo_state] is not None):
            return skip()
        opened = self._open(wanted.path, wanted.model, request, progress)
        with translate_errors(request):
            photo = self._context.photos.read(wanted.path)
            segmenter = self._context.registry.segmenter(wanted.model)
            search = partial(search_box, segmenter, photo)
            state = redo_edits(opened[layout.photo_state], wanted, search)
        return {
            **opened,
            layout.photo_state: state,
            layout.model_in_use: wanted.model,
            self._header.model: wanted.model,
            **layout.set_controls(wanted.options),
        }

    def _open(self, path: str, model: str, request: gr.Request, progress: gr.Progress) -> Updates:
        """Find the objects in a photo and select its subject."""
        layout, language = self._layout, language_of(request)
        with translate_errors(request):
            segmenter = self._context.registry.segmenter(model)
            progress(
                None, STRINGS["finding" if segmenter.device else "loading"].in_language(language)
            )
            opened = self._context.photos.get(path)
            segmentation, _ = segmenter.segment(opened.photo, MIN_OFFERED_SCORE)
            preview_path = store_photo(opened)
            status = status_text(self._context, model, language)
        return {
            layout.photo_state: open_photo(
                path, preview_path, segmenter.card, segmentation, opened.photo.notices
            ),
            # A minimum score lowered for the previous photo would show every guess in this one.
            layout.min_score: segmenter.card.score_threshold,
            layout.photo_area: gr.Row(visible=True),
            layout.is_open: True,
            **layout.request_drawing(),
            self._header.status: status,
        }

    def change_model(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Updates:
        """Load another model, and find the objects of the open photo with it."""
        layout, language = self._layout, language_of(request)
        model: str = values[self._header.model]
        state: PhotoState | None = values[layout.photo_state]
        with translate_errors(request):
            segmenter = self._context.registry.segmenter(model)
            min_score = segmenter.card.score_threshold
            title = segmenter.card.title.in_language(language)
            progress(None, desc=STRINGS["loading_model"].in_language(language).format(model=title))
            segmenter.open()
            if state is not None:
                progress(None, desc=STRINGS["finding"].in_language(language))
                photo = self._context.photos.read(state.path)
                segmentation, _ = segmenter.segment(photo, MIN_OFFERED_SCORE)
                state = state.with_model(model, segmentation, min_score)
            status = status_text(self._context, model, language)
        return {
            layout.model_in_use: model,
            layout.photo_state: state,
            layout.min_score: min_score,
            **layout.request_drawing(),
            self._header.status: status,
        }

    def keep_model(self, values: Values) -> Updates:
        """Show the model in use again, after a change of model failed."""
        return {self._header.model: values[self._layout.model_in_use]}

    def start_over(self, values: Values, request: gr.Request) -> Updates:
        """Close the photo, so that another one can be opened."""
        layout = self._layout
        with translate_errors(request):
            card = self._context.registry.card(values[self._header.model])
        return {
            layout.photo_state: None,
            layout.memory: forget_photo(values[layout.memory]),
            # Gradio reports no upload of the file that the button has already.
            layout.upload: None,
            layout.photo_area: gr.Row(visible=False),
            layout.canvas: None,
            layout.view: None,
            layout.min_score: card.score_threshold,
            layout.is_open: False,
            **layout.no_files(),
        }

    def show_controls(self, values: Values) -> Updates:
        """Show the controls that belong to the kind of background and to the format."""
        return self._layout.panels.show(self._layout.page_options(values))
