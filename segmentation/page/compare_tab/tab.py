"""The tab that compares settings: which event calls which handler."""

from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.page.compare_tab.events import CompareEvents, variant_choices
from segmentation.page.compare_tab.layout import CompareLayout
from segmentation.page.components import PRIVATE, QUIET, PageContext
from segmentation.page.cutout_tab.layout import CutoutLayout


def compare_tab(ui: gr.Blocks, context: PageContext, cutout: CutoutLayout) -> None:
    """Lay out and wire the tab."""
    variants = context.registry.variants()
    layout = CompareLayout(variant_choices(variants, "en"))
    events = CompareEvents(context, layout, cutout, variants)
    menus = [controls["variant"] for controls in layout.settings]
    ui.load(events.greet, None, [layout.columns, *menus], **QUIET)
    layout.count.input(events.show_settings, {layout.count}, layout.setting_tabs, **QUIET)
    layout.examples.select(events.open_example, None, [layout.example, layout.columns], **QUIET)
    paired = [layout.pair, layout.difference, layout.legend]
    shown = [layout.side_by_side, layout.figures, *paired]
    layout.columns.change(events.show, {layout.columns}, shown, **QUIET)
    layout.side_by_side.select(events.show_against_first, {layout.columns}, paired, **QUIET)
    options: dict[str, Any] = {
        **PRIVATE,
        "show_progress_on": layout.pair,
        **context.device_queue,
    }
    settings: set[Block] = {layout.count}
    settings.update(component for controls in layout.settings for component in controls.values())
    photo: set[Block] = {cutout.photo_state, cutout.is_open, cutout.min_score}
    comparing = [
        layout.compare_example.click(
            events.compare_example, {layout.example, *settings}, [layout.columns], **options
        ),
        layout.compare_mine.click(
            events.compare_mine, {*photo, *settings}, [layout.columns], **options
        ),
    ]
    gr.on([layout.cancel.click, layout.examples.select], None, cancels=comparing)
