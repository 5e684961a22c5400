"""The tab that compares settings: which event calls which handler."""

from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.page.compare_tab.events import CompareEvents, variant_choices
from segmentation.page.compare_tab.layout import CompareLayout
from segmentation.page.components import LATEST, PRIVATE, QUIET, PageContext, changed
from segmentation.page.cutout_tab.layout import CutoutLayout

# On a phone, the buttons are above what they change.
SCROLL_TO_PAIR = "() => document.getElementById('pair').scrollIntoView({ block: 'nearest' })"


def compare_tab(
    ui: gr.Blocks, context: PageContext, cutout: CutoutLayout, memory: gr.BrowserState
) -> None:
    """Lay out and wire the tab.

    Args:
        ui: the page.
        context: models, limits and decoded photos.
        cutout: has the photo that is open on the tab for one photo.
        memory: keeps the settings. It stands outside the tabs: the browser reads it before this
            one is open.
    """
    variants = context.registry.variants()
    layout = CompareLayout(variant_choices(variants, "en"))
    events = CompareEvents(context, layout, cutout, variants, memory)
    settings: set[Block] = {*layout.controls}
    greeted = [layout.columns, *layout.controls, *layout.setting_tabs]
    ui.load(events.greet, {memory}, greeted, **QUIET)
    gr.on(
        [changed(item) for item in layout.controls], events.remember, settings, [memory], **LATEST
    )
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
    starts = [layout.compare_example.click, layout.compare_mine.click]
    gr.on(starts, None, js=SCROLL_TO_PAIR, **PRIVATE)
