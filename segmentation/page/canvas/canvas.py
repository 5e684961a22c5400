"""The canvas as a Gradio component."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from segmentation.compositing.strokes import MAX_POINTS
from segmentation.page.canvas.events import MAX_TILE_SIDE
from segmentation.page.canvas.texts import CANVAS_TEXTS
from segmentation.page.canvas.view import SCALES

FOLDER = Path(__file__).parent
# Joined in this order.
STYLES = ("stage.css", "canvas.css")
# Joined into one script, in this order: Gradio runs a component's script as one function.
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
    "placement.js",
    "controls.js",
    "canvas.js",
)


def photo_canvas(**options: Any) -> gr.HTML:
    """Create a canvas: a photo with its objects and its cut-out, to click, paint and draw boxes on.

    Its value is `CanvasView.as_json`, or None while there is no photo. Its events are `pick`,
    `stroke`, `box`, `place`, `tile`, `undo` and `redo`; `events` reads their data. (A subclass
    would make Gradio write a stub file beside this one.)

    Args:
        options: of `gr.HTML`, such as `elem_id`.
    """
    return gr.HTML(
        html_template=_code("canvas.html"),
        css_template="\n".join(map(_code, STYLES)),
        js_on_load=_script(),
        apply_default_css=False,
        **options,
    )


def _script() -> str:
    constants = {
        "CANVAS_TEXTS": {key: asdict(text) for key, text in CANVAS_TEXTS.items()},
        "MAX_POINTS": MAX_POINTS,
        "MAX_TILE_SIDE": MAX_TILE_SIDE,
        "SCALES": SCALES,
    }
    lines = [
        f"const {name} = {json.dumps(value, ensure_ascii=False)};"
        for name, value in constants.items()
    ]
    start = "startCanvas(element, trigger, props, watch);"
    return "\n".join([*lines, *map(_code, SCRIPTS), start])


def _code(name: str) -> str:
    """Read a file without its comments and indentation, which every visitor would load."""
    lines = (line.strip() for line in (FOLDER / name).read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*", "*")))
