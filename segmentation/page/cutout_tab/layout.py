"""The components of the tab for one photo, in the order of the screen."""

from secrets import token_hex

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from segmentation.inference.select import MIN_OFFERED_SCORE
from segmentation.model_card import ModelCard
from segmentation.page.canvas.canvas import photo_canvas
from segmentation.page.components import (
    STATE_SECONDS,
    Updates,
    Values,
    cancel_button,
    require,
    string,
)
from segmentation.page.cutout_tab.memory import browser_memory
from segmentation.page.cutout_tab.other_files.component import OtherFile
from segmentation.page.cutout_tab.panels import (
    BackgroundPanel,
    EffectsPanel,
    FormatPanel,
    FramePanel,
    OutputPanels,
    set_controls,
)
from segmentation.page.cutout_tab.size_panel import SizePanel
from segmentation.page.cutout_tab.start import StartScreen
from segmentation.page.options import PageOptions
from segmentation.page.session import SCORE_STEP, PhotoState


class CutoutLayout:
    """Create the components.

    `draw_request`, `refine_request`, `export_request` and `open_request` are states that a
    handler changes to ask for the event that listens to them: the next step depends on data.

    Args:
        card: of the model in use at first.

    Attributes:
        controls: the components that `PageOptions` reads, by the names of its fields.
        files: the components that `no_files` empties.
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
        # Files of the last result on the canvas and of the one before.
        self.results = gr.State(())
        # The result on the canvas that the last download is the file of.
        self.exported = gr.State("")
        self.draw_request = gr.State(None)
        self.refine_request = gr.State(None)
        self.export_request = gr.State(None)
        self.open_request = gr.State(None)
        self.memory = browser_memory()
        self._start()
        with gr.Row(visible=False, elem_id="workspace") as self.photo_area:
            with gr.Column(scale=65, min_width=320, elem_id="photo"):
                self._photo()
            with gr.Column(scale=35, min_width=372, elem_id="rail"):
                self._actions()
                with gr.Tabs(elem_id="tools", overflow_behavior="wrap"):
                    self._tools(card)
        self.panels = OutputPanels(
            self.background_panel,
            self.frame_panel,
            self.size_panel,
            self.effects_panel,
            self.format_panel,
        )
        self.controls: dict[str, Component] = {
            "min_score": self.min_score,
            "refine": self.refine,
            "softness": self.softness,
            "grow": self.grow,
            "fine_hair": self.fine_hair,
            **self.panels.controls,
        }
        # The numbers of the size when the result was last drawn.
        self.entered_numbers = gr.State(tuple(item.value for item in self.size_panel.numbers))
        self.files: list[Block] = [
            self.download,
            self.size_notice,
            *self.mask.outputs,
            *self.zip.outputs,
        ]

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

    def no_file(self) -> Updates:
        """Offer no file of the result: there is none, or it could not be made."""
        download = gr.DownloadButton(string("download"), value=None, interactive=False)
        return {self.download: download, self.size_notice: ""}

    def no_files(self) -> Updates:
        """Offer no file at all."""
        return {**self.no_file(), **self.mask.hide(), **self.zip.hide()}

    def request_drawing(self) -> Updates:
        """Ask for the result of the open photo."""
        return {self.draw_request: token_hex(8)}

    def request_refinement(self) -> Updates:
        """Ask for the second inference on the selected objects."""
        return {self.refine_request: token_hex(8)}

    def request_file(self) -> Updates:
        """Ask for the file of the result."""
        return {self.export_request: token_hex(8)}

    def set_controls(self, options: PageOptions) -> Updates:
        """Set the controls to these values, and show those that belong to them."""
        updates = set_controls(self.controls, self.panels.show(options), options)
        return {**updates, self.entered_numbers: self.size_panel.numbers_in(options)}

    def _start(self) -> None:
        start = StartScreen()
        self.upload, self.opening = start.upload, start.progress
        self.examples = start.examples
        self.cancel_buttons = [start.cancel]

    def _photo(self) -> None:
        self.canvas = photo_canvas()
        self.cancel_buttons.append(cancel_button())
        with gr.Row(elem_id="selection"):
            self.objects = gr.CheckboxGroup(
                label=string("objects"), container=False, elem_id="objects"
            )
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
        self.to_batch = gr.Button(string("to_batch"), visible=False, elem_id="to_batch")
        # The wordmark clicks it.
        self.close_photo = gr.Button(string("close_photo"), elem_id="close_photo")

    def _tools(self, card: ModelCard) -> None:
        with gr.Tab(string("background")):
            self.background_panel = BackgroundPanel()
        with gr.Tab(string("size_panel")):
            self.frame_panel = FramePanel()
            self.size_panel = SizePanel()
            # What a person should know about the file that was made.
            self.size_notice = gr.Markdown(elem_id="size_notice")
        with gr.Tab(string("edge_panel")):
            self._edge(card)
        with gr.Tab(string("effects_panel")):
            self.effects_panel = EffectsPanel()
        with gr.Tab(string("file_panel")):
            self.format_panel = FormatPanel()
            self.mask = OtherFile("mask", "download_mask")
            self.zip = OtherFile("zip", "download_zip")

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
