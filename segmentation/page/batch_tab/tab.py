"""The tab for many photos: layout, wiring and handlers."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.i18n import Language
from segmentation.page.batch_tab.batch import BATCH_RULES, Batch, advance, overview, start_batch
from segmentation.page.components import (
    PRIVATE,
    QUIET,
    STATE_SECONDS,
    PageContext,
    Updates,
    Values,
    language_of,
    require,
    skip,
    string,
    translate_errors,
)
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.gradio_internals import upload_folder
from segmentation.page.header import Header
from segmentation.page.options import PageOptions
from segmentation.page.server.files import new_file_path
from segmentation.page.server.storage import check_free_space
from segmentation.page.strings import STRINGS


class BatchTab:
    """Lay out and wire the tab; model and options are those of the tab for one photo.

    Args:
        ui: the page.
        context: models, limits and decoded photos.
        header: has the menu of models.
        cutout: has the controls.
    """

    def __init__(
        self, ui: gr.Blocks, context: PageContext, header: Header, cutout: CutoutLayout
    ) -> None:
        self._context = context
        self._model = header.model
        self._controls = cutout.controls
        self._lay_out()
        self._wire(ui)

    def _lay_out(self) -> None:
        self.batch = gr.State(None, time_to_live=STATE_SECONDS)
        self.intro = gr.Markdown()
        self.photos = gr.File(label=string("photos"), file_count="multiple", height=200)
        # As in `photo_button`; Gradio's own would also leave an empty file behind for each.
        setattr(self.photos, "preprocess", lambda files: [file.path for file in files or ()])  # noqa: B010
        self.objects = gr.Radio(BATCH_RULES, value="auto", label=string("batch_objects"))
        self.run = gr.Button(string("run_batch"), variant="primary")
        self.stop = gr.Button(string("stop"), visible=False)
        self.resume = gr.Button(string("resume"), variant="primary", visible=False)
        self.state = gr.Markdown()
        self.download = gr.DownloadButton(string("download_zip"), variant="primary", visible=False)
        self.rows = gr.Dataframe(
            visible=False, interactive=False, wrap=True, buttons=[], column_widths=["40%", "60%"]
        )

    def _wire(self, ui: gr.Blocks) -> None:
        shown = [
            self.batch,
            self.rows,
            self.state,
            self.download,
            self.run,
            self.stop,
            self.resume,
        ]
        # One event for each photo, so that batches take turns, and a page that was closed asks for
        # no more. Stopping waits in the same queue: it falls between two photos.
        queued = {**QUIET, "concurrency_id": "batch", "trigger_mode": "multiple"}
        inputs: set[Block] = {self.photos, self._model, self.objects, *self._controls.values()}
        ui.load(self.greet, None, [self.intro, self.objects], **PRIVATE)
        self.run.click(self.start_batch, inputs, shown, **QUIET)
        advancing = gr.on(
            [self.batch.change, self.resume.click],
            self.advance_batch,
            {self.batch},
            shown,
            **queued,
        )
        # Refused by the limits or the disk: the rest can still be processed.
        advancing.failure(self.offer_resume, None, [self.resume], **QUIET)
        announced = self.stop.click(self.announce_stop, None, [self.stop], **QUIET)
        stopping = announced.success(self.stop_batch, {self.batch}, [self.batch], **queued)
        stopping.failure(self.offer_stop, None, [self.stop], **QUIET)

    def greet(self, request: gr.Request) -> Updates:
        """Show the tab in the visitor's language."""
        language, limits = language_of(request), self._context.limits
        intro = STRINGS["batch_intro"].in_language(language)
        rules = [(STRINGS[rule].in_language(language), rule) for rule in BATCH_RULES]
        return {
            self.intro: intro.format(photos=limits.batch_photos, megabytes=limits.batch_megabytes),
            self.objects: gr.Radio(choices=rules),
        }

    def start_batch(self, values: Values, request: gr.Request) -> Updates:
        """Start a batch; each photo is then an event of its own."""
        with translate_errors(request):
            batch = start_batch(
                [Path(path) for path in values[self.photos]],
                new_file_path("cutouts.zip"),
                values[self._model],
                values[self.objects],
                PageOptions(**{name: values[item] for name, item in self._controls.items()}),
                self._context.photos,
            )
        stop = gr.Button(string("stop"), visible=True, interactive=True)
        return {**self._show(batch, language_of(request)), self.stop: stop}

    def advance_batch(self, values: Values, request: gr.Request) -> Updates:
        """Process the next photo."""
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
            self.rows: gr.Dataframe(overview(batch, language), headers=headers, visible=True),
            self.state: text.format(done=len(batch.done), all=total, files=files),
            self.download: gr.DownloadButton(value=archive, visible=batch.finished),
            self.run: gr.Button(visible=batch.finished),
            self.resume: gr.Button(visible=False),
        }
