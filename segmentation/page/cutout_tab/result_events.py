"""Handlers that draw the objects and the result, and make the files.

Each takes and returns values by component.
"""

from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

import gradio as gr

from segmentation.cutout import cut_out, cut_out_each
from segmentation.image.write import encode, write_zip
from segmentation.inference.refine import try_refine
from segmentation.page.components import (
    PageContext,
    Updates,
    Values,
    language_of,
    skip,
    string,
    translate_errors,
)
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.file_text import describe_file, notice_text
from segmentation.page.overlay import draw_instances
from segmentation.page.preview import on_checkerboard, render_preview
from segmentation.page.server.files import replace_download, store_file, store_image
from segmentation.page.session import PhotoState, message_text, object_choices
from segmentation.page.strings import STRINGS


class ResultEvents:
    """The handlers.

    Args:
        context: models, limits and decoded photos.
        layout: the tab's components.
    """

    def __init__(self, context: PageContext, layout: CutoutLayout) -> None:
        self._context = context
        self._layout = layout

    def list_objects(self, values: Values, request: gr.Request) -> Updates:
        """Draw the objects on the photo and list them; then ask for the result."""
        layout, language = self._layout, language_of(request)
        state = layout.open_state(values, request)
        if state is None:
            return skip()
        min_score = values[layout.min_score]
        visible, selected = state.visible(min_score), state.selected(min_score)
        with translate_errors(request):
            preview = self._context.photos.preview(state.path)
            path = store_image("objects", draw_instances(preview.on_white, visible, selected))
        choices = object_choices(visible, language)
        has_guesses = not visible.instances and bool(state.segmentation.instances)
        return {
            layout.canvas: path,
            layout.objects: gr.CheckboxGroup(choices=choices, value=list(selected)),
            layout.show_uncertain: gr.Button(visible=has_guesses),
            layout.undo: gr.Button(interactive=bool(state.history)),
            layout.draw_request: token_hex(8),
        }

    def draw_result(self, values: Values, request: gr.Request) -> Updates:
        """Draw the result; then ask for a refinement if it is missing, else for the file."""
        layout = self._layout
        state = layout.open_state(values, request)
        if state is None:
            return skip()
        selected = state.selected(values[layout.min_score])
        refinement = values[layout.refinement]
        is_refined = refinement is not None and refinement.matches(state.segmentation, selected)
        updates = self._draw(state, selected, values, request)
        if not selected:
            return {**updates, **layout.no_files()}
        if values[layout.refine] and not is_refined:
            return {**updates, layout.refine_request: token_hex(8)}
        return {**updates, layout.export_request: token_hex(8)}

    def refine(self, values: Values, request: gr.Request) -> Updates:
        """Run the model a second time on the selected objects."""
        layout = self._layout
        state = layout.open_state(values, request)
        if state is None:
            return skip()
        selected = state.selected(values[layout.min_score])
        former = values[layout.refinement]
        if former is not None and former.matches(state.segmentation, selected):
            return skip()  # an earlier event did it
        with translate_errors(request):
            photo = self._context.photos.read(state.path)
            segmenter = self._context.registry.segmenter(state.model)
            refinement, notices = try_refine(segmenter, photo, state.segmentation, selected)
        for notice in notices:
            gr.Warning(notice.in_language(language_of(request)))
        return {layout.refinement: refinement}

    def draw_refined(self, values: Values, request: gr.Request) -> Updates:
        """Draw the result after a refinement, successful or not; then ask for the file."""
        layout = self._layout
        state = layout.open_state(values, request)
        if state is None:
            return skip()
        selected = state.selected(values[layout.min_score])
        updates = self._draw(state, selected, values, request)
        return {**updates, layout.export_request: token_hex(8)}

    def export(self, values: Values, request: gr.Request) -> Updates:
        """Make the file at the photo's own size."""
        layout = self._layout
        state = layout.open_state(values, request)
        if state is None:
            return skip()
        selected = state.selected(values[layout.min_score])
        if not selected:
            return layout.no_files()
        with translate_errors(request):
            options = layout.page_options(values).to_cutout_options(self._context.photos)
            photo = self._context.photos.read(state.path)
            refinement = values[layout.refinement] if options.refine else None
            cutout = cut_out(photo, state.segmentation, selected, options, refinement)
            downloads = replace_download(
                values[layout.downloads], cutout.file_name(photo.stem), cutout.encode()
            )
        return {
            layout.download: gr.DownloadButton(
                f"{string('download')} {describe_file(cutout)}",
                value=downloads[-1],
                interactive=True,
            ),
            layout.downloads: downloads,
            layout.size.notice: notice_text(cutout, language_of(request)),
        }

    def export_mask(self, values: Values, request: gr.Request) -> Updates:
        """Make the mask of the selected objects, in the frame and size of the file."""
        layout = self._layout
        state = layout.state(values, request)
        selected = state.selected(values[layout.min_score])
        if not selected:
            gr.Warning(STRINGS["select_one"].in_language(language_of(request)))
            return layout.no_mask()
        with translate_errors(request):
            page_options = replace(layout.page_options(values), format="png")
            options = page_options.to_cutout_options(self._context.photos)
            photo = self._context.photos.read(state.path)
            refinement = values[layout.refinement] if options.refine else None
            cutout = cut_out(photo, state.segmentation, selected, options, refinement)
            path = store_file(f"{photo.stem}_mask.png", encode(cutout.mask))
        return {layout.download_mask: gr.DownloadButton(value=path, visible=True)}

    def begin_zip(self, values: Values, request: gr.Request) -> Updates:
        """Say that the ZIP is being made, if there is something to put into it."""
        layout = self._layout
        state = layout.open_state(values, request)
        missing = "no_photo" if state is None else "select_one"
        if state is None or not state.selected(values[layout.min_score]):
            gr.Warning(STRINGS[missing].in_language(language_of(request)))
            return layout.no_zip()
        preparing = gr.DownloadButton(
            string("preparing"), value=None, interactive=False, visible=True
        )
        return {layout.download_zip: preparing, layout.zip_request: token_hex(8)}

    def export_zip(self, values: Values, request: gr.Request) -> Updates:
        """Make a ZIP of one PNG for each selected object."""
        layout = self._layout
        state = layout.state(values, request)
        selected = state.selected(values[layout.min_score])
        with translate_errors(request), TemporaryDirectory() as folder:
            layers = layout.page_options(values).for_layers()
            options = layers.to_cutout_options(self._context.photos)
            photo = self._context.photos.read(state.path)
            refinement = values[layout.refinement] if options.refine else None
            files = cut_out_each(photo, state.segmentation, selected, options, refinement)
            archive = Path(folder) / "objects.zip"
            write_zip(archive, files)
            path = store_file(f"{photo.stem}_objects.zip", archive.read_bytes())
        return {
            layout.download_zip: gr.DownloadButton(
                string("download_zip"), value=path, interactive=True
            )
        }

    def _draw(
        self,
        state: PhotoState,
        selected: tuple[int, ...],
        values: Values,
        request: gr.Request,
    ) -> Updates:
        """Draw before and after, and write the message; files are out of date from now on."""
        layout, language = self._layout, language_of(request)
        min_score = values[layout.min_score]
        with translate_errors(request):
            # The format does not matter here, and may not suit the background.
            page_options = replace(layout.page_options(values), format="png")
            options = page_options.to_cutout_options(self._context.photos)
            refinement = values[layout.refinement] if options.refine else None
            photo = self._context.photos.preview(state.path)
            preview = render_preview(photo, state.segmentation, selected, options, refinement)
            before_path, before = state.preview_path, preview.before
            if before is not None:
                before_path = store_image("before", before)
            after_path = store_image("after", on_checkerboard(preview.image))
        preparing = gr.DownloadButton(string("preparing"), value=None, interactive=False)
        return {
            layout.result: (before_path, after_path),
            layout.message: message_text(state, min_score, refinement, language),
            layout.download: preparing,
            **layout.no_extras(),
        }
