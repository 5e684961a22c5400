"""The tab that cuts objects out of one photo: which event calls which handler.

A change of the photo's state draws the objects, then the result, then makes the file. Each step
asks for the next one by changing a request state, so that a step that is not needed is never
queued: a new background, for example, does not wait for the device.
"""

from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.page.components import LATEST, PRIVATE, QUIET, PageContext, serial
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.photo_events import PhotoEvents
from segmentation.page.cutout_tab.result_events import ResultEvents
from segmentation.page.header import Header
from segmentation.page.server.queue_limits import DEVICE_QUEUE, FILE_QUEUE

# Scripts of assets/, which buttons call instead of the server.
CHOOSE_PHOTO = "() => choosePhoto()"
COPY_FILE, SHARE_FILE = "(file) => copyFile(file)", "(file) => shareFile(file)"


def cutout_tab(ui: gr.Blocks, context: PageContext, header: Header) -> CutoutLayout:
    """Lay out and wire the tab; the other tabs use its components."""
    layout = CutoutLayout(context.registry.card())
    photo_events = PhotoEvents(context, header, layout)
    result_events = ResultEvents(context, layout)
    greeting = ui.load(photo_events.greet, None, [header.status, header.model], **PRIVATE)
    # As many photos at a time as the engine takes.
    concurrency = context.registry.segmenter().max_concurrency
    device: dict[str, Any] = {"concurrency_id": DEVICE_QUEUE, "concurrency_limit": concurrency}
    restyled = _wire_controls(layout, photo_events)
    steps = _wire_steps(layout, result_events, restyled, device)
    opening = _wire_opening(header, layout, photo_events, [greeting, *steps], device)
    changing = _wire_model(header, layout, photo_events, device)
    _wire_closing(header, layout, photo_events, [*steps, *opening, changing])
    _wire_selection(layout, photo_events)
    _wire_actions(layout)
    return layout


def _wire_controls(layout: CutoutLayout, events: PhotoEvents) -> list[Any]:
    """Wire the events that show and hide controls. Returns the triggers that change the result."""
    layout.background.input(
        events.show_background_controls,
        {layout.background},
        [
            layout.colour,
            layout.colour_below,
            layout.backdrop_area,
            layout.fit,
            layout.place_area,
            layout.frame,
        ],
        **LATEST,
    )
    layout.format.input(events.show_quality, {layout.format}, [layout.quality], **LATEST)
    sliders = [layout.softness, layout.grow, layout.scale, layout.x, layout.y, layout.quality]
    others: list[Any] = [
        layout.fine_hair,
        layout.refine,
        layout.background,
        layout.colour,
        layout.colour_below,
        layout.fit,
        layout.outline,
        layout.shadow,
        layout.frame,
        layout.format,
    ]
    released = [slider.release for slider in sliders]
    return [*released, *(control.input for control in others), layout.backdrop.upload]


def _wire_steps(
    layout: CutoutLayout, events: ResultEvents, restyled: list[Any], device: dict[str, Any]
) -> list[Any]:
    """Wire the steps from the photo's state to the file, and return their events."""
    shown: set[Block] = {layout.photo_state, layout.is_open, layout.min_score}
    styled = {*shown, layout.refinement, layout.downloads, *layout.controls.values()}
    files = [layout.download, layout.download_zip]
    drawn = [layout.result, layout.message, *files, layout.refine_request, layout.export_request]
    draw_queue, file_queue = serial("draw"), serial(FILE_QUEUE)
    listing = gr.on(
        [layout.photo_state.change, layout.min_score.release],
        events.list_objects,
        shown,
        [
            layout.canvas,
            layout.objects,
            layout.show_uncertain,
            layout.undo,
            layout.draw_request,
        ],
        **serial("list"),
        **LATEST,
    )
    drawing = gr.on(
        [layout.draw_request.change, *restyled],
        events.draw_result,
        styled,
        drawn,
        **draw_queue,
        **LATEST,
    )
    refining = layout.refine_request.change(
        events.refine, styled, [layout.refinement], **device, **LATEST
    )
    redrawing = refining.success(events.draw_refined, styled, drawn, **draw_queue, **LATEST)
    exporting = layout.export_request.change(
        events.export, styled, [*files, layout.downloads], **file_queue, **LATEST
    )
    for step in (listing, drawing, refining, redrawing, exporting):
        # After an error, or a refusal by the limits, the announced file is never made.
        step.failure(layout.no_files, None, files, **QUIET)
    beginning = layout.make_zip.click(
        events.begin_zip, shown, [layout.download_zip, layout.zip_request], **LATEST
    )
    zipping = layout.zip_request.change(
        events.export_zip,
        styled,
        [layout.download_zip],
        trigger_mode="always_last",
        **file_queue,
        **PRIVATE,
    )
    zipping.failure(layout.no_zip, None, [layout.download_zip], **QUIET)
    # A ZIP that is being made has the previous options.
    gr.on(restyled, None, cancels=[zipping])
    return [listing, drawing, refining, redrawing, exporting, beginning, zipping]


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
        header.status,
    ]
    options: dict[str, Any] = {
        **PRIVATE,
        **device,
        "show_progress_on": [layout.opening, layout.canvas, layout.result],
    }
    # Events of the previous photo are cancelled before the next one is opened.
    gr.on([layout.examples.select, layout.upload.upload], None, cancels=running)
    opening: list[Any] = [
        layout.upload.upload(events.open_photo, {layout.upload, header.model}, opened, **options),
        layout.examples.select(
            events.open_example,
            {header.model},
            opened,
            trigger_mode="always_last",
            **options,
        ),
    ]
    for event in opening:
        # The page still shows the result of the previous photo, and offers its file.
        event.failure(layout.request_drawing, None, [layout.draw_request], **QUIET)
    gr.on([layout.cancel.click], None, cancels=opening)
    return opening


def _wire_model(
    header: Header, layout: CutoutLayout, events: PhotoEvents, device: dict[str, Any]
) -> Any:
    """Wire the event that changes the model, and return it."""
    changing = header.model.select(
        events.change_model,
        {header.model, layout.photo_state},
        [layout.model_in_use, layout.photo_state, layout.min_score, header.status],
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
        {header.model},
        [
            layout.photo_state,
            layout.photo_area,
            layout.result,
            layout.min_score,
            layout.is_open,
            layout.download,
            layout.download_zip,
        ],
        cancels=running,
        **QUIET,
    )


def _wire_selection(layout: CutoutLayout, events: PhotoEvents) -> None:
    """Wire the events that select objects."""
    state, every_click = [layout.photo_state], {**QUIET, "trigger_mode": "multiple"}
    shown: set[Block] = {layout.photo_state, layout.min_score}
    layout.canvas.select(events.click, shown, state, **every_click)
    layout.objects.input(
        events.select_listed, {layout.photo_state, layout.objects}, state, **LATEST
    )
    layout.select_all.click(events.select_all, shown, state, **LATEST)
    layout.select_none.click(events.select_none, {layout.photo_state}, state, **LATEST)
    layout.undo.click(events.undo, {layout.photo_state}, state, **every_click)
    layout.show_uncertain.click(
        events.show_uncertain, {layout.photo_state}, [*state, layout.min_score], **QUIET
    )


def _wire_actions(layout: CutoutLayout) -> None:
    """Wire the buttons that act in the browser alone."""
    layout.new_photo.click(None, js=CHOOSE_PHOTO, **PRIVATE)
    layout.copy.click(None, [layout.download], js=COPY_FILE, **PRIVATE)
    layout.share.click(None, [layout.download], js=SHARE_FILE, **PRIVATE)
