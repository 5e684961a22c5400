"""The tab for many photos: which event calls which handler, and the handlers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.i18n import Language
from segmentation.image.bounded.pool import MAX_DECODERS
from segmentation.page.batch_tab.batch import Batch, advance, overview, start_batch
from segmentation.page.batch_tab.corrections import open_result, replace_cutout
from segmentation.page.batch_tab.layout import BatchLayout
from segmentation.page.batch_tab.tiles import tiles_html
from segmentation.page.components import (
    LATEST,
    QUIET,
    PageContext,
    Updates,
    Values,
    language_of,
    require,
    selected_index,
    skip,
    string,
    translate_errors,
)
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.size_events import SizeEvents
from segmentation.page.gradio_internals import upload_folder
from segmentation.page.header import Header
from segmentation.page.server.files.downloads import new_file_path
from segmentation.page.server.files.storage import check_free_space
from segmentation.page.strings import STRINGS
from segmentation.parallel.cores import available_cores

# Ids of the tabs that this one opens.
CUTOUT_TAB, BATCH_TAB = "cut_out", "batch"
# One event for each step, so that batches take turns, and a page that was closed asks for no more.
# What changes a batch waits in the same queue: it falls between two steps.
QUEUED: Mapping[str, Any] = {**QUIET, "concurrency_id": "batch", "trigger_mode": "multiple"}


class BatchTab:
    """Lay out and wire the tab; the model and the edges are those of the tab for one photo.

    Args:
        context: models, limits and decoded photos.
        header: has the menu of models.
        cutout: has the other controls, and opens results.
        tabs: all tabs.
    """

    def __init__(
        self, context: PageContext, header: Header, cutout: CutoutLayout, tabs: gr.Tabs
    ) -> None:
        self._context = context
        self._model = header.model
        self._cutout = cutout
        self._tabs = tabs
        self._layout = BatchLayout(context.limits, cutout.controls)
        self._wire_controls()
        self._wire_batch()
        self._wire_fixes()

    def _wire_controls(self) -> None:
        layout, panels = self._layout, self._layout.panels
        controls: set[Block] = {*layout.controls.values()}
        gr.on(
            [panels.background.background.input, panels.format.format.input],
            self.show_controls,
            controls,
            panels.shown,
            **LATEST,
        )
        SizeEvents(panels, layout.page_options).wire(controls, [])

    def _wire_batch(self) -> None:
        layout = self._layout
        inputs: set[Block] = {
            layout.photos,
            self._model,
            layout.objects,
            *layout.controls.values(),
        }
        layout.run.click(self.start_batch, inputs, layout.shown, **QUIET)
        advancing = gr.on(
            [layout.batch.change, layout.resume.click],
            self.advance_batch,
            {layout.batch},
            layout.shown,
            **QUEUED,
        )
        # Refused by the limits or the disk: the rest can still be processed.
        advancing.failure(self.offer_resume, None, [layout.resume], **QUIET)
        announced = layout.stop.click(self.announce_stop, None, [layout.stop], **QUIET)
        stopping = announced.success(self.stop_batch, {layout.batch}, [layout.batch], **QUEUED)
        stopping.failure(self.offer_stop, None, [layout.stop], **QUIET)

    def _wire_fixes(self) -> None:
        layout, cutout = self._layout, self._cutout
        opened = [cutout.open_request, cutout.to_batch, self._tabs]
        layout.tiles.select(self.open_result, {layout.batch}, opened, **QUIET)
        other_photo = [cutout.examples.select, cutout.upload.upload, cutout.close_photo.click]
        gr.on(other_photo, self.leave_batch, None, [cutout.to_batch], **QUIET)
        inputs: set[Block] = {
            layout.batch,
            cutout.photo_state,
            cutout.is_open,
            cutout.min_score,
            cutout.download,
            cutout.downloads,
        }
        cutout.to_batch.click(self.put_back, inputs, [*layout.shown, self._tabs], **QUEUED)

    def show_controls(self, values: Values) -> Updates:
        """Show the controls that belong to the kind of background and to the format."""
        return self._layout.panels.show(self._layout.page_options(values))

    def open_result(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Open the photo of the tile that was clicked in the tab for one photo."""
        batch: Batch = require(values[self._layout.batch], request)
        index = selected_index(event, batch.done)
        gr.Info(STRINGS["fix_hint"].in_language(language_of(request)))
        return {
            self._cutout.open_request: open_result(batch, index),
            self._cutout.to_batch: gr.Button(visible=True),
            self._tabs: gr.Tabs(selected=CUTOUT_TAB),
        }

    def leave_batch(self) -> Updates:
        """Hide the way back: the photo that is opened now is not from the batch."""
        return {self._cutout.to_batch: gr.Button(visible=False)}

    def put_back(self, values: Values, request: gr.Request) -> Updates:
        """Put the file of the open photo into the ZIP, and show the batch."""
        cutout, language = self._cutout, language_of(request)
        batch: Batch = require(values[self._layout.batch], request)
        if not values[cutout.download]:
            gr.Warning(STRINGS["file_not_ready"].in_language(language))
            return skip()
        with translate_errors(request):
            fixed = replace_cutout(
                batch,
                cutout.state(values, request),
                values[cutout.min_score],
                Path(values[cutout.downloads][-1]),
                new_file_path("cutouts.zip"),
                self._context.limits,
            )
        if fixed is None:
            gr.Warning(STRINGS["not_from_batch"].in_language(language))
            return skip()
        return {**self._show(fixed, language), self._tabs: gr.Tabs(selected=BATCH_TAB)}

    def start_batch(self, values: Values, request: gr.Request) -> Updates:
        """Start a batch; each of its steps is then an event of its own."""
        with translate_errors(request):
            batch = start_batch(
                [Path(path) for path in values[self._layout.photos]],
                new_file_path("cutouts.zip"),
                values[self._model],
                values[self._layout.objects],
                self._layout.page_options(values),
                self._context.photos,
                min(available_cores(), MAX_DECODERS),
            )
        stop = gr.Button(string("stop"), visible=True, interactive=True)
        return {**self._show(batch, language_of(request)), self._layout.stop: stop}

    def advance_batch(self, values: Values, request: gr.Request) -> Updates:
        """Process the next photos."""
        batch: Batch | None = values[self._layout.batch]
        if batch is None:
            return skip()
        language = language_of(request)
        with translate_errors(request):
            segmenter = self._context.registry.segmenter(batch.model)
            # A photo's file may still be added, unless the space is used up already.
            check_free_space(upload_folder(), 0)
            batch = advance(batch, segmenter, self._context.photos, language)
        return {
            **self._show(batch, language),
            self._layout.stop: gr.Button(visible=not batch.finished),
        }

    def stop_batch(self, values: Values, request: gr.Request) -> Updates:
        """Leave out the photos that still wait."""
        batch: Batch | None = values[self._layout.batch]
        return {self._layout.batch: require(batch, request).stop()}

    def offer_resume(self) -> Updates:
        """Offer to resume the batch after an error."""
        return {self._layout.resume: gr.Button(visible=True)}

    def announce_stop(self) -> Updates:
        """Say that the batch stops after the current step."""
        return {self._layout.stop: gr.Button(string("stopping"), interactive=False)}

    def offer_stop(self) -> Updates:
        """Offer to stop again, after stopping failed."""
        return {self._layout.stop: gr.Button(string("stop"), interactive=True)}

    def _show(self, batch: Batch, language: Language) -> dict[Block, Any]:
        layout = self._layout
        headers = [STRINGS[key].in_language(language) for key in ("photo", "outcome")]
        text = STRINGS["batch_state"].in_language(language)
        files = sum(result.file is not None for result in batch.done)
        total = len(batch.done) + len(batch.todo)
        archive = str(batch.archive) if batch.finished else None
        return {
            layout.batch: batch,
            layout.tiles: gr.HTML(tiles_html(batch, language), visible=True),
            layout.rows: gr.Dataframe(overview(batch, language), headers=headers, visible=True),
            layout.state: text.format(done=len(batch.done), all=total, files=files),
            layout.download: gr.DownloadButton(value=archive, visible=batch.finished),
            layout.run: gr.Button(visible=batch.finished),
            layout.resume: gr.Button(visible=False),
        }
