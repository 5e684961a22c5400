"""What a visitor's browser keeps of the tab that compares settings."""

from typing import Any

import gradio as gr
import pytest

from segmentation.i18n import Text
from segmentation.inference.registry import ModelVariant
from segmentation.page.compare_tab.events import variant_choices
from segmentation.page.compare_tab.layout import CompareLayout
from segmentation.page.compare_tab.memory import recall_settings, remember_settings
from tests.segmentation.page.serving import in_event_loop

COMPACT = ModelVariant(Text("Compact", "轻量"), "compact")
INT8 = ModelVariant(Text("Compact, int8", "轻量，int8"), "compact", "int8")
TWIN = ModelVariant(Text("Twin", "孪生"), "twin")


def layout_of(*variants: ModelVariant) -> CompareLayout:
    def build() -> CompareLayout:
        with gr.Blocks(analytics_enabled=False):
            return CompareLayout(variant_choices(variants, "en"))

    return in_event_loop(build)


@pytest.fixture(scope="module")
def layout() -> CompareLayout:
    return layout_of(COMPACT, INT8, TWIN)


def test_settings_come_back(layout: CompareLayout) -> None:
    values: dict[Any, Any] = {item: item.value for item in layout.controls}
    values |= {layout.count: 3, layout.settings[2]["softness"]: 0.5}
    memory = remember_settings(layout.controls, values)
    assert recall_settings(layout.controls, memory) == values


def test_models_come_back_by_their_names(layout: CompareLayout) -> None:
    memory = remember_settings(layout.controls, {item: item.value for item in layout.controls})
    other = layout_of(TWIN, COMPACT, INT8)
    kept = recall_settings(other.controls, memory)
    names = [kept[controls["variant"]] for controls in other.settings]
    [compact, int8, _] = [name for _, name in variant_choices((COMPACT, INT8, TWIN), "en")]
    assert names == [compact, int8, compact, compact]


def test_a_model_that_is_gone_is_left_out(layout: CompareLayout) -> None:
    memory = remember_settings(layout.controls, {item: item.value for item in layout.controls})
    other = layout_of(COMPACT, TWIN)
    kept = recall_settings(other.controls, memory)
    assert {*other.controls} - {*kept} == {other.settings[1]["variant"]}


@pytest.mark.parametrize("memory", [None, {}, [], [3], "3"], ids=str)
def test_no_other_memory_is_read(layout: CompareLayout, memory: Any) -> None:
    assert recall_settings(layout.controls, memory) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("variant", 2),
        ("variant", "other//"),
        ("variant", False),
        ("softness", 9),
        ("refine", "yes"),
        ("grow", None),
    ],
)
def test_a_value_that_does_not_fit_is_left_out(
    layout: CompareLayout, name: str, value: Any
) -> None:
    control = layout.settings[0][name]
    memory = [value if item is control else item.value for item in layout.controls]
    kept = recall_settings(layout.controls, memory)
    assert {*layout.controls} - {*kept} == {control}
