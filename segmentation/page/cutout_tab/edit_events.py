"""Handlers of what a visitor does on the canvas and in the list of objects.

Each takes and returns values by component, and answers with the whole result: one event leads from
a stroke to what it changes.
"""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np

from segmentation.arrays import UInt8
from segmentation.inference.select import select
from segmentation.page.canvas.events import (
    TileRequest,
    read_box,
    read_pick,
    read_place,
    read_stroke,
    read_tile,
)
from segmentation.page.canvas.view import CanvasView, Tile
from segmentation.page.components import (
    PROGRESS,
    PageContext,
    Updates,
    Values,
    language_of,
    require,
    skip,
    translate_errors,
)
from segmentation.page.cutout_tab.drawing import Drawing
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.open_request import search_box
from segmentation.page.gradio_internals.calls import event_data
from segmentation.page.preview import pixels_of, reduce_image
from segmentation.page.server.files.downloads import store_image
from segmentation.page.session import DrawnBox, PhotoState
from segmentation.page.strings import STRINGS


class EditEvents:
    """The handlers.

    Args:
        context: models, limits and decoded photos.
        layout: the tab's components.
        drawing: shows the outcome.
    """

    def __init__(self, context: PageContext, layout: CutoutLayout, drawing: Drawing) -> None:
        self._context = context
        self._layout = layout
        self._drawing = drawing

    def pick(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Select the object under a click, or deselect it."""
        layout = self._layout
        state, min_score = layout.state(values, request), values[layout.min_score]
        with translate_errors(request):
            pick = read_pick(event_data(event))
        height, width = state.segmentation.geometry.photo_hw
        photo_xy = pick.point_xy[0] * width - 0.5, pick.point_xy[1] * height - 0.5
        picked = state.click(photo_xy, min_score, pick.ids)
        if picked.chosen != state.chosen:
            return self._drawing.show(picked, values, request)
        return {layout.photo_state: picked, **self._notice("nothing_here", values, request)}

    def paint(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Add a stroke."""
        state = self._layout.state(values, request)
        with translate_errors(request):
            state = state.draw(read_stroke(event_data(event)))
        return self._drawing.show(state, values, request)

    def place(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Move and scale the objects in the other photo."""
        layout, panel = self._layout, self._layout.background_panel
        state = layout.state(values, request)
        with translate_errors(request):
            placement = read_place(event_data(event))
        x, y = placement.position_xy
        options = replace(layout.page_options(values), scale=placement.scale, x=x, y=y)
        shown = self._drawing.show_with(state, options, values, request)
        return {**shown, panel.scale: placement.scale, panel.x: x, panel.y: y}

    def search_box(
        self,
        values: Values,
        event: gr.EventData,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> Updates:
        """Run the model on a box, or around a line that was drawn over an object."""
        layout = self._layout
        state = layout.state(values, request)
        progress(None, STRINGS["searching_box"].in_language(language_of(request)))
        with translate_errors(request):
            photo = self._context.photos.read(state.path)
            segmenter = self._context.registry.segmenter(state.model)
            box_xyxy, trace_xy = read_box(event_data(event), photo.hw)
            box = DrawnBox(box_xyxy, values[layout.min_score], trace_xy)
            found = search_box(segmenter, photo, box)
        return {layout.found_in_box: (box, found)}

    def add_boxed(self, values: Values, request: gr.Request) -> Updates:
        """Add the objects that were found in a box, and select the best of them."""
        layout = self._layout
        state = layout.state(values, request)
        box, found = require(values[layout.found_in_box], request)
        added = state.add_boxed(found, box)
        if added is state:
            return self._notice("nothing_in_box", values, request)
        return self._drawing.show(added, values, request)

    def select_listed(self, values: Values, request: gr.Request) -> Updates:
        """Select the objects that are ticked in the list."""
        state = self._layout.state(values, request)
        return self._drawing.show(state.select(values[self._layout.objects]), values, request)

    def select_all(self, values: Values, request: gr.Request) -> Updates:
        """Select all objects shown."""
        state, min_score = self._layout.state(values, request), values[self._layout.min_score]
        selected = state.select(select(state.visible(min_score), "all"))
        return self._drawing.show(selected, values, request)

    def select_none(self, values: Values, request: gr.Request) -> Updates:
        """Deselect all objects."""
        state = self._layout.state(values, request).select(())
        return self._drawing.show(state, values, request)

    def show_uncertain(self, values: Values, request: gr.Request) -> Updates:
        """Select the best guess, and lower the minimum score to it."""
        layout = self._layout
        state, min_score = layout.state(values, request).select_best_guess()
        options = replace(layout.page_options(values), min_score=min_score)
        shown = self._drawing.show_with(state, options, values, request)
        return {**shown, layout.min_score: min_score}

    def undo(self, values: Values, request: gr.Request) -> Updates:
        """Undo the last step."""
        return self._restore(self._layout.state(values, request).undo(), values, request)

    def redo(self, values: Values, request: gr.Request) -> Updates:
        """Redo the step that was undone last."""
        return self._restore(self._layout.state(values, request).redo(), values, request)

    def show_tile(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Show a part of the photo or of the file at full resolution."""
        layout = self._layout
        state, view = layout.state(values, request), require(values[layout.view], request)
        with translate_errors(request):
            asked = read_tile(event_data(event))
            picture = self._picture(asked, state, view, values)
            if picture is None:
                return skip()
            path = store_image(f"{Path(view.result).stem}_part", _cut(picture, asked))
        shown = replace(view, tile=Tile(path, asked.box_xyxy, asked.source))
        return {layout.view: shown, layout.canvas: shown.as_json()}

    def _restore(self, state: PhotoState, values: Values, request: gr.Request) -> Updates:
        """Show a former state, and set the controls to what they were."""
        layout, options = self._layout, self._layout.page_options(values)
        former = state.options or options
        shown = self._drawing.show_with(state, former, values, request)
        return shown if former == options else {**shown, **layout.set_controls(former)}

    def _notice(self, key: str, values: Values, request: gr.Request) -> Updates:
        """Say something on the canvas, and change nothing else."""
        view: CanvasView = require(values[self._layout.view], request)
        text = STRINGS[key].in_language(language_of(request))
        shown = replace(view, notice=text)
        return {self._layout.view: shown, self._layout.canvas: shown.as_json()}

    def _picture(
        self, asked: TileRequest, state: PhotoState, view: CanvasView, values: Values
    ) -> UInt8 | None:
        """Return the picture at full resolution; None if the file is not ready."""
        if asked.source == "original":
            return pixels_of(self._context.photos.read(state.path))
        downloads: tuple[str, ...] = values[self._layout.downloads]
        if values[self._layout.exported] != view.result or not downloads:
            return None
        return self._context.photos.read_result(downloads[-1])


def _cut(picture: UInt8, asked: TileRequest) -> UInt8:
    """Cut a part out of a picture, no larger than it is on the screen."""
    height, width = picture.shape[:2]
    left, top, right, bottom = asked.box_xyxy
    part = picture[
        int(top * height) : max(round(bottom * height), int(top * height) + 1),
        int(left * width) : max(round(right * width), int(left * width) + 1),
    ]
    return np.ascontiguousarray(reduce_image(part, asked.side))
