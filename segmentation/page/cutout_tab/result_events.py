"""Handlers that draw the objects and the result, and make the files.

Each takes and returns values by component.
"""

import gradio as gr

from segmentation.page.canvas.view import CanvasView
from segmentation.page.components import (
    PageContext,
    Updates,
    Values,
    language_of,
    skip,
    string,
    translate_errors,
)
from segmentation.page.cutout_tab.drawing import Drawing
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.file_text import describe_file, notice_text
from segmentation.page.photo_result import cut_out_result, refine_result
from segmentation.page.server.files.downloads import replace_download


class ResultEvents:
    """The handlers.

    Args:
        context: models, limits and decoded photos.
        layout: the tab's components.
        drawing: shows the result.
    """

    def __init__(self, context: PageContext, layout: CutoutLayout, drawing: Drawing) -> None:
        self._context = context
        self._layout = layout
        self._drawing = drawing

    def draw(self, values: Values, request: gr.Request) -> Updates:
        """Show the result with the values of the controls."""
        state = self._layout.open_state(values, request)
        return skip() if state is None else self._drawing.show(state, values, request)

    def refine(self, values: Values, request: gr.Request) -> Updates:
        """Run the model a second time on the selected objects."""
        layout = self._layout
        state = layout.open_state(values, request)
        if state is None:
            return skip()
        former, min_score = values[layout.refinement], values[layout.min_score]
        if former is not None and former.matches(state.segmentation, state.selected(min_score)):
            return skip()  # an earlier event did it
        with translate_errors(request):
            refinement, notices = refine_result(
                self._context.photos, self._context.registry, state, min_score
            )
        for notice in notices:
            gr.Warning(notice.in_language(language_of(request)))
        return {layout.refinement: refinement}

    def draw_refined(self, values: Values, request: gr.Request) -> Updates:
        """Show the result after a refinement, successful or not; then ask for the file."""
        layout = self._layout
        state = layout.open_state(values, request)
        if state is None:
            return skip()
        return self._drawing.show(state, values, request, is_refined=True)

    def export(self, values: Values, request: gr.Request) -> Updates:
        """Make the file at the photo's own size."""
        layout = self._layout
        view: CanvasView | None = values[layout.view]
        state = layout.open_state(values, request)
        if state is None:
            return skip()
        options = layout.page_options(values)
        if not state.has_file(options):
            return layout.no_file()
        with translate_errors(request):
            refinement = values[layout.refinement]
            cutout, stem = cut_out_result(self._context.photos, state, options, refinement)
            data = cutout.encode(self._context.limits.encoding_seconds)
            downloads = replace_download(values[layout.downloads], cutout.file_name(stem), data)
        return {
            layout.download: gr.DownloadButton(
                f"{string('download')} {describe_file(cutout)}",
                value=downloads[-1],
                interactive=True,
            ),
            layout.size_notice: notice_text(
                cutout.notices, cutout.options.size, language_of(request)
            ),
            layout.downloads: downloads,
            layout.exported: view.result if view else "",
        }
