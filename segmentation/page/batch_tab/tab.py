"""The tab for many photos: which event calls which handler."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.page.batch_tab.events import BatchEvents
from segmentation.page.batch_tab.layout import BatchLayout
from segmentation.page.batch_tab.store import BatchMemory
from segmentation.page.components import LATEST, PRIVATE, QUIET, PageContext, changed
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.size_events import SizeEvents
from segmentation.page.cutout_tab.wiring import unique
from segmentation.page.header import Header

# One event for each step, so that batches take turns, and a page that was closed asks for no more.
# What changes a batch waits in the same queue: it falls between two steps.
QUEUED: Mapping[str, Any] = {**QUIET, "concurrency_id": "batch", "trigger_mode": "multiple"}
# A tab is as far down as the one before it was, which on a phone hides what matters.
SCROLL_TO_TOP = "() => scrollTo(0, 0)"
SCROLL_TO_TILES = "() => document.getElementById('tiles').scrollIntoView({ block: 'center' })"


def batch_tab(
    ui: gr.Blocks,
    context: PageContext,
    header: Header,
    memory: BatchMemory,
    cutout: CutoutLayout,
    tabs: gr.Tabs,
) -> None:
    """Lay out and wire the tab; the model and the edges are those of the tab for one photo."""
    layout = BatchLayout(context.limits, cutout.controls)
    events = BatchEvents(context, header, layout, memory, cutout, tabs)
    controls: set[Block] = {*layout.controls.values()}
    _wire_memory(ui, layout, memory, events, cutout, controls)
    _wire_controls(layout, events, controls)
    layout.photos.wire()
    read = {layout.photos.paths, header.model, layout.objects, *controls}
    _wire_batch(layout, memory, events, read)
    _wire_fixes(layout, events, cutout, tabs)


def _wire_memory(
    ui: gr.Blocks,
    layout: BatchLayout,
    memory: BatchMemory,
    events: BatchEvents,
    cutout: CutoutLayout,
    controls: set[Block],
) -> None:
    settings = [layout.objects, *layout.panels.controls.values()]
    shown = unique([*settings, *layout.panels.shown, *layout.shown, *layout.photos.shown])
    ui.load(
        events.greet,
        {memory.settings, memory.key, cutout.memory, *controls},
        [*shown, memory.key, layout.opened, cutout.to_batch],
        **QUIET,
    )
    gr.on(
        [changed(item) for item in settings],
        events.remember,
        {layout.objects, *controls},
        [memory.settings],
        **LATEST,
    )


def _wire_controls(layout: BatchLayout, events: BatchEvents, controls: set[Block]) -> None:
    panels = layout.panels
    gr.on(
        [panels.background.background.input, panels.format.format.input],
        events.show_controls,
        controls,
        panels.shown,
        **LATEST,
    )
    SizeEvents(panels, layout.page_options).wire(controls, [])


def _wire_batch(
    layout: BatchLayout, memory: BatchMemory, events: BatchEvents, inputs: set[Block]
) -> None:
    paths = layout.photos.paths
    paths.change(events.allow_start, {paths}, [layout.run], **LATEST)
    layout.run.click(events.start, inputs, [*layout.shown, memory.key], **QUIET)
    advancing = gr.on(
        [layout.batch.change, layout.resume.click],
        events.advance,
        {layout.batch},
        layout.shown,
        **QUEUED,
    )
    # Refused by the limits or the disk: the rest can still be processed.
    advancing.failure(events.offer_resume, None, [layout.resume], **QUIET)
    announced = layout.stop.click(events.announce_stop, None, [layout.stop], **QUIET)
    stopping = announced.success(events.stop, {layout.batch}, [layout.batch], **QUEUED)
    stopping.failure(events.offer_stop, None, [layout.stop], **QUIET)


def _wire_fixes(
    layout: BatchLayout, events: BatchEvents, cutout: CutoutLayout, tabs: gr.Tabs
) -> None:
    opened = [layout.opened, cutout.open_request, cutout.to_batch, tabs]
    opening = layout.tiles.select(events.open_result, {layout.batch}, opened, **QUIET)
    opening.success(None, js=SCROLL_TO_TOP, **PRIVATE)
    other_photo = [cutout.examples.select, cutout.upload.upload, cutout.close_photo.click]
    gr.on(other_photo, events.leave_batch, None, [cutout.to_batch], **QUIET)
    inputs: set[Block] = {
        layout.batch,
        layout.opened,
        cutout.photo_state,
        cutout.is_open,
        cutout.min_score,
        cutout.download,
        cutout.downloads,
    }
    returning = cutout.to_batch.click(events.put_back, inputs, [*layout.shown, tabs], **QUEUED)
    returning.success(None, js=SCROLL_TO_TILES, **PRIVATE)
