"""The tab that cuts objects out of one photo: which event calls which handler.

Each change shows its result in its own answer; the second inference and the file follow. Each step
asks for the next one by changing a request state, so that a step that is not needed is never
queued: a new background, for example, does not wait for the device. All events that change what
the page remembers of a photo run in one queue, one after the other, so that none is lost.
"""

from typing import Any

import gradio as gr

from segmentation.page.canvas.canvas import tell_canvas
from segmentation.page.components import LATEST, PRIVATE, QUIET, PageContext, changed, serial
from segmentation.page.cutout_tab.drawing import Drawing
from segmentation.page.cutout_tab.edit_events import EditEvents
from segmentation.page.cutout_tab.edit_wiring import wire_edits
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.other_files.events import OtherFiles
from segmentation.page.cutout_tab.photo_events import PhotoEvents
from segmentation.page.cutout_tab.result_events import ResultEvents
from segmentation.page.cutout_tab.size_events import NumberEvents, SizeEvents
from segmentation.page.cutout_tab.wiring import (
    DRAW,
    all_controls,
    result_inputs,
    result_outputs,
    unique,
)
from segmentation.page.header import Header
from segmentation.page.server.limits.queue_limits import FILE_QUEUE

# Scripts of assets/, which events call instead of the server.
CHOOSE_PHOTO = "() => choosePhoto()"
FORGET_EXAMPLE = "() => forgetExample()"
COPY_FILE, SHARE_FILE = "(file) => copyFile(file)", "(file) => shareFile(file)"


def cutout_tab(ui: gr.Blocks, context: PageContext, header: Header) -> CutoutLayout:
    """Lay out and wire the tab; the other tabs use its components."""
    layout = CutoutLayout(context.registry.card())
    photo_events = PhotoEvents(context, header, layout)
    drawing = Drawing(context, layout)
    result_events = ResultEvents(context, layout, drawing)
    edit_events = EditEvents(context, layout, drawing)
    greeting = ui.load(
        photo_events.greet,
        {layout.memory, *layout.controls.values()},
        [
            header.status,
            header.model,
            layout.memory,
            layout.open_request,
            *all_controls(layout),
        ],
        **QUIET,
    )
    greeting.then(None, js=FORGET_EXAMPLE, **PRIVATE)
    device = context.device_queue
    restyled = _wire_controls(layout, photo_events)
    other_files = OtherFiles(context, layout)
    steps = _wire_steps(layout, result_events, other_files, restyled, device)
    edits = wire_edits(layout, edit_events, device)
    running = [*steps, *edits]
    opening = _wire_opening(header, layout, photo_events, running, device)
    changing = _wire_model(header, layout, photo_events, device)
    _wire_closing(header, layout, photo_events, [*running, *opening, changing])
    _wire_actions(layout)
    return layout


def _wire_controls(layout: CutoutLayout, events: PhotoEvents) -> list[Any]:
    """Wire the events that show and hide controls. Returns the triggers that change the result."""
    gr.on(
        [
            layout.background_panel.background.input,
            layout.background_panel.colour.input,
            layout.format_panel.format.input,
        ],
        events.show_controls,
        {*layout.controls.values()},
        layout.panels.shown,
        **LATEST,
    )
    size_events = SizeEvents(layout.panels, layout.page_options, layout.request_drawing)
    size_events.wire({*layout.controls.values()}, [layout.draw_request])
    NumberEvents(layout).wire()
    # Their handlers ask for the result themselves.
    wired = {layout.size_panel.kind, *layout.size_panel.numbers}
    styles = (item for item in layout.controls.values() if item not in wired)
    return [changed(item) for item in styles]


def _wire_steps(
    layout: CutoutLayout,
    events: ResultEvents,
    other_files: OtherFiles,
    restyled: list[Any],
    device: dict[str, Any],
) -> list[Any]:
    """Wire the steps from the photo's state to the file, and return their events."""
    styled, drawn = result_inputs(layout), result_outputs(layout)
    drawing = gr.on(
        [layout.draw_request.change, *restyled], events.draw, styled, drawn, **DRAW, **LATEST
    )
    refining = layout.refine_request.change(
        events.refine, styled, [layout.refinement], **device, **LATEST
    )
    redrawing = refining.success(events.draw_refined, styled, drawn, **DRAW, **LATEST)
    exporting = layout.export_request.change(
        events.export,
        styled,
        [layout.download, layout.size_notice, layout.downloads, layout.exported],
        **serial(FILE_QUEUE),
        **LATEST,
    )
    exporting.success(None, [layout.download], js=tell_canvas("file", "value?.url"), **PRIVATE)
    # After an error, or a refusal by the limits, the announced file is never made.
    exporting.failure(layout.no_file, None, [layout.download, layout.size_notice], **QUIET)
    for step in (drawing, refining, redrawing):
        step.failure(layout.no_files, None, layout.files, **QUIET)
    return [drawing, refining, redrawing, exporting, *other_files.wire(styled, restyled)]


def _wire_opening(
    header: Header,
    layout: CutoutLayout,
    events: PhotoEvents,
    running: list[Any],
    device: dict[str, Any],
) -> list[Any]:
    """Wire the events that open a photo, and return them."""
    opened = [
        layout.photo_state,
        layout.min_score,
        layout.photo_area,
        layout.is_open,
        layout.draw_request,
        header.status,
    ]
    options: dict[str, Any] = {
        **PRIVATE,
        **device,
        "show_progress_on": [layout.opening, layout.canvas],
    }
    # Events of the previous photo are cancelled before the next one is opened.
    other_photo = [layout.examples.select, layout.upload.upload, layout.open_request.change]
    gr.on(other_photo, None, cancels=running)
    opening: list[Any] = [
        layout.upload.upload(events.open_photo, {layout.upload, header.model}, opened, **options),
        layout.examples.select(
            events.open_example,
            {header.model},
            opened,
            trigger_mode="always_last",
            **options,
        ),
        layout.open_request.change(
            events.open_requested,
            {layout.open_request, layout.photo_state},
            unique([*opened, header.model, layout.model_in_use, *all_controls(layout)]),
            **options,
        ),
    ]
    for event in opening:
        # The page still shows the result of the previous photo, and offers its file.
        event.failure(layout.request_drawing, None, [layout.draw_request], **QUIET)
    gr.on([button.click for button in layout.cancel_buttons], None, cancels=opening)
    return opening


def _wire_model(
    header: Header, layout: CutoutLayout, events: PhotoEvents, device: dict[str, Any]
) -> Any:
    """Wire the event that changes the model, and return it."""
    changing = header.model.select(
        events.change_model,
        {header.model, layout.photo_state},
        [
            layout.model_in_use,
            layout.photo_state,
            layout.min_score,
            layout.draw_request,
            header.status,
        ],
        show_progress_on=header.model,
        **PRIVATE,
        **device,
    )
    changing.failure(events.keep_model, {layout.model_in_use}, [header.model], **QUIET)
    return changing


def _wire_closing(
    header: Header, layout: CutoutLayout, events: PhotoEvents, running: list[Any]
) -> None:
    """Wire the event that closes the photo and cancels its other events."""
    layout.close_photo.click(
        events.start_over,
        {header.model, layout.memory},
        [
            layout.photo_state,
            layout.memory,
            layout.upload,
            layout.photo_area,
            layout.canvas,
            layout.view,
            layout.min_score,
            layout.is_open,
            *layout.files,
        ],
        cancels=running,
        **QUIET,
    )


def _wire_actions(layout: CutoutLayout) -> None:
    """Wire the buttons that act in the browser alone."""
    layout.new_photo.click(None, js=CHOOSE_PHOTO, **PRIVATE)
    layout.copy.click(None, [layout.download], js=COPY_FILE, **PRIVATE)
    layout.share.click(None, [layout.download], js=SHARE_FILE, **PRIVATE)
