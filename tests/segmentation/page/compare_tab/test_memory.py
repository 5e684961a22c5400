"""What a visitor's browser keeps of the tab that compares settings."""

from typing import Any

import gradio as gr
import pytest

from segmentation.page.compare_tab.layout import CompareLayout
from segmentation.page.compare_tab.memory import recall_settings, remember_settings
from tests.segmentation.page.serving import in_event_loop


@pytest.fixture(scope="module")
def layout() -> CompareLayout:
    def build() -> CompareLayout:
        with gr.Blocks(analytics_enabled=False):
            return CompareLayout([("Compact", 0), ("Twin", 1)])

    return in_event_loop(build)


def test_settings_come_back(layout: CompareLayout) -> None:
    values: dict[Any, Any] = {item: item.value for item in layout.controls}
    values |= {layout.count: 3, layout.settings[2]["softness"]: 0.5}
    memory = remember_settings(layout.controls, values)
    assert recall_settings(layout.controls, memory) == values


@pytest.mark.parametrize("memory", [None, {}, [], [3], "3"], ids=str)
def test_no_other_memory_is_read(layout: CompareLayout, memory: Any) -> None:
    assert recall_settings(layout.controls, memory) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [("variant", 2), ("variant", False), ("softness", 9), ("refine", "yes"), ("grow", None)],
)
def test_a_value_that_does_not_fit_is_left_out(
    layout: CompareLayout, name: str, value: Any
) -> None:
    control = layout.settings[0][name]
    memory = [value if item is control else item.value for item in layout.controls]
    kept = recall_settings(layout.controls, memory)
    assert {*layout.controls} - {*kept} == {control}
