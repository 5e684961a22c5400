"""What a visitor's browser keeps of the tab that compares settings: the values of its controls.

It comes back from the browser, where anybody can write anything into it.
"""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from segmentation.page.components import Values
from segmentation.page.cutout_tab.memory import browser_memory, fits


def compare_memory() -> gr.BrowserState:
    """Create the component that holds the memory."""
    return browser_memory("koutu_compare_settings")


def remember_settings(controls: Sequence[Component], values: Values) -> list[Any]:
    """Return the memory of the values of controls."""
    return [values[control] for control in controls]


def recall_settings(controls: Sequence[Component], memory: Any) -> dict[Block, Any]:
    """Return the remembered values of controls, without those that do not fit."""
    if not isinstance(memory, list) or len(memory) != len(controls):
        return {}
    kept = zip(controls, memory, strict=True)
    return {control: value for control, value in kept if fits(value, control)}
