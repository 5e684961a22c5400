"""What a visitor's browser keeps of the tab: the settings, the open photo, and its edits.

It comes back from the browser, where anybody can write anything into it.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from segmentation.compositing.strokes import MAX_STROKES, Stroke
from segmentation.errors import ChoiceError
from segmentation.inference.segment_box import MIN_BOX_SIDE
from segmentation.page.canvas.events import MAX_TRACE_POINTS, read_stroke
from segmentation.page.components import EXAMPLES, gallery, language_of
from segmentation.page.cutout_tab.open_request import OpenRequest
from segmentation.page.gradio_internals.files import is_uploaded
from segmentation.page.options import PageOptions
from segmentation.page.session import DrawnBox, PhotoState
from segmentation.page.strings import STRINGS
from segmentation.text_options import is_number

KEY = "koutu_studio"
# What the browser is sent with each edit must stay small: this many points are some 50 kB. Each
# box takes the time of an inference when the photo is opened again.
MAX_KEPT_POINTS, MAX_KEPT_BOXES = 3_000, 20
# Numbers that are kept of a box: its edges and minimum score, and the points of a line.
BOX_LENGTHS = range(5, 5 + 2 * MAX_TRACE_POINTS + 1, 2)
# Decimals of a point, as a share of the photo: less than a pixel.
DECIMALS = 4


def browser_memory(key: str = KEY) -> gr.BrowserState:
    """Create a component that holds a memory, which the browser keeps by a key.

    The secret is a constant: with the random one of Gradio, each restart would lose the memory.
    """
    return gr.BrowserState(None, storage_key=key, secret=key)


def remember(state: PhotoState, options: PageOptions) -> dict[str, Any]:
    """Return the memory of an open photo and the values of the controls."""
    return {
        "path": state.path,
        "model": state.model,
        "chosen": [*state.chosen],
        "boxes": [
            [*box.box_xyxy, box.min_score, *chain.from_iterable(box.trace_xy)]
            for box in state.boxes
        ],
        "strokes": _strokes_as_json(state.strokes),
        "options": remember_options(options),
    }


def remember_options(options: PageOptions) -> dict[str, Any]:
    """Return the memory of the values of the controls, without files."""
    return asdict(replace(options, backdrop=None))


def forget_photo(memory: Any) -> Any:
    """Return the memory without its photo."""
    return {**memory, "path": None} if isinstance(memory, dict) else None


def recall_options(
    memory: Any, controls: Mapping[str, Component], current: PageOptions
) -> PageOptions:
    """Return the remembered values of the controls; a value that does not fit stays as it is."""
    kept = memory.get("options") if isinstance(memory, dict) else None
    if not isinstance(kept, dict):
        return current
    fitting = {
        name: kept[name]
        for name, control in controls.items()
        if name in kept and fits(kept[name], control)
    }
    return replace(current, **fitting)


def recall_photo(
    memory: Any, example: str | None, models: tuple[str, ...], options: PageOptions
) -> OpenRequest | None:
    """Return the photo to open when the page loads.

    Args:
        memory: the browser's memory.
        example: name of an example that the page's address asks for.
        models: names of the models of the page, the default first.
        options: values for the controls.

    Returns:
        The example, else the photo that was open last if the server still has it, else None.
    """
    names = _examples()
    if example in names:
        return OpenRequest(str(names[example]), models[0], None, options, is_first=True)
    path = _path(memory)
    if path is None or not _is_here(path):
        return None
    is_same = memory.get("model") in models
    chosen = memory.get("chosen")
    ids = tuple(id_ for id_ in chosen if type(id_) is int) if isinstance(chosen, list) else None
    return OpenRequest(
        path,
        memory["model"] if is_same else models[0],
        ids if is_same else None,
        options,
        _boxes(memory.get("boxes")) if is_same else (),
        _strokes(memory.get("strokes")),
        is_first=True,
    )


def loss(memory: Any) -> str | None:
    """Return what cannot be brought back, as a key of STRINGS; None if nothing was lost."""
    path = _path(memory)
    if path is None:
        return None
    if not _is_here(path):
        return "photo_deleted"
    return "strokes_not_kept" if memory.get("strokes", ()) is None else None


def say_what_is_lost(was_restarted: bool, memory: Any, request: gr.Request) -> None:
    """Explain why a page that was loaded again is empty, or shows less than before."""
    lost = "restarted" if was_restarted else loss(memory)
    if lost is not None:
        gr.Warning(STRINGS[lost].in_language(language_of(request)), duration=None)


def _path(memory: Any) -> str | None:
    """The path of the remembered photo, which may be any text; None if there is none."""
    path = memory.get("path") if isinstance(memory, dict) else None
    return path if isinstance(path, str) and path else None


def _is_here(path: str) -> bool:
    """Whether a path is an example's or an upload's, and the server still has the file."""
    if "\0" in path or not (Path(path) in _examples().values() or is_uploaded(path)):
        return False
    return Path(path).is_file()


def _examples() -> dict[str, Path]:
    """The paths of the examples by their names."""
    return {Path(entry["file"]).stem: EXAMPLES / entry["file"] for entry in gallery()}


def _strokes_as_json(strokes: tuple[Stroke, ...]) -> list[dict[str, Any]] | None:
    """Return strokes as `read_stroke` reads them; None if they have too many points."""
    if sum(len(stroke.points_xy) for stroke in strokes) > MAX_KEPT_POINTS:
        return None
    return [
        {
            "mode": stroke.mode,
            "radius": stroke.radius,
            "points_xy": [[round(x, DECIMALS), round(y, DECIMALS)] for x, y in stroke.points_xy],
        }
        for stroke in strokes
    ]


def _strokes(kept: Any) -> tuple[Stroke, ...]:
    """Read strokes; all are left out if one is invalid."""
    try:
        strokes = tuple(read_stroke(item) for item in kept) if isinstance(kept, list) else ()
    except ChoiceError:
        return ()
    is_small = sum(len(stroke.points_xy) for stroke in strokes) <= MAX_KEPT_POINTS
    return strokes if is_small and len(strokes) <= MAX_STROKES else ()


def _boxes(kept: Any) -> tuple[DrawnBox, ...]:
    """Read boxes; those from the first invalid one on are left out, as ids follow their order."""
    boxes: list[DrawnBox] = []
    for item in kept[:MAX_KEPT_BOXES] if isinstance(kept, list) else ():
        if not (isinstance(item, list) and len(item) in BOX_LENGTHS and all(map(is_number, item))):
            break
        left, top, right, bottom, *trace = (int(number) for number in (*item[:4], *item[5:]))
        is_small = right - left < MIN_BOX_SIDE or bottom - top < MIN_BOX_SIDE
        if (is_small and not trace) or min(left, top) < 0:
            break
        trace_xy = tuple(zip(trace[::2], trace[1::2], strict=True))
        boxes.append(DrawnBox((left, top, right, bottom), item[4], trace_xy))
    return tuple(boxes)


def fits(value: Any, control: Component) -> bool:
    """Whether a control can have a value: of its kind, and one of its choices or in its range."""
    if isinstance(control, gr.Radio | gr.Dropdown):
        # A float or a bool is equal to a whole number that may be a choice.
        return type(value) in (str, int) and value in [choice for _, choice in control.choices]
    if isinstance(control, gr.Slider | gr.Number):
        low, high = control.minimum, control.maximum
        return (
            is_number(value) and (low is None or value >= low) and (high is None or value <= high)
        )
    return type(value) is type(control.value) and not (isinstance(value, str) and len(value) > 40)
