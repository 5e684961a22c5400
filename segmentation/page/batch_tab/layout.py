"""The components of the tab for many photos, in the order of the screen."""

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from segmentation.i18n import Text
from segmentation.image.photo import Limits
from segmentation.page.batch_tab.batch import BATCH_RULES
from segmentation.page.batch_tab.photo_list import PhotoList
from segmentation.page.components import (
    STATE_SECONDS,
    Values,
    bilingual,
    button_list,
    static_html,
    string,
)
from segmentation.page.cutout_tab.panels import (
    BackgroundPanel,
    EffectsPanel,
    FormatPanel,
    FramePanel,
    OutputPanels,
)
from segmentation.page.cutout_tab.size_panel import SizePanel
from segmentation.page.options import PageOptions
from segmentation.page.strings import STRINGS


class BatchLayout:
    """Create the components.

    Args:
        limits: of a batch.
        shared: controls of the tab for one photo that apply here too, by the names of the fields
            of `PageOptions`.

    Attributes:
        photos: of the next batch.
        panels: the tab's own controls.
        controls: the components that `PageOptions` reads, by the names of its fields.
        shown: the components that show a batch.
    """

    def __init__(self, limits: Limits, shared: dict[str, Component]) -> None:
        self.batch = gr.State(None, time_to_live=STATE_SECONDS)
        # Index of the result that is open in the other tab.
        self.opened = gr.State(0)
        static_html(_introduction(limits), elem_id="batch_intro")
        # The order of the work; the style sheet makes two columns of it where there is room.
        with gr.Column(elem_id="batch"):
            self.photos = PhotoList()
            with gr.Column(elem_id="batch_rail"):
                self.objects = gr.Radio(
                    [(string(key), rule) for rule, key in BATCH_RULES.items()],
                    value="auto",
                    label=string("batch_objects"),
                )
                self.panels = self._panels()
            with gr.Column(elem_id="batch_actions"):
                self._actions()
        self.tiles = button_list(visible=False, elem_id="tiles")
        self.controls = {**shared, **self.panels.controls}
        self.shown: list[Block] = [
            self.batch,
            self.tiles,
            self.state,
            self.download,
            self.run,
            self.stop,
            self.resume,
        ]

    def page_options(self, values: Values) -> PageOptions:
        """Read the controls."""
        return PageOptions(**{name: values[item] for name, item in self.controls.items()})

    def _panels(self) -> OutputPanels:
        with gr.Tabs(elem_id="batch_tools", overflow_behavior="wrap"):
            with gr.Tab(string("background")):
                background = BackgroundPanel()
            with gr.Tab(string("size_panel")):
                frame, size = FramePanel(), SizePanel(prefix="batch_")
            with gr.Tab(string("effects_panel")):
                effects = EffectsPanel()
            with gr.Tab(string("file_panel")):
                format_ = FormatPanel()
        return OutputPanels(background, frame, size, effects, format_)

    def _actions(self) -> None:
        """Create the buttons. Those that a running batch shows have the places of others."""
        self.run = gr.Button(string("run_batch"), variant="primary", interactive=False)
        self.stop = gr.Button(string("stop"), visible=False)
        self.resume = gr.Button(string("resume"), variant="primary", visible=False)
        self.state = gr.HTML(visible=False, js_on_load=None, apply_default_css=False)
        self.download = gr.DownloadButton(string("download_zip"), variant="primary", visible=False)


def _introduction(limits: Limits) -> str:
    intro = STRINGS["batch_intro"]
    numbers = {"photos": limits.batch_photos, "megabytes": limits.batch_megabytes}
    return f"<p>{bilingual(Text(intro.en.format(**numbers), intro.zh.format(**numbers)))}</p>"
