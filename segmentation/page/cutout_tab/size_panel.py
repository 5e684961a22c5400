"""The panel for the size of the file: menu of sizes, ID photo, limit of the file."""

import gradio as gr
from gradio.components import Component

from segmentation.compositing.sizing.presets import ID_COLOURS, ID_SIZES, SHOP_SIZES
from segmentation.compositing.sizing.size import (
    MAX_MARGIN,
    MAX_SHIFT,
    MAX_ZOOM,
    MIN_ZOOM,
)
from segmentation.page.components import Updates, choices, string
from segmentation.page.options import PageOptions
from segmentation.page.size_options import MARGIN_KINDS, SIZE_KINDS, UNITS, SizeOptions

# The choice of an ID photo's background that leaves it as it is set elsewhere.
OTHER_COLOUR = "other"


class SizePanel:
    """Create the components. Number fields have no limits of their own: the sizes check them.

    Args:
        prefix: of the ids of its elements, which a page has once.

    Attributes:
        controls: the components that `SizeOptions` reads, by the names of its fields.
        shown: the components that `show` changes.
        id_colour: a colour of ID photos, or OTHER_COLOUR; the background itself says which.
        numbers: the number fields.
    """

    def __init__(self, prefix: str = "") -> None:
        defaults = SizeOptions()
        self._prefix = prefix
        self.kind = gr.Radio(
            choices(SIZE_KINDS),
            value=defaults.size_kind,
            label=string("size_kind"),
            elem_id=f"{self._prefix}size_kind",
        )
        self._areas: dict[str, gr.Column] = {}
        with self._area("longest"):
            self.longest = gr.Number(
                defaults.longest,
                label=string("longest_side"),
                precision=0,
                elem_id=f"{self._prefix}longest",
            )
        with self._area("exact"):
            self._exact(defaults)
        with self._area("shop"):
            self.shop = gr.Radio(
                choices(SHOP_SIZES), value=defaults.shop, label=string("shop_size")
            )
        with gr.Column(visible=False) as self._margin_area:
            self.margin = gr.Slider(
                0, 100 * MAX_MARGIN, defaults.margin, step=1, label=string("margin")
            )
        with self._area("id_photo"):
            self._id_photo(defaults)
        self.max_kb = gr.Number(
            defaults.max_kb, label=string("max_kb"), elem_id=f"{self._prefix}max_kb"
        )
        self.shown = [self._margin_area, *self._areas.values(), self.id_colour]
        self.numbers = self.longest, self.width, self.height, self.dpi, self.max_kb
        self.controls: dict[str, Component] = {
            "size_kind": self.kind,
            "longest": self.longest,
            "width": self.width,
            "height": self.height,
            "unit": self.unit,
            "dpi": self.dpi,
            "shop": self.shop,
            "margin": self.margin,
            "id_format": self.id_format,
            "zoom": self.zoom,
            "shift_x": self.shift_x,
            "shift_y": self.shift_y,
            "sheet": self.sheet,
            "max_kb": self.max_kb,
        }

    def show(self, options: PageOptions) -> Updates:
        """Show the controls that belong to the kind of size, and the colour of the background."""
        colour = options.colour.upper()
        is_known = options.background == "colour" and colour in ID_COLOURS
        return {
            self._margin_area: gr.update(visible=options.size_kind in MARGIN_KINDS),
            **{
                area: gr.update(visible=kind == options.size_kind)
                for kind, area in self._areas.items()
            },
            self.id_colour: gr.update(value=colour if is_known else OTHER_COLOUR),
        }

    def numbers_in(self, options: PageOptions) -> tuple[float, ...]:
        """Return the values of `numbers`."""
        names = (name for name, control in self.controls.items() if control in self.numbers)
        return tuple(getattr(options, name) for name in names)

    def _area(self, kind: str) -> gr.Column:
        self._areas[kind] = gr.Column(visible=False)
        return self._areas[kind]

    def _exact(self, defaults: SizeOptions) -> None:
        with gr.Row():
            self.width = gr.Number(
                defaults.width, label=string("width"), min_width=80, elem_id=f"{self._prefix}width"
            )
            self.height = gr.Number(
                defaults.height,
                label=string("height"),
                min_width=80,
                elem_id=f"{self._prefix}height",
            )
        with gr.Row():
            self.unit = gr.Radio(
                choices(UNITS), value=defaults.unit, label=string("unit"), min_width=80
            )
            self.dpi = gr.Number(
                defaults.dpi,
                label=string("dpi"),
                min_width=80,
                elem_id=f"{self._prefix}dpi",
            )

    def _id_photo(self, defaults: SizeOptions) -> None:
        self.id_colour = gr.Radio(
            [*choices(ID_COLOURS), (string("other_colour"), OTHER_COLOUR)],
            value=OTHER_COLOUR,
            label=string("id_colour"),
            elem_id=f"{self._prefix}id_colour",
        )
        self.id_format = gr.Dropdown(
            choices(ID_SIZES),
            value=defaults.id_format,
            label=string("id_format"),
            filterable=False,
            elem_id=f"{self._prefix}id_format",
        )
        with gr.Accordion(string("move_frame"), open=False):
            self.zoom = gr.Slider(
                MIN_ZOOM, MAX_ZOOM, defaults.zoom, step=0.02, label=string("zoom")
            )
            shift = -MAX_SHIFT, MAX_SHIFT
            self.shift_y = gr.Slider(*shift, defaults.shift_y, step=0.01, label=string("shift_y"))
            self.shift_x = gr.Slider(*shift, defaults.shift_x, step=0.01, label=string("shift_x"))
        self.sheet = gr.Checkbox(defaults.sheet, label=string("sheet"), container=False)
