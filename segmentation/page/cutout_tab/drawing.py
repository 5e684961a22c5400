"""Show the state of a photo: the canvas, the list of objects, and what comes next."""

import gradio as gr

from segmentation.page.canvas.drawn_view import draw_canvas
from segmentation.page.components import (
    PageContext,
    Updates,
    Values,
    language_of,
    string,
    translate_errors,
)
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.memory import remember
from segmentation.page.cutout_tab.other_files.component import ResultKey
from segmentation.page.options import PageOptions
from segmentation.page.photo_texts import notice_lines, object_choices
from segmentation.page.session import PhotoState

# What the button of the file says until there is one.
PREPARING = string("preparing")


class Drawing:
    """Draws states of photos.

    Args:
        context: models, limits and decoded photos.
        layout: the tab's components.
    """

    def __init__(self, context: PageContext, layout: CutoutLayout) -> None:
        self._context = context
        self._layout = layout

    def show(
        self, state: PhotoState, values: Values, request: gr.Request, is_refined: bool = False
    ) -> Updates:
        """Show a state with the values of the controls; see `show_with`."""
        options = self._layout.page_options(values)
        return self.show_with(state, options, values, request, is_refined)

    def show_with(
        self,
        state: PhotoState,
        options: PageOptions,
        values: Values,
        request: gr.Request,
        is_refined: bool = False,
    ) -> Updates:
        """Show a state: in one answer, so that a stroke is seen as soon as it can be.

        The file is out of date from now on; the answer asks for a refinement if it is missing, else
        for the file. After a refinement, `is_refined`, it asks for no other one: one that failed is
        tried again with the next change, not at once.
        """
        layout, language = self._layout, language_of(request)
        state = state.set_options(options)
        with translate_errors(request):
            drawn = draw_canvas(
                self._context.photos,
                state,
                options,
                values[layout.refinement],
                values[layout.object_map],
                values[layout.results],
                language,
            )
        shown = drawn.shown
        return {
            layout.photo_state: state,
            layout.memory: remember(state, options),
            layout.object_map: drawn.object_map,
            layout.view: drawn.view,
            layout.results: drawn.results,
            layout.canvas: drawn.value,
            layout.objects: gr.CheckboxGroup(
                choices=object_choices(shown.visible, language), value=list(shown.selected)
            ),
            layout.show_uncertain: gr.Button(
                visible=not shown.visible.instances and bool(state.segmentation.instances)
            ),
            layout.message: notice_lines(state, language),
            **self._next_step(state, options, values, is_refined),
        }

    def _next_step(
        self, state: PhotoState, options: PageOptions, values: Values, is_refined: bool
    ) -> Updates:
        layout, key = self._layout, ResultKey.of(state, options)
        if not state.has_file(options):
            return layout.no_files()
        preparing = gr.DownloadButton(PREPARING, value=None, interactive=False)
        waits = not is_refined and key.awaits_refinement(values[layout.refinement])
        return {
            layout.download: preparing,
            layout.size_notice: "",
            **layout.mask.follow(key, values, not waits, is_refined),
            **layout.zip.follow(key, values, not waits, is_refined),
            **(layout.request_refinement() if waits else layout.request_file()),
        }
