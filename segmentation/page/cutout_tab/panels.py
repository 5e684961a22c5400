"""Groups of controls that the tab for one photo and the tab for many photos both have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from segmentation.compositing.backgrounds import BACKGROUNDS, FITS
from segmentation.image.formats import OUTPUT_FORMATS, find_format
from segmentation.page.canvas.view import SCALES
from segmentation.page.components import Updates, choices, photo_button, string
from segmentation.page.cutout_tab.size_panel import SizePanel
from segmentation.page.options import FRAMES, PageOptions


class BackgroundPanel:
    """Create the controls of the background.

    Attributes:
        controls: the components that `PageOptions` reads, by the names of its fields.
        shown: the components that `show` shows or hides.
        place: the sliders for the place of the objects in another photo.
    """

    def __init__(self) -> None:
        self.background = gr.Radio(
            choices(BACKGROUNDS),
            value="transparent",
            label=string("background"),
        )
        with gr.Row():
            self.colour = gr.ColorPicker(
                "#ffffff", label=string("background_colour"), visible=False, min_width=120
            )
            self.colour_below = gr.ColorPicker(
                "#88aacc", label=string("colour_below"), visible=False, min_width=120
            )
        with gr.Column(visible=False, elem_classes="backdrop") as self.backdrop_area:
            self.backdrop = photo_button(string("backdrop"))
        self.fit = gr.Radio(choices(FITS), value="cover", label=string("fit"), visible=False)
        with gr.Column(visible=False) as self.place_area:
            self.scale = gr.Slider(*SCALES, 0.7, step=0.01, label=string("scale"))
            self.x = gr.Slider(0, 1, 0.5, step=0.01, label=string("position_x"))
            self.y = gr.Slider(0, 1, 0.6, step=0.01, label=string("position_y"))
        self.place = [self.scale, self.x, self.y]
        self.controls: dict[str, Component] = {
            "background": self.background,
            "colour": self.colour,
            "colour_below": self.colour_below,
            "backdrop": self.backdrop,
            "fit": self.fit,
            "scale": self.scale,
            "x": self.x,
            "y": self.y,
        }
        self.shown = [
            self.colour,
            self.colour_below,
            self.backdrop_area,
            self.fit,
            self.place_area,
        ]

    def show(self, kind: str) -> Updates:
        """Show the controls that belong to a kind of background."""
        parameters = BACKGROUNDS[kind].parameters
        visible = {
            self.colour: "colour" in parameters,
            self.colour_below: "colour_below" in parameters,
            self.backdrop_area: "backdrop" in parameters,
            self.fit: "fit" in parameters,
            self.place_area: "place" in parameters,
        }
        return {item: gr.update(visible=is_visible) for item, is_visible in visible.items()}


class EffectsPanel:
    """Create the controls of the effects around the objects.

    Attributes:
        controls: the components that `PageOptions` reads, by the names of its fields.
    """

    def __init__(self) -> None:
        self.controls: dict[str, Component] = {
            name: gr.Checkbox(label=string(name), container=False) for name in ("outline", "shadow")
        }


class FramePanel:
    """Create the control of the part of the photo that the file shows.

    Attributes:
        controls: the components that `PageOptions` reads, by the names of its fields.
    """

    def __init__(self) -> None:
        self.frame = gr.Radio(choices(FRAMES), value="whole", label=string("crop_frame"))
        self.controls: dict[str, Component] = {"frame": self.frame}

    def show(self, kind: str, is_framed: bool = False) -> Updates:
        """Show the control unless the frame is given already.

        Args:
            kind: one of BACKGROUNDS, which may have a frame of its own.
            is_framed: whether the size has one.
        """
        is_free = not BACKGROUNDS[kind].has_own_frame and not is_framed
        return {self.frame: gr.update(visible=is_free)}


class FormatPanel:
    """Create the controls of the file's format.

    Attributes:
        controls: the components that `PageOptions` reads, by the names of its fields.
        shown: the components that `show` shows or hides.
    """

    def __init__(self) -> None:
        titles = [(kind.title, name) for name, kind in OUTPUT_FORMATS.items()]
        self.format = gr.Radio(titles, value="png", label=string("format"))
        self.quality = gr.Slider(40, 100, 90, step=1, label=string("quality"), visible=False)
        self.controls: dict[str, Component] = {"format": self.format, "quality": self.quality}
        self.shown = [self.quality]

    def show(self, name: str) -> Updates:
        """Show the quality if a format has one."""
        return {self.quality: gr.update(visible=find_format(name).has_quality)}


@dataclass(frozen=True, slots=True)
class OutputPanels:
    """The panels that say together what the file looks like."""

    background: BackgroundPanel
    frame: FramePanel
    size: SizePanel
    effects: EffectsPanel
    format: FormatPanel

    @property
    def controls(self) -> dict[str, Component]:
        """The components that `PageOptions` reads, by the names of its fields."""
        return {
            **self.background.controls,
            **self.effects.controls,
            **self.frame.controls,
            **self.size.controls,
            **self.format.controls,
        }

    @property
    def shown(self) -> list[Block]:
        """The components that `show` shows or hides."""
        return [
            *self.background.shown,
            self.frame.frame,
            *self.size.shown,
            *self.format.shown,
        ]

    def show(self, options: PageOptions) -> Updates:
        """Show the controls that belong to the kind of background and size, and to the format."""
        return {
            **self.background.show(options.background),
            **self.frame.show(options.background, options.is_exact),
            **self.size.show(options),
            **self.format.show(options.format),
        }


def set_controls(
    controls: Mapping[str, Component], shown: Updates, options: PageOptions
) -> dict[Block, Any]:
    """Return the updates that set controls to the values of options.

    Args:
        controls: the components that `PageOptions` reads, by the names of its fields.
        shown: updates of `OutputPanels.show`, which are part of the result.
        options: the values.
    """
    updates: dict[Block, Any] = dict(shown)
    for name, control in controls.items():
        value, update = getattr(options, name), updates.get(control)
        # A value alone, where there is no other update: see `photo_button`.
        updates[control] = {**update, "value": value} if update else value
    return updates
