"""The components of the tab for one photo, in the order of the screen."""

from collections.abc import Iterable
from secrets import token_hex

import gradio as gr
from gradio.components import Component

from segmentation.compositing.backgrounds import BACKGROUNDS, FITS
from segmentation.image.formats import OUTPUT_FORMATS, find_format
from segmentation.inference.select import MIN_OFFERED_SCORE
from segmentation.model_card import ModelCard
from segmentation.page.canvas.canvas import photo_canvas
from segmentation.page.components import (
    STATE_SECONDS,
    Updates,
    Values,
    photo_button,
    require,
    string,
)
from segmentation.page.cutout_tab.start import StartScreen
from segmentation.page.options import FRAMES, PageOptions
from segmentation.page.session import SCORE_STEP, PhotoState


class CutoutLayout:
    """Create the components.

    `draw_request`, `refine_request`, `export_request` and `zip_request` are states that a handler
    changes to ask for the event that listens to them: the next step depends on data.

    Args:
        card: of the model in use at first.

    Attributes:
        controls: the components that `PageOptions` reads, by the names of its fields.
    """

    def __init__(self, card: ModelCard) -> None:
        self.photo_state = gr.State(None, time_to_live=STATE_SECONDS)
        self.refinement = gr.State(None, time_to_live=STATE_SECONDS)
        self.found_in_box = gr.State(None, time_to_live=STATE_SECONDS)
        # What the browser was sent last: the canvas, and the object map alone.
        self.view = gr.State(None, time_to_live=STATE_SECONDS)
        self.object_map = gr.State(None, time_to_live=STATE_SECONDS)
        # Outlives the photo's state, so that an idle page can report that the state was dropped.
        self.is_open = gr.State(False)
        self.model_in_use = gr.State(card.name)
        self.downloads = gr.State(())
        # The result on the canvas that the last download is the file of.
        self.exported = gr.State("")
        self.draw_request = gr.State(None)
        self.refine_request = gr.State(None)
        self.export_request = gr.State(None)
        self.zip_request = gr.State(None)
        self._start()
        with gr.Row(visible=False, elem_id="workspace") as self.photo_area:
            with gr.Column(min_width=320, elem_id="photo"):
                self._photo()
            with gr.Column(min_width=320, elem_id="rail"):
                self._actions()
                with gr.Tabs(elem_id="tools", overflow_behavior="wrap"):
                    self._tools(card)
        self.controls: dict[str, Component] = {
            "min_score": self.min_score,
            "refine": self.refine,
            "background": self.background,
            "colour": self.colour,
            "colour_below": self.colour_below,
            "backdrop": self.backdrop,
            "fit": self.fit,
            "scale": self.scale,
            "x": self.x,
            "y": self.y,
            "softness": self.softness,
            "grow": self.grow,
            "fine_hair": self.fine_hair,
            "outline": self.outline,
            "shadow": self.shadow,
            "frame": self.frame,
            "format": self.format,
            "quality": self.quality,
        }

    def page_options(self, values: Values) -> PageOptions:
        """Read the controls."""
        return PageOptions(**{name: values[item] for name, item in self.controls.items()})

    def state(self, values: Values, request: gr.Request) -> PhotoState:
        """Read the state of the open photo.

        Raises:
            gr.Error: there is none any more.
        """
        state: PhotoState | None = values[self.photo_state]
        return require(state, request)

    def open_state(self, values: Values, request: gr.Request) -> PhotoState | None:
        """Read the state of the open photo, or None if none was opened.

        Raises:
            gr.Error: one was opened, but its state was dropped.
        """
        return self.state(values, request) if values[self.is_open] else None

    def no_zip(self) -> Updates:
        """Hide the ZIP."""
        return {self.download_zip: gr.DownloadButton(visible=False)}

    def no_files(self) -> Updates:
        """Offer no file: there is none, or it could not be made."""
        download = gr.DownloadButton(string("download"), value=None, interactive=False)
        return {self.download: download, **self.no_zip()}

    def request_drawing(self) -> Updates:
        """Ask for the result of the open photo."""
        return {self.draw_request: token_hex(8)}

    def request_refinement(self) -> Updates:
        """Ask for the second inference on the selected objects."""
        return {self.refine_request: token_hex(8)}

    def request_file(self) -> Updates:
        """Ask for the file of the result."""
        return {self.export_request: token_hex(8)}

    def show_controls(self, options: PageOptions) -> Updates:
        """Show the controls that belong to the kind of background and to the format."""
        background = BACKGROUNDS[options.background]
        parameters = background.parameters
        visible = {
            self.colour: "colour" in parameters,
            self.colour_below: "colour_below" in parameters,
            self.backdrop_area: "backdrop" in parameters,
            self.fit: "fit" in parameters,
            self.place_area: "place" in parameters,
            self.frame: not background.has_own_frame,
            self.quality: find_format(options.format).has_quality,
        }
        return {item: gr.update(visible=is_visible) for item, is_visible in visible.items()}

    def _start(self) -> None:
        start = StartScreen()
        self.upload, self.opening = start.upload, start.progress
        self.examples = start.examples
        # Over the page while a photo is opened or searched.
        self.cancel = gr.Button(string("cancel"), elem_id="cancel")

    def _photo(self) -> None:
        self.canvas = photo_canvas(elem_id="canvas")
        self.objects = gr.CheckboxGroup(label=string("objects"), container=False, elem_id="objects")
        with gr.Row(elem_id="selection"):
            self.select_all = gr.Button(string("all"), size="sm", min_width=44)
            self.select_none = gr.Button(string("none"), size="sm", min_width=44)
        self.message = gr.Markdown(elem_id="message")
        self.show_uncertain = gr.Button(string("show_uncertain"), visible=False)

    def _actions(self) -> None:
        """Create the buttons that lead to the file; phones show them in a bar at the bottom."""
        with gr.Row(elem_id="actions"):
            self.download = gr.DownloadButton(
                string("download"), variant="primary", interactive=False, elem_id="download"
            )
            self.new_photo = gr.Button(string("new_photo"), min_width=60, elem_id="new_photo")
            self.copy = gr.Button(string("copy"), min_width=60, elem_id="copy")
            self.share = gr.Button(string("share"), min_width=60, elem_id="share")
        # The wordmark clicks it.
        self.close_photo = gr.Button(string("close_photo"), elem_id="close_photo")

    def _tools(self, card: ModelCard) -> None:
        with gr.Tab(string("background")):
            self._background()
        with gr.Tab(string("size_panel")):
            self.frame = gr.Radio(choices(FRAMES), value="whole", label=string("crop_frame"))
        with gr.Tab(string("edge_panel")):
            self._edge(card)
        with gr.Tab(string("effects_panel")):
            self.outline = gr.Checkbox(label=string("outline"), container=False)
            self.shadow = gr.Checkbox(label=string("shadow"), container=False)
        with gr.Tab(string("file_panel")):
            self._file()

    def _background(self) -> None:
        self.background = gr.Radio(
            choices(BACKGROUNDS),
            value="transparent",
            label=string("background"),
            elem_id="background",
        )
        with gr.Row():
            self.colour = gr.ColorPicker(
                "#ffffff", label=string("colour"), visible=False, min_width=120
            )
            self.colour_below = gr.ColorPicker(
                "#88aacc", label=string("colour_below"), visible=False, min_width=120
            )
        with gr.Column(visible=False, elem_id="backdrop_area") as self.backdrop_area:
            self.backdrop = photo_button(string("backdrop"), elem_id="backdrop")
        self.fit = gr.Radio(choices(FITS), value="cover", label=string("fit"), visible=False)
        with gr.Column(visible=False) as self.place_area:
            self.scale = gr.Slider(0.05, 2, 0.7, step=0.05, label=string("scale"))
            self.x = gr.Slider(0, 1, 0.5, step=0.02, label=string("position_x"))
            self.y = gr.Slider(0, 1, 0.6, step=0.02, label=string("position_y"))

    def _edge(self, card: ModelCard) -> None:
        self.softness = gr.Slider(-1, 1, 0, step=0.1, label=string("softness"))
        self.grow = gr.Slider(-10, 10, 0, step=1, label=string("grow"))
        self.fine_hair = gr.Checkbox(label=string("fine_hair"), container=False)
        self.refine = gr.Checkbox(True, label=string("refine"), container=False)
        self.min_score = gr.Slider(
            MIN_OFFERED_SCORE,
            0.95,
            card.score_threshold,
            step=SCORE_STEP,
            label=string("threshold"),
        )

    def _file(self) -> None:
        titles = [(kind.title, name) for name, kind in OUTPUT_FORMATS.items()]
        self.format = gr.Radio(titles, value="png", label=string("format"))
        self.quality = gr.Slider(40, 100, 90, step=1, label=string("quality"), visible=False)
        self.make_zip = gr.Button(string("zip"), size="sm")
        self.download_zip = gr.DownloadButton(string("download_zip"), visible=False)


def choices(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the choices of a menu whose values are keys of STRINGS."""
    return [(string(name), name) for name in names]
