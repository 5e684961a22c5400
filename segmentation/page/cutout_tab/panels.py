"""Groups of controls that the tab for one photo and the tab for many photos both have."""

import gradio as gr
from gradio.components import Component

from segmentation.compositing.backgrounds import BACKGROUNDS, FITS
from segmentation.image.formats import OUTPUT_FORMATS, find_format
from segmentation.page.components import Updates, choices, photo_input, string
from segmentation.page.options import FRAMES


class BackgroundPanel:
    """Create the controls of the background and the frame.

    Attributes:
        controls: the components that `PageOptions` reads, by the names of its fields.
        shown: the components that `show` shows or hides.
    """

    def __init__(self) -> None:
        self.background = gr.Radio(
            choices(BACKGROUNDS), value="transparent", label=string("background")
        )
        with gr.Row():
            self.colour = gr.ColorPicker("#ffffff", label=string("colour"), visible=False)
            self.colour_below = gr.ColorPicker(
                "#88aacc", label=string("colour_below"), visible=False
            )
        with gr.Column(visible=False) as self.backdrop_area:
            self.backdrop = photo_input(label=string("backdrop"), height=200)
        self.fit = gr.Radio(choices(FITS), value="cover", label=string("fit"), visible=False)
        with gr.Row(visible=False) as self.place_area:
            self.scale = gr.Slider(0.05, 2, 0.7, step=0.05, label=string("scale"))
            self.x = gr.Slider(0, 1, 0.5, step=0.02, label=string("position_x"))
            self.y = gr.Slider(0, 1, 0.6, step=0.02, label=string("position_y"))
        with gr.Row():
            self.outline = gr.Checkbox(label=string("outline"), min_width=100)
            self.shadow = gr.Checkbox(label=string("shadow"), min_width=100)
        self.frame = gr.Radio(choices(FRAMES), value="whole", label=string("crop_frame"))
        self.controls: dict[str, Component] = {
            "background": self.background,
            "colour": self.colour,
            "colour_below": self.colour_below,
            "backdrop": self.backdrop,
            "fit": self.fit,
            "scale": self.scale,
            "x": self.x,
            "y": self.y,
            "outline": self.outline,
            "shadow": self.shadow,
            "frame": self.frame,
        }
        self.shown = [
            self.colour,
            self.colour_below,
            self.backdrop_area,
            self.fit,
            self.place_area,
            self.frame,
        ]

    def show(self, kind: str) -> Updates:
        """Show the controls that belong to a kind of background."""
        background = BACKGROUNDS[kind]
        parameters = background.parameters
        visible = {
            self.colour: "colour" in parameters,
            self.colour_below: "colour_below" in parameters,
            self.backdrop_area: "backdrop" in parameters,
            self.fit: "fit" in parameters,
            self.place_area: "place" in parameters,
            self.frame: not background.has_own_frame,
        }
        return {item: gr.update(visible=is_visible) for item, is_visible in visible.items()}


class FormatPanel:
    """Create the controls of the file's format.

    Attributes:
        controls: the components that `PageOptions` reads, by the names of its fields.
        shown: the components that `show` shows or hides.
    """

    def __init__(self) -> None:
        self.format = gr.Radio(list(OUTPUT_FORMATS), value="png", label=string("format"))
        self.quality = gr.Slider(40, 100, 90, step=1, label=string("quality"), visible=False)
        self.controls: dict[str, Component] = {"format": self.format, "quality": self.quality}
        self.shown = [self.quality]

    def show(self, name: str) -> Updates:
        """Show the quality if a format has one."""
        return {self.quality: gr.update(visible=find_format(name).has_quality)}
