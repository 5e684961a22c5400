"""What a visitor's browser keeps of the tab: the settings, and which photo was open.

It comes back from the browser, where anybody can write anything into it.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from segmentation.page.components import EXAMPLES, gallery
from segmentation.page.cutout_tab.open_request import OpenRequest
from segmentation.page.gradio_internals import is_uploaded
from segmentation.page.options import PageOptions
from segmentation.page.session import PhotoState

KEY = "koutu_studio"


def browser_memory() -> gr.BrowserState:
    """Create the component that holds the memory.

    The secret keeps nothing secret: with one of Gradio's own, each restart would forget all.
    """
    return gr.BrowserState(None, storage_key=KEY, secret=KEY)


def remember(state: PhotoState, options: PageOptions) -> dict[str, Any]:
    """Return the memory of an open photo and the values of the controls."""
    return {
        "path": state.path,
        "model": state.model,
        "chosen": [*state.chosen],
        "options": asdict(replace(options, backdrop=None)),
    }


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
        if name in kept and _fits(kept[name], control)
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
    names = {Path(entry["file"]).stem: EXAMPLES / entry["file"] for entry in gallery()}
    if example in names:
        return OpenRequest(str(names[example]), models[0], (), options, is_first=True)
    if not isinstance(memory, dict) or not isinstance(memory.get("path"), str):
        return None
    path, model, chosen = memory["path"], memory.get("model"), memory.get("chosen")
    if "\0" in path or not (Path(path) in names.values() or is_uploaded(path)):
        return None
    if not Path(path).is_file():
        return None
    ids = tuple(id_ for id_ in chosen if type(id_) is int) if isinstance(chosen, list) else ()
    name = model if model in models else models[0]
    return OpenRequest(path, name, ids, options, is_first=True)


def _fits(value: Any, control: Component) -> bool:
    """Whether a control can have a value: of its kind, and one of its choices or in its range."""
    if isinstance(control, gr.Radio | gr.Dropdown):
        return isinstance(value, str) and value in [choice for _, choice in control.choices]
    if isinstance(control, gr.Slider | gr.Number):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        low, high = control.minimum, control.maximum
        return is_number and (low is None or value >= low) and (high is None or value <= high)
    return type(value) is type(control.value) and not (isinstance(value, str) and len(value) > 40)
