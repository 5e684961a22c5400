"""The files that the tab for one photo makes on request: the ZIP of objects, and the mask."""

from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.page.components import LATEST, PRIVATE, QUIET, serial
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.result_events import ResultEvents
from segmentation.page.server.limits.queue_limits import FILE_QUEUE


def wire_other_files(
    layout: CutoutLayout, events: ResultEvents, styled: set[Block], restyled: list[Any]
) -> list[Any]:
    """Wire the files that are made on request, and return their events.

    Args:
        layout: the tab's components.
        events: makes the files.
        styled: the components that a result depends on.
        restyled: the triggers that change the result.
    """
    beginning = layout.make_zip.click(
        events.begin_zip, styled, [layout.download_zip, layout.zip_request], **LATEST
    )
    zipping = layout.zip_request.change(
        events.export_zip,
        styled,
        [layout.download_zip],
        trigger_mode="always_last",
        **serial(FILE_QUEUE),
        **PRIVATE,
    )
    zipping.failure(layout.no_zip, None, [layout.download_zip], **QUIET)
    masking = layout.make_mask.click(
        events.export_mask, styled, [layout.download_mask], **serial(FILE_QUEUE), **PRIVATE
    )
    masking.failure(layout.no_mask, None, [layout.download_mask], **QUIET)
    # A file that is being made has the previous options.
    gr.on([*restyled, layout.draw_request.change], None, cancels=[zipping, masking])
    return [beginning, zipping, masking]
