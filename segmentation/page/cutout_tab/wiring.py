"""What the events of the tab read, change and share."""

from typing import Any

from gradio.blocks import Block

from segmentation.page.components import serial
from segmentation.page.cutout_tab.layout import CutoutLayout

# The queue of all events that change or show the state of a photo.
DRAW = serial("draw")


def result_inputs(layout: CutoutLayout) -> set[Block]:
    """The components that the result depends on."""
    return {
        layout.photo_state,
        layout.is_open,
        layout.refinement,
        layout.object_map,
        layout.view,
        layout.results,
        layout.downloads,
        *layout.mask.states,
        *layout.zip.states,
        *layout.controls.values(),
    }


def result_outputs(layout: CutoutLayout) -> list[Any]:
    """The components that show a result, and the requests for what comes next."""
    return [
        layout.photo_state,
        layout.memory,
        layout.object_map,
        layout.view,
        layout.results,
        layout.canvas,
        layout.objects,
        layout.show_uncertain,
        layout.message,
        *layout.files,
        layout.refine_request,
        layout.export_request,
    ]


def all_controls(layout: CutoutLayout) -> list[Any]:
    """The components that `CutoutLayout.set_controls` sets."""
    return unique([*layout.controls.values(), *layout.panels.shown, layout.entered_numbers])


def unique(components: list[Any]) -> list[Any]:
    """Return the components without those named before."""
    return list(dict.fromkeys(components))
