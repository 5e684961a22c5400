"""The handlers of the tab for many photos. Each takes and returns values by component."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.i18n import Language
from segmentation.image.bounded.pool import MAX_DECODERS
from segmentation.page.batch_tab.batch import Batch, advance, start_batch
from segmentation.page.batch_tab.corrections import open_result, replace_cutout
from segmentation.page.batch_tab.layout import BatchLayout
from segmentation.page.batch_tab.store import BatchMemory, BatchStore, recall_objects
from segmentation.page.batch_tab.tiles import progress_html, tiles_html
from segmentation.page.components import (
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
from segmentation.page.cutout_tab.memory import recall_options, remember_options
from segmentation.page.cutout_tab.panels import set_controls
from segmentation.page.gradio_internals.files import upload_folder
from segmentation.page.header import Header
from segmentation.page.server.files.downloads import new_file_path
from segmentation.page.server.files.storage import check_free_space
from segmentation.page.strings import STRINGS
from segmentation.parallel.cores import available_cores

# Ids of the tabs that the handlers open.
CUTOUT_TAB, BATCH_TAB = "cut_out", "batch"
# The hint lies over the buttons of the tab for one photo.
FIX_HINT_SECONDS = 5


class BatchEvents:
    """The handlers.

    Args:
        context: models, limits and decoded photos.
        header: has the menu of models.
        layout: the tab's components.
        memory: what the browser keeps.
        cutout: opens results.
        tabs: all tabs.
    """

    def __init__(
        self,
        context: PageContext,
        header: Header,
        layout: BatchLayout,
        memory: BatchMemory,
        cutout: CutoutLayout,
        tabs: gr.Tabs,
    ) -> None:
        self._context = context
        self._model = header.model
        self._layout = layout
        self._memory = memory
        self._cutout = cutout
        self._tabs = tabs
        self._batches = BatchStore()

    def greet(self, values: Values, request: gr.Request) -> Updates:
        """Show the settings and the batch of the page before it was loaded again."""
        layout, settings = self._layout, self._recall_settings(values)
        language = language_of(request)
        batch = self._batches.find(values[self._memory.key])
        if batch is None:
            return {**settings, **self._forget(values, request)} or skip()
        photos = [result.path for result in batch.done] + [path for path, _ in batch.todo]
        return {
            **settings,
            **self._show(batch, language),
            **layout.photos.show([str(path) for path in photos if path.exists()], language),
            layout.stop: gr.Button(visible=not batch.finished),
            **self._find_open_photo(batch, values[self._cutout.memory]),
        }

    def remember(self, values: Values) -> Updates:
        """Let the browser keep the settings."""
        layout = self._layout
        options = remember_options(layout.page_options(values))
        return {self._memory.settings: {"objects": values[layout.objects], "options": options}}

    def show_controls(self, values: Values) -> Updates:
        """Show the controls that belong to the kind of background and to the format."""
        return self._layout.panels.show(self._layout.page_options(values))

    def allow_start(self, values: Values) -> Updates:
        """Let the visitor start a batch once there are photos, and not while they are uploaded.

        A list that the server has forgotten can be started too: `start` says what to do.
        """
        return {self._layout.run: gr.Button(interactive=values[self._layout.photos.paths] != ())}

    def start(self, values: Values, request: gr.Request) -> Updates:
        """Start a batch; each of its steps is then an event of its own."""
        layout = self._layout
        paths = require(values[layout.photos.paths], request)
        with translate_errors(request):
            batch = start_batch(
                [Path(path) for path in paths],
                new_file_path("cutouts.zip"),
                values[self._model],
                values[layout.objects],
                layout.page_options(values),
                self._context.photos,
                min(available_cores(), MAX_DECODERS),
            )
        return {
            **self._show(self._batches.keep(batch), language_of(request)),
            self._memory.key: batch.key,
            layout.stop: gr.Button(string("stop"), visible=True, interactive=True),
        }

    def advance(self, values: Values, request: gr.Request) -> Updates:
        """Process the next photos."""
        if values[self._layout.batch] is None:
            return skip()
        language = language_of(request)
        with translate_errors(request):
            batch = self._newest(values, request)
            segmenter = self._context.registry.segmenter(batch.model)
            # A photo's file may still be added, unless the space is used up already.
            check_free_space(upload_folder(), 0)
            batch = self._batches.keep(advance(batch, segmenter, self._context.photos, language))
        return {
            **self._show(batch, language),
            self._layout.stop: gr.Button(visible=not batch.finished),
        }

    def stop(self, values: Values, request: gr.Request) -> Updates:
        """Leave out the photos that still wait."""
        batch = self._newest(values, request).stop()
        return {self._layout.batch: self._batches.keep(batch)}

    def offer_resume(self) -> Updates:
        """Offer to resume the batch after an error."""
        return {self._layout.resume: gr.Button(visible=True)}

    def announce_stop(self) -> Updates:
        """Say that the batch stops after the current step."""
        return {self._layout.stop: gr.Button(string("stopping"), interactive=False)}

    def offer_stop(self) -> Updates:
        """Offer to stop again, after stopping failed."""
        return {self._layout.stop: gr.Button(string("stop"), interactive=True)}

    def open_result(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Open the photo of the tile that was clicked in the tab for one photo."""
        batch, language = self._newest(values, request), language_of(request)
        index = selected_index(event, batch.done)
        gr.Info(STRINGS["fix_hint"].in_language(language), duration=FIX_HINT_SECONDS)
        return {
            self._layout.opened: index,
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
        batch = self._newest(values, request)
        if not values[cutout.download]:
            gr.Warning(STRINGS["file_not_ready"].in_language(language))
            return skip()
        with translate_errors(request):
            fixed = replace_cutout(
                batch,
                values[self._layout.opened],
                cutout.state(values, request),
                values[cutout.min_score],
                Path(values[cutout.downloads][-1]),
                new_file_path("cutouts.zip"),
                self._context.limits,
            )
        if fixed is None:
            gr.Warning(STRINGS["not_from_batch"].in_language(language))
            return skip()
        shown = self._show(self._batches.keep(fixed), language)
        return {**shown, self._tabs: gr.Tabs(selected=BATCH_TAB)}

    def _newest(self, values: Values, request: gr.Request) -> Batch:
        """Return the newest state of the batch that the page shows.

        Raises:
            gr.Error: Gradio dropped the page's state.
        """
        batch: Batch = require(values[self._layout.batch], request)
        return self._batches.newest(batch)

    def _recall_settings(self, values: Values) -> Updates:
        """Set the controls as the browser remembers them, if it does."""
        layout, memory = self._layout, values[self._memory.settings]
        if memory is None:  # what a visitor chose while the page was loading stays
            return {}
        controls, panels = layout.panels.controls, layout.panels
        options = recall_options(memory, controls, layout.page_options(values))
        settings = set_controls(controls, panels.show(options), options)
        return {**settings, layout.objects: recall_objects(memory)}

    def _forget(self, values: Values, request: gr.Request) -> Updates:
        """Say that the batch which the browser remembers is gone."""
        if not values[self._memory.key]:
            return {}
        text = STRINGS["batch_deleted"].in_language(language_of(request))
        return {self._memory.key: None, self._layout.state: gr.HTML(text, visible=True)}

    def _find_open_photo(self, batch: Batch, memory: Any) -> Updates:
        """Offer the way back if the photo that the other tab opens again is from the batch."""
        path = memory.get("path") if isinstance(memory, dict) else None
        paths = [str(result.path) for result in batch.done]
        if path not in paths:
            return {}
        return {
            self._layout.opened: paths.index(path),
            self._cutout.to_batch: gr.Button(visible=True),
        }

    def _show(self, batch: Batch, language: Language) -> dict[Block, Any]:
        layout = self._layout
        archive = str(batch.archive) if batch.finished else None
        return {
            layout.batch: batch,
            layout.tiles: gr.HTML(tiles_html(batch, language), visible=True),
            layout.state: gr.HTML(progress_html(batch, language), visible=True),
            layout.download: gr.DownloadButton(
                value=archive, visible=True, interactive=batch.finished
            ),
            layout.run: gr.Button(visible=batch.finished, variant="secondary"),
            layout.resume: gr.Button(visible=False),
        }
