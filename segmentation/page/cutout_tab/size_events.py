"""Which event of the panel for the size calls which handler.

Each handler takes and returns values by component.
"""

from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segmentation.compositing.sizing.presets import ID_COLOURS
from segmentation.page.components import LATEST, Updates, Values, skip
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.size_panel import OTHER_COLOUR
from segmentation.page.options import PageOptions

# The background that an ID photo gets if the background was transparent.
FIRST_ID_COLOUR = next(iter(ID_COLOURS))


class SizeEvents:
    """The handlers.

    Args:
        layout: the tab's components.

    Attributes:
        wired: the controls whose handlers ask for the result themselves.
    """

    def __init__(self, layout: CutoutLayout) -> None:
        self._layout = layout
        self.wired = {layout.size_panel.kind, *layout.size_panel.numbers}

    def wire(self, shown: list[Block]) -> None:
        """Wire the menus and number fields; `shown` are outputs of `CutoutLayout.show_controls`."""
        layout, panel, background = (
            self._layout,
            self._layout.size_panel,
            self._layout.background_panel,
        )
        read: set[Block] = {*layout.controls.values()}
        coloured = dict.fromkeys([*shown, background.background, background.colour])
        changed: list[Any] = [*coloured, layout.draw_request]
        panel.kind.input(self.choose_kind, read, changed, **LATEST)
        panel.id_colour.input(self.choose_colour, {*read, panel.id_colour}, changed, **LATEST)
        # A number is complete when the field is left or Enter is pressed, which may be both.
        gr.on(
            [event for number in panel.numbers for event in (number.blur, number.submit)],
            self.enter_numbers,
            {panel.entered, *panel.numbers},
            [panel.entered, layout.draw_request],
            **LATEST,
        )

    def choose_kind(self, values: Values) -> Updates:
        """Show the controls of a kind of size; an ID photo gets a coloured background."""
        options = self._layout.page_options(values)
        if options.size_kind == "id_photo" and options.background == "transparent":
            return self._with_colour(options, FIRST_ID_COLOUR)
        return {**self._layout.show_controls(options), **self._layout.request_drawing()}

    def choose_colour(self, values: Values) -> Updates:
        """Give the background the colour of an ID photo."""
        colour = values[self._layout.size_panel.id_colour]
        if colour == OTHER_COLOUR:
            return skip()
        return self._with_colour(self._layout.page_options(values), colour)

    def enter_numbers(self, values: Values) -> Updates:
        """Ask for the result if a number differs from when it was last drawn."""
        panel = self._layout.size_panel
        numbers = tuple(values[number] for number in panel.numbers)
        if numbers == values[panel.entered]:
            return skip()
        return {panel.entered: numbers, **self._layout.request_drawing()}

    def _with_colour(self, options: PageOptions, colour: str) -> Updates:
        layout, panel = self._layout, self._layout.background_panel
        coloured = replace(options, background="colour", colour=colour)
        shown = layout.show_controls(coloured)
        return {
            **shown,
            panel.background: "colour",
            panel.colour: {**shown[panel.colour], "value": colour},
            **layout.request_drawing(),
        }
