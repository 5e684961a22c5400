"""Which event of the panel for the size calls which handler.

Each handler takes and returns values by component.
"""

from collections.abc import Callable
from dataclasses import replace

import gradio as gr
from gradio.blocks import Block

from segmentation.compositing.sizing.presets import ID_COLOURS
from segmentation.page.components import LATEST, Updates, Values, skip
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.panels import OutputPanels
from segmentation.page.cutout_tab.size_panel import OTHER_COLOUR
from segmentation.page.options import PageOptions

# The background that these kinds of pictures get if it was transparent: white. Shops ask for it as
# well, see the registry of sizes.
KINDS_ON_WHITE = ("shop", "id_photo")
WHITE = next(iter(ID_COLOURS))


class SizeEvents:
    """The handlers of the menus.

    Args:
        panels: the panels, of which the size changes the background as well.
        page_options: reads the controls.
        request: returns the updates that ask for the result, if the tab shows one.
    """

    def __init__(
        self,
        panels: OutputPanels,
        page_options: Callable[[Values], PageOptions],
        request: Callable[[], Updates] = dict,
    ) -> None:
        self._panels = panels
        self._page_options = page_options
        self._request = request

    def wire(self, controls: set[Block], requests: list[Block]) -> None:
        """Wire the menus.

        Args:
            controls: the components that `page_options` reads.
            requests: the components that `request` updates.
        """
        size, background = self._panels.size, self._panels.background
        coloured = [*self._panels.shown, background.background, background.colour]
        changed = [*dict.fromkeys(coloured), *requests]
        size.kind.input(self.choose_kind, controls, changed, **LATEST)
        size.id_colour.input(self.choose_colour, {*controls, size.id_colour}, changed, **LATEST)

    def choose_kind(self, values: Values) -> Updates:
        """Show the controls of a kind of size; a picture for a shop or an ID gets a background."""
        options = self._page_options(values)
        if options.size_kind in KINDS_ON_WHITE and options.background == "transparent":
            return self._with_colour(options, WHITE)
        return {**self._panels.show(options), **self._request()}

    def choose_colour(self, values: Values) -> Updates:
        """Give the background the colour of an ID photo."""
        colour = values[self._panels.size.id_colour]
        if colour == OTHER_COLOUR:
            return skip()
        return self._with_colour(self._page_options(values), colour)

    def _with_colour(self, options: PageOptions, colour: str) -> Updates:
        panel = self._panels.background
        coloured = replace(options, background="colour", colour=colour)
        shown = self._panels.show(coloured)
        return {
            **shown,
            panel.background: "colour",
            panel.colour: {**shown[panel.colour], "value": colour},
            **self._request(),
        }


class NumberEvents:
    """The handler of the number fields of the tab for one photo.

    Args:
        layout: the tab's components.
    """

    def __init__(self, layout: CutoutLayout) -> None:
        self._layout = layout

    def wire(self) -> None:
        """Wire the fields: a number is complete when its field is left or Enter is pressed."""
        layout, numbers = self._layout, self._layout.size_panel.numbers
        gr.on(
            [event for number in numbers for event in (number.blur, number.submit)],
            self.enter_numbers,
            {layout.entered_numbers, *numbers},
            [layout.entered_numbers, layout.draw_request],
            **LATEST,
        )

    def enter_numbers(self, values: Values) -> Updates:
        """Ask for the result if a number differs from when it was last drawn.

        Enter reports a number first, and leaving its field reports it again.
        """
        layout = self._layout
        numbers = tuple(values[number] for number in layout.size_panel.numbers)
        if numbers == values[layout.entered_numbers]:
            return skip()
        return {layout.entered_numbers: numbers, **layout.request_drawing()}
