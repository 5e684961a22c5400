"""The tab for many photos: layout, wiring and handlers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.i18n import Language
from segmentation.image.bounded.pool import MAX_DECODERS
from segmentation.page.batch_tab.batch import BATCH_RULES, Batch, advance, overview, start_batch
from segmentation.page.batch_tab.corrections import open_result, replace_cutout
from segmentation.page.batch_tab.tiles import tiles_html
from segmentation.page.components import (
    LATEST,
    PRIVATE,
    QUIET,
    STATE_SECONDS,
    PageContext,
    Updates,
    Values,
    button_list,
    choices,
    language_of,
    require,
    skip,
    string,
    translate_errors,
)
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.panels import (
    BackgroundPanel,
    EffectsPanel,
    FormatPanel,
    FramePanel,
)
from segmentation.page.gradio_internals import upload_folder
from segmentation.page.header import Header
from segmentation.page.options import PageOptions
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
        ui: the page.
        context: models, limits and decoded photos.
        header: has the menu of models.
        cutout: has the other controls, and opens results.
        tabs: all tabs.
    """

    def __init__(
        self,
        ui: gr.Blocks,
        context: PageContext,
        header: Header,
        cutout: CutoutLayout,
        tabs: gr.Tabs,
    ) -> None:
        self._context = context
        self._model = header.model
        self._cutout = cutout
        self._tabs = tabs
        self._lay_out()
        self._controls = dict(cutout.controls)
        for panel in (self.background, self.effects, self.frame, self.format):
            self._controls.update(panel.controls)
        self._shown: list[Block] = [
            self.batch,
            self.tiles,
            self.rows,
            self.state,
            self.download,
            self.run,
            self.stop,
            self.resume,
        ]
        self._wire(ui)
        self._wire_fixes()

    def _lay_out(self) -> None:
        self.batch = gr.State(None, time_to_live=STATE_SECONDS)
        self.intro = gr.Markdown()
        self.photos = gr.File(label=string("photos"), file_count="multiple", height=200)
        # As in `photo_button`; Gradio's own would also leave an empty file behind for each.
        setattr(self.photos, "preprocess", lambda files: [file.path for file in files or ()])  # noqa: B010
        self.objects = gr.Radio(choices(BATCH_RULES), value="auto", label=string("batch_objects"))
        with gr.Accordion(string("batch_settings"), open=False):
            self.background, self.effects = BackgroundPanel(), EffectsPanel()
            self.frame, self.format = FramePanel(), FormatPanel()
        self.run = gr.Button(string("run_batch"), variant="primary")
        self.stop = gr.Button(string("stop"), visible=False)
        self.resume = gr.Button(string("resume"), variant="primary", visible=False)
        self.state = gr.Markdown()
        self.download = gr.DownloadButton(string("download_zip"), variant="primary", visible=False)
        self.tiles = button_list(visible=False, elem_id="tiles")
        self.rows = gr.Dataframe(
            visible=False, interactive=False, wrap=True, buttons=[], column_widths=["40%", "60%"]
        )

    def _wire(self, ui: gr.Blocks) -> None:
        inputs: set[Block] = {self.photos, self._model, self.objects, *self._controls.values()}
        ui.load(self.greet, None, [self.intro], **PRIVATE)
        self.run.click(self.start_batch, inputs, self._shown, **QUIET)
        advancing = gr.on(
            [self.batch.change, self.resume.click],
            self.advance_batch,
            {self.batch},
            self._shown,
            **QUEUED,
        )
        # Refused by the limits or the disk: the rest can still be processed.
        advancing.failure(self.offer_resume, None, [self.resume], **QUIET)
        announced = self.stop.click(self.announce_stop, None, [self.stop], **QUIET)
        stopping = announced.success(self.stop_batch, {self.batch}, [self.batch], **QUEUED)
        stopping.failure(self.offer_stop, None, [self.stop], **QUIET)
        gr.on(
            [self.background.background.input, self.format.format.input],
            self.show_controls,
            {self.background.background, self.format.format},
            [*self.background.shown, self.frame.frame, *self.format.shown],
            **LATEST,
        )

    def _wire_fixes(self) -> None:
        cutout = self._cutout
        opened = [cutout.open_request, cutout.to_batch, self._tabs]
        self.tiles.select(self.open_result, {self.batch}, opened, **QUIET)
        other_photo = [cutout.examples.select, cutout.upload.upload, cutout.close_photo.click]
        gr.on(other_photo, self.leave_batch, None, [cutout.to_batch], **QUIET)
        inputs: set[Block] = {
            self.batch,
            cutout.photo_state,
            cutout.is_open,
            cutout.min_score,
            cutout.download,
            cutout.downloads,
        }
        cutout.to_batch.click(self.put_back, inputs, [*self._shown, self._tabs], **QUEUED)

    def greet(self, request: gr.Request) -> Updates:
        """Show the tab in the visitor's language."""
        language, limits = language_of(request), self._context.limits
        intro = STRINGS["batch_intro"].in_language(language)
        return {
            self.intro: intro.format(photos=limits.batch_photos, megabytes=limits.batch_megabytes)
        }

    def show_controls(self, values: Values) -> Updates:
        """Show the controls that belong to the kind of background and to the format."""
        return {
            **self.background.show(values[self.background.background]),
            **self.frame.show(values[self.background.background]),
            **self.format.show(values[self.format.format]),
        }

    def open_result(self, values: Values, event: gr.SelectData, request: gr.Request) -> Updates:
        """Open the photo of the tile that was clicked in the tab for one photo."""
        batch: Batch = require(values[self.batch], request)
        gr.Info(STRINGS["fix_hint"].in_language(language_of(request)))
        return {
            self._cutout.open_request: open_result(batch, event.index),
            self._cutout.to_batch: gr.Button(visible=True),
            self._tabs: gr.Tabs(selected=CUTOUT_TAB),
        }

    def leave_batch(self) -> Updates:
        """Hide the way back: the photo that is opened now is not from the batch."""
        return {self._cutout.to_batch: gr.Button(visible=False)}

    def put_back(self, values: Values, request: gr.Request) -> Updates:
        """Put the file of the open photo into the ZIP, and show the batch."""
        cutout, language = self._cutout, language_of(request)
        batch: Batch = require(values[self.batch], request)
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
                [Path(path) for path in values[self.photos]],
                new_file_path("cutouts.zip"),
                values[self._model],
                values[self.objects],
                PageOptions(**{name: values[item] for name, item in self._controls.items()}),
                self._context.photos,
                min(available_cores(), MAX_DECODERS),
            )
        stop = gr.Button(string("stop"), visible=True, interactive=True)
        return {**self._show(batch, language_of(request)), self.stop: stop}

    def advance_batch(self, values: Values, request: gr.Request) -> Updates:
        """Process the next photos."""
        batch: Batch | None = values[self.batch]
        if batch is None:
            return skip()
        language = language_of(request)
        with translate_errors(request):
            segmenter = self._context.registry.segmenter(batch.model)
            # A photo's file may still be added, unless the space is used up already.
            check_free_space(upload_folder(), 0)
            batch = advance(batch, segmenter, self._context.photos, language)
        return {**self._show(batch, language), self.stop: gr.Button(visible=not batch.finished)}

    def stop_batch(self, values: Values, request: gr.Request) -> Updates:
        """Leave out the photos that still wait."""
        batch: Batch | None = values[self.batch]
        return {self.batch: require(batch, request).stop()}

    def offer_resume(self) -> Updates:
        """Offer to resume the batch after an error."""
        return {self.resume: gr.Button(visible=True)}

    def announce_stop(self) -> Updates:
        """Say that the batch stops after the current photo."""
        return {self.stop: gr.Button(string("stopping"), interactive=False)}

    def offer_stop(self) -> Updates:
        """Offer to stop again, after stopping failed."""
        return {self.stop: gr.Button(string("stop"), interactive=True)}

    def _show(self, batch: Batch, language: Language) -> dict[Block, Any]:
        headers = [STRINGS[key].in_language(language) for key in ("photo", "outcome")]
        text = STRINGS["batch_state"].in_language(language)
        files = sum(result.file is not None for result in batch.done)
        total = len(batch.done) + len(batch.todo)
        archive = str(batch.archive) if batch.finished else None
        return {
            self.batch: batch,
            self.tiles: gr.HTML(tiles_html(batch, language), visible=True),
            self.rows: gr.Dataframe(overview(batch, language), headers=headers, visible=True),
            self.state: text.format(done=len(batch.done), all=total, files=files),
            self.download: gr.DownloadButton(value=archive, visible=batch.finished),
            self.run: gr.Button(visible=batch.finished),
            self.resume: gr.Button(visible=False),
        }
