"""Which event of the panel for the size calls which handler.

Each handler takes and returns values by component.
"""

from secrets import token_hex
from typing import Any

import gradio as gr

from segmentation.compositing.backgrounds import BACKGROUNDS
from segmentation.compositing.sizing.presets import ID_COLOURS
from segmentation.page.components import LATEST, Updates, Values, skip
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.size_panel import OTHER_COLOUR
from segmentation.page.size_options import EXACT_KINDS

# The background that an ID photo gets if the background was transparent.
FIRST_ID_COLOUR = next(iter(ID_COLOURS))


class SizeEvents:
    """The handlers.

    Args:
        layout: the tab's components.
    """

    def __init__(self, layout: CutoutLayout) -> None:
        self._layout = layout

    def wire(self) -> list[Any]:
        """Wire the panel. Returns the triggers that change the result."""
        layout, panel = self._layout, self._layout.size
        background = [layout.background, layout.colour]
        shown = [layout.frame, panel.margin_area, *panel.areas.values()]
        gr.on(
            [panel.kind.input, layout.background.change],
            self.show_controls,
            {panel.kind, layout.background},
            shown,
            **LATEST,
        )
        coloured = [*background, panel.id_colour, layout.draw_request]
        panel.kind.input(self.begin_id_photo, {panel.kind, *background}, coloured, **LATEST)
        panel.id_colour.input(self.colour_background, {panel.id_colour}, coloured, **LATEST)
        gr.on(
            [layout.background.change, layout.colour.input],
            self.show_id_colour,
            {*background},
            [panel.id_colour],
            **LATEST,
        )
        sliders = [panel.margin, panel.zoom, panel.shift_x, panel.shift_y]
        menus: list[Any] = [panel.unit, panel.shop, panel.id_format, panel.sheet]
        # A number is complete when the field is left or Enter is pressed, which may be both.
        gr.on(
            [event for number in panel.numbers for event in (number.blur, number.submit)],
            self.enter_numbers,
            {panel.entered, *panel.numbers},
            [panel.entered, layout.draw_request],
            **LATEST,
        )
        return [*(slider.release for slider in sliders), *(menu.input for menu in menus)]

    def show_controls(self, values: Values) -> Updates:
        """Show the controls that belong to the kind of size."""
        panel, kind = self._layout.size, values[self._layout.size.kind]
        has_own_frame = BACKGROUNDS[values[self._layout.background]].has_own_frame
        return {
            self._layout.frame: gr.Radio(visible=not has_own_frame and kind not in EXACT_KINDS),
            panel.margin_area: gr.Column(visible=kind in ("exact", "shop")),
            **{area: gr.Column(visible=kind == name) for name, area in panel.areas.items()},
        }

    def enter_numbers(self, values: Values) -> Updates:
        """Draw the result if a number differs from when it was last drawn."""
        panel = self._layout.size
        numbers = tuple(values[number] for number in panel.numbers)
        if numbers == values[panel.entered]:
            return skip()
        return {panel.entered: numbers, self._layout.draw_request: token_hex(8)}

    def begin_id_photo(self, values: Values) -> Updates:
        """Draw the result in its new size; an ID photo has a coloured background."""
        layout = self._layout
        transparent = values[layout.background] == "transparent"
        if values[layout.size.kind] == "id_photo" and transparent:
            return self._with_colour(FIRST_ID_COLOUR)
        return {layout.draw_request: token_hex(8)}

    def colour_background(self, values: Values) -> Updates:
        """Give the background the colour of an ID photo."""
        colour = values[self._layout.size.id_colour]
        if colour == OTHER_COLOUR:
            return {self._layout.draw_request: token_hex(8)}
        return self._with_colour(colour)

    def show_id_colour(self, values: Values) -> Updates:
        """Show which colour of ID photos the background has."""
        colour = str(values[self._layout.colour]).upper()
        is_known = values[self._layout.background] == "colour" and colour in ID_COLOURS
        return {self._layout.size.id_colour: colour if is_known else OTHER_COLOUR}

    def _with_colour(self, colour: str) -> Updates:
        layout = self._layout
        return {
            layout.background: "colour",
            layout.colour: colour,
            layout.size.id_colour: colour,
            layout.draw_request: token_hex(8),
        }
