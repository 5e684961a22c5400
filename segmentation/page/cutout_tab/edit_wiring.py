"""Which event of the canvas and of the list of objects calls which handler."""

from typing import Any

import gradio as gr

from segmentation.page.canvas.canvas import tell_canvas
from segmentation.page.components import LATEST, PRIVATE, QUIET
from segmentation.page.cutout_tab.edit_events import EditEvents
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.wiring import DRAW, all_controls, result_inputs, result_outputs


def wire_edits(layout: CutoutLayout, events: EditEvents, device: dict[str, Any]) -> list[Any]:
    """Wire what the visitor does on the canvas and in the list of objects; return the events."""
    read, drawn = result_inputs(layout), result_outputs(layout)
    # None of them replaces another one: each click and each stroke counts.
    options: dict[str, Any] = {**DRAW, **QUIET, "trigger_mode": "multiple"}
    canvas = layout.canvas
    restored: list[Any] = [*drawn, *all_controls(layout)]
    searching = canvas.box(
        events.search_box,
        {layout.photo_state, layout.min_score},
        [layout.found_in_box],
        show_progress_on=canvas,
        **device,
        **PRIVATE,
    )
    gr.on([button.click for button in layout.cancel_buttons], None, cancels=[searching], **QUIET)
    shown_at_once = {
        "pick": canvas.pick(events.pick, read, drawn, **options),
        "stroke": canvas.stroke(events.paint, read, drawn, **options),
        "place": canvas.place(
            events.place, read, [*drawn, *layout.background_panel.place], **options
        ),
    }
    for name, event in shown_at_once.items():
        # Even if the event was refused or the connection was lost; the value is the last answer.
        told = tell_canvas("settle", f'{{ event: "{name}", value }}')
        settle: dict[str, Any] = {"js": told, **PRIVATE}
        # Gradio calls the first after a success or a lost connection, the other after an error.
        event.then(None, [canvas], **settle)
        event.failure(None, [canvas], **settle)
    return [
        *shown_at_once.values(),
        searching,
        searching.success(events.add_boxed, {*read, layout.found_in_box}, drawn, **options),
        canvas.undo(events.undo, read, restored, **options),
        canvas.redo(events.redo, read, restored, **options),
        canvas.tile(
            events.show_tile,
            {layout.photo_state, layout.view, layout.downloads, layout.exported},
            [layout.view, canvas],
            **DRAW,
            **LATEST,
        ),
        layout.objects.input(
            events.select_listed, {*read, layout.objects}, drawn, **DRAW, **LATEST
        ),
        layout.select_all.click(events.select_all, read, drawn, **options),
        layout.select_none.click(events.select_none, read, drawn, **options),
        layout.show_uncertain.click(
            events.show_uncertain, read, [*drawn, layout.min_score], **options
        ),
    ]
