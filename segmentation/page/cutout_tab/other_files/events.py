"""The handlers of the files that the tab for one photo makes on request: the mask and the ZIP.

A request waits behind the changes before it, so that the file is that of the result which the
visitor sees next; and what was made is offered in the same queue, unless a later change withdrew
it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.cutout import cut_out_each
from segmentation.image.write import encode, write_zip
from segmentation.page.components import (
    LATEST,
    QUIET,
    PageContext,
    Updates,
    Values,
    language_of,
    serial,
    skip,
    translate_errors,
)
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.other_files.component import MadeFile, OtherFile, ResultKey
from segmentation.page.cutout_tab.wiring import DRAW
from segmentation.page.photo_result import cut_out_result
from segmentation.page.server.files.downloads import store_file
from segmentation.page.server.limits.client_presence import check_client
from segmentation.page.server.limits.queue_limits import FILE_QUEUE
from segmentation.page.session import PhotoState, Shown
from segmentation.page.strings import STRINGS


class OtherFiles:
    """The handlers.

    Args:
        context: models, limits and decoded photos.
        layout: the tab's components.
    """

    def __init__(self, context: PageContext, layout: CutoutLayout) -> None:
        self._context = context
        self._layout = layout

    def wire(self, styled: set[Block], restyled: list[Any]) -> list[Any]:
        """Wire both files, and return their events.

        Args:
            styled: the components that a result depends on.
            restyled: the triggers that change the result.
        """
        layout = self._layout
        return [
            *self._wire(layout.mask, self.ask_mask, self.make_mask, styled, restyled),
            *self._wire(layout.zip, self.ask_zip, self.make_zip, styled, restyled),
        ]

    def ask_mask(self, values: Values, request: gr.Request) -> Updates:
        """Ask for the mask, if something is cut out."""
        return self._ask(self._layout.mask, lambda shown: shown.has_cutout, values, request)

    def ask_zip(self, values: Values, request: gr.Request) -> Updates:
        """Ask for the ZIP, if there is something to put into it."""
        return self._ask(self._layout.zip, lambda shown: bool(shown.selected), values, request)

    # Gradio also reports a change of a state when an event of a new page leaves it as it is: a file
    # is made only if it is wanted.

    def make_mask(self, values: Values, request: gr.Request) -> Updates:
        """Make the mask of the result, in the frame and size of the file."""
        layout = self._layout
        state = layout.open_state(values, request)
        if state is None or values[layout.mask.wanted] is None:
            return skip()
        with translate_errors(request):
            # The format of the file may not suit the background.
            options = replace(layout.page_options(values), format="png")
            refinement = values[layout.refinement]
            cutout, stem = cut_out_result(self._context.photos, state, options, refinement)
            path = store_file(f"{stem}_mask.png", encode(cutout.mask, dpi_xy=cutout.dpi_xy))
        return self._made(layout.mask, state, values, path)

    def make_zip(self, values: Values, request: gr.Request) -> Updates:
        """Make a ZIP of one PNG for each selected object."""
        layout = self._layout
        state = layout.open_state(values, request)
        if state is None or values[layout.zip.wanted] is None:
            return skip()
        selected = state.selected(values[layout.min_score])
        with translate_errors(request), TemporaryDirectory() as folder:
            layers = layout.page_options(values).for_layers()
            options = layers.to_cutout_options(self._context.photos)
            options = replace(options, strokes=state.strokes_of_each(selected))
            photo = self._context.photos.read(state.path)
            refinement = values[layout.refinement] if options.refine else None
            files = cut_out_each(
                photo,
                state.segmentation,
                selected,
                options,
                refinement,
                self._context.limits.encoding_seconds,
            )
            archive = Path(folder) / "objects.zip"
            for file in files:
                check_client()
                write_zip(archive, [file])
            path = store_file(f"{photo.stem}_objects.zip", archive.read_bytes())
        return self._made(layout.zip, state, values, path)

    def _wire(
        self,
        file: OtherFile,
        ask: Callable[..., Updates],
        make: Callable[..., Updates],
        styled: set[Block],
        restyled: list[Any],
    ) -> list[Any]:
        asking = file.make.click(
            ask, styled, [*file.outputs, self._layout.refine_request], **DRAW, **LATEST
        )
        making = file.request.change(make, styled, [file.made], **serial(FILE_QUEUE), **LATEST)
        making.failure(file.hide, None, file.outputs, **QUIET)
        showing = making.success(
            file.show,
            {file.made, file.wanted},
            [file.download],
            **DRAW,
            **QUIET,
        )
        # A file that is being made has the previous options. If they are what they were, the
        # result that follows asks for it again.
        gr.on(restyled, None, cancels=[making])
        return [asking, making, showing]

    def _ask(
        self,
        file: OtherFile,
        is_possible: Callable[[Shown], bool],
        values: Values,
        request: gr.Request,
    ) -> Updates:
        layout = self._layout
        state = layout.open_state(values, request)
        if state is None or not is_possible(state.shown(values[layout.min_score])):
            missing = "no_photo" if state is None else "select_one"
            gr.Warning(STRINGS[missing].in_language(language_of(request)))
            return file.hide()
        key = ResultKey.of(state, layout.page_options(values))
        waits = key.awaits_refinement(values[layout.refinement])
        asked = file.ask(key, now=not waits)
        return {**asked, **layout.request_refinement()} if waits else asked

    def _made(self, file: OtherFile, state: PhotoState, values: Values, path: str) -> Updates:
        key = ResultKey.of(state, self._layout.page_options(values))
        return {file.made: MadeFile(key, path)}
