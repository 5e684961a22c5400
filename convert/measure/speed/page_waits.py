"""How long the page takes from what a visitor does on the canvas to the result it shows."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import segmentation.page  # noqa: F401  prepares the environment, which gradio reads

# isort: split
import gradio as gr
from gradio.components import Component

from segmentation import Limits, Photo, encode
from segmentation.compositing.strokes import Stroke
from segmentation.inference.registry import ModelRegistry
from segmentation.inference.select import MIN_OFFERED_SCORE
from segmentation.model_card import ModelCard
from segmentation.page.canvas.drawn_view import store_photo
from segmentation.page.components import PageContext
from segmentation.page.cutout_tab.drawing import Drawing
from segmentation.page.cutout_tab.edit_events import EditEvents
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.preview import pixels_of
from segmentation.page.session import open_photo

REQUEST = gr.Request(headers={"accept-language": "en"})


@contextmanager
def open_page(
    card: ModelCard, photo: Photo, stroke: Stroke
) -> Iterator[dict[str, Callable[[], object]]]:
    """Open a photo on a page without a server, until the block ends.

    Args:
        card: of the model.
        photo: the photo.
        stroke: to draw.

    Yields:
        What a visitor does, by name: each call runs the whole handler, from the event's data to the
        files and values that the browser gets.
    """
    context = PageContext(ModelRegistry([card]), Limits(megapixels=1e3, megabytes=1e3))
    with gr.Blocks(analytics_enabled=False) as ui:
        layout = CutoutLayout(card)
    drawing = Drawing(context, layout)
    edits = EditEvents(context, layout, drawing)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.png"
        path.write_bytes(encode(pixels_of(photo)))
        opened = context.photos.get(str(path))
        preview_path = store_photo(opened)
        segmentation, _ = context.registry.segmenter().segment(opened.photo, MIN_OFFERED_SCORE)
        # Columns and panels have no value that a handler reads.
        components = [item for item in ui.blocks.values() if isinstance(item, Component)]
        values: dict[Any, Any] = {item: getattr(item, "value", None) for item in components}
        values[layout.photo_state] = open_photo(str(path), preview_path, card, segmentation, ())
        values |= drawing.show(values[layout.photo_state], values, REQUEST)
        data = {"mode": stroke.mode, "radius": stroke.radius}
        drawn = gr.EventData(None, {**data, "points_xy": [[x, y] for x, y in stroke.points_xy]})
        edges = cycle([{layout.softness: 0.1}, {layout.softness: 0.0}])

        def changed() -> dict[Any, Any]:
            """Return values with another edge than before: the page keeps the newest opacity."""
            return {**values, **next(edges)}

        yield {
            "one stroke, from the event to the result": lambda: edits.paint(
                changed(), drawn, REQUEST
            ),
            "all objects, from the event to the result": lambda: edits.select_all(
                changed(), REQUEST
            ),
        }
        context.registry.close()
