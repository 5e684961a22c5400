"""The components of the tab that compares settings, in the order of the screen."""

from collections.abc import Mapping, Sequence

import gradio as gr
from gradio.components import Component

from segmentation.page.compare_tab.columns import LETTERS
from segmentation.page.components import (
    STATE_SECONDS,
    bilingual,
    button_list,
    example_list,
    gallery,
    static_html,
    string,
)
from segmentation.page.strings import STRINGS

# The example that is shown first: its standard cut-out is clearly the better one.
FIRST_EXAMPLE = "rocket.jpg"


class CompareLayout:
    """Create the components.

    Args:
        variants: the choices of the menus: title, name.

    Attributes:
        example: place in the gallery of the example that was opened last.
        settings: the controls of each setting: variant, refine, softness, grow, fine_hair.
        controls: the number of settings, and the controls of all of them.
    """

    def __init__(self, variants: Sequence[tuple[str, str]]) -> None:
        self.columns = gr.State(None, time_to_live=STATE_SECONDS)
        files = [entry["file"] for entry in gallery()]
        self.example = gr.State(files.index(FIRST_EXAMPLE))
        static_html(f"<p>{bilingual(STRINGS['compare_intro'])}</p>")
        self.setting_tabs: list[gr.Tab] = []
        self.settings: list[Mapping[str, Component]] = []
        # The order of the work; the style sheet makes two columns of it where there is room.
        with gr.Column(elem_id="comparison"):
            with gr.Column(elem_id="compare_rail"):
                self._settings(variants)
                with gr.Row():
                    self.compare_example = gr.Button(
                        string("compare_example"), variant="primary", min_width=160
                    )
                    self.compare_mine = gr.Button(string("compare_mine"), min_width=160)
                self.cancel = gr.Button(string("cancel"), elem_id="cancel_compare")
            self.examples = example_list(elem_id="compare_examples")
            self.pair = gr.ImageSlider(
                label=string("pair"),
                type="filepath",
                interactive=False,
                buttons=["fullscreen"],
                elem_id="pair",
            )
            self._results()
        with gr.Accordion(string("details"), open=False, elem_id="compare_details"):
            self.figures = gr.Markdown(elem_id="figures")

    def _settings(self, variants: Sequence[tuple[str, str]]) -> None:
        self.count = gr.Radio(
            list(range(2, len(LETTERS) + 1)), value=2, label=string("setting_count")
        )
        for index, letter in enumerate(LETTERS):
            with gr.Tab(letter, visible=index < self.count.value) as tab:
                self.settings.append(_setting_controls(variants, index))
            self.setting_tabs.append(tab)
        controls = (control for setting in self.settings for control in setting.values())
        self.controls: list[Component] = [self.count, *controls]

    def _results(self) -> None:
        self.side_by_side = button_list(elem_id="beside")
        with gr.Column(elem_id="differences"):
            self.difference = gr.Image(
                label=string("difference"),
                interactive=False,
                buttons=["fullscreen"],
                elem_id="difference",
            )
            self.legend = gr.HTML()


def _setting_controls(variants: Sequence[tuple[str, str]], index: int) -> Mapping[str, Component]:
    """Create the controls of a setting; no two settings have equal values to begin with.

    The second one takes another model or precision if there is one, else no refinement.
    """
    has_other = index == 1 and len(variants) > 1
    return {
        "variant": gr.Dropdown(
            variants,
            value=variants[int(has_other)][1],
            label=string("model"),
            visible=len(variants) > 1,
        ),
        "refine": gr.Checkbox(index != 1 or has_other, label=string("refine")),
        "softness": gr.Slider(-1, 1, (0, 0, 0, -1)[index], step=0.1, label=string("softness")),
        "grow": gr.Slider(-10, 10, 0, step=1, label=string("grow")),
        "fine_hair": gr.Checkbox(index == 2, label=string("fine_hair")),
    }
