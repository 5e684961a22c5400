"""The canvas as a Gradio component."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import gradio as gr

from segmentation.compositing.strokes import MAX_POINTS
from segmentation.page.canvas.events import MAX_TILE_SIDE, MAX_TRACE_POINTS
from segmentation.page.canvas.texts import CANVAS_TEXTS
from segmentation.page.canvas.view import SCALES
from segmentation.page.minify import read_code

FOLDER = Path(__file__).parent
# Of styles/, joined in this order.
STYLES = ("stage.css", "canvas.css")
# Of scripts/, joined into one script in this order.
SCRIPTS = (
    "viewport.js",
    "object_map.js",
    "overlay.js",
    "picking.js",
    "gestures.js",
    "tiles.js",
    "pictures.js",
    "divider.js",
    "sketch.js",
    "brush.js",
    "placement.js",
    "controls.js",
    "canvas.js",
)
# What the scripts send to Python.
EVENTS = ("pick", "stroke", "box", "place", "tile", "undo", "redo")
# The id of its element, which a page has once.
CANVAS_ID = "canvas"


def photo_canvas() -> gr.HTML:
    """Create a canvas: a photo with its objects and its cut-out, to click, paint and draw boxes on.

    Its value is `CanvasView.as_json`, or None while there is no photo. Its events are EVENTS;
    `events` reads their data. The page needs `canvas_script` and `canvas_style` in its head. (A
    subclass would make Gradio write a stub file beside this one.)
    """
    return gr.HTML(
        html_template=read_code(FOLDER / "canvas.html"),
        # Gradio listens to the events that stand quoted here.
        js_on_load=f"startCanvas(element, trigger, props, watch); // {json.dumps(EVENTS)}",
        apply_default_css=False,
        elem_id=CANVAS_ID,
    )


def canvas_script() -> str:
    """Return the script that defines `startCanvas`, for the head of the page.

    The configuration of the page, which clients of the API load as well, is shorter without it.
    """
    constants = {
        "CANVAS_TEXTS": {key: asdict(text) for key, text in CANVAS_TEXTS.items()},
        "MAX_POINTS": MAX_POINTS,
        "MAX_TILE_SIDE": MAX_TILE_SIDE,
        "MAX_TRACE_POINTS": MAX_TRACE_POINTS,
        "SCALES": SCALES,
    }
    lines = [
        f"const {name} = {json.dumps(value, ensure_ascii=False)};"
        for name, value in constants.items()
    ]
    definitions = "\n".join([*lines, _read("scripts", SCRIPTS)])
    return f"window.startCanvas = (() => {{\n{definitions}\nreturn startCanvas;\n}})();"


def canvas_style() -> str:
    """Return the style sheet of the canvas, for the head of the page, as `canvas_script`."""
    return f"#{CANVAS_ID} {{\n{_read('styles', STYLES)}\n}}"


def tell_canvas(event: str, detail: str) -> str:
    """Return a function in JavaScript that passes a component's value on to the canvas.

    Args:
        event: its name for the scripts of the canvas.
        detail: what they get, as an expression of `value`.
    """
    return f"""(value) => document.querySelector("#{CANVAS_ID} .canvas")?.dispatchEvent(
    new CustomEvent("{event}", {{ detail: {detail} }}))"""


def _read(folder: str, names: Sequence[str]) -> str:
    return "\n".join(read_code(FOLDER / folder / name) for name in names)
