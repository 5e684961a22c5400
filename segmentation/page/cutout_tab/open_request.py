"""A photo that the tab is asked to open: by another tab, or by what the browser remembers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from segmentation.arrays import BoxXYXY
from segmentation.compositing.strokes import Stroke
from segmentation.inference.postprocess import Segmentation
from segmentation.page.options import PageOptions
from segmentation.page.session import DrawnBox, PhotoState


@dataclass(frozen=True, slots=True, eq=False)
class OpenRequest:
    """A photo to open, and how. Each request is unequal to all others, so each one is an event.

    Attributes:
        path: of the upload.
        model: name of the model that finds the objects.
        chosen: ids of the objects to select; None selects the subject.
        options: values for the controls.
        boxes: in which to look for further objects.
        strokes: of the brushes.
        is_first: whether the page asks for it as it loads, so that a photo that the visitor opened
            in the meantime stays.
    """

    path: str
    model: str
    chosen: tuple[int, ...] | None
    options: PageOptions
    boxes: tuple[DrawnBox, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    is_first: bool = False


def redo_edits(
    state: PhotoState, wanted: OpenRequest, search_box: Callable[[BoxXYXY], Segmentation]
) -> PhotoState:
    """Do with a photo that was just opened what was done with it before.

    Each box and each stroke can be undone; the selection is the one to begin with.

    Args:
        state: the photo.
        wanted: the boxes, the selection and the strokes.
        search_box: finds the objects in a box of photo pixels.
    """
    for box in wanted.boxes:
        state = state.add_boxed(search_box(box.box_xyxy), box)
    if wanted.chosen is not None:
        state = _choose(state, wanted.chosen, wanted.options.min_score)
    for stroke in wanted.strokes:
        state = state.draw(stroke)
    return state


def _choose(state: PhotoState, wanted: tuple[int, ...], min_score: float) -> PhotoState:
    """Select objects that were selected before, guesses below the least score among them."""
    chosen = [item for item in state.segmentation.instances if item.id in wanted]
    guesses = frozenset(item.id for item in chosen if item.score < min_score) - state.boxed
    return replace(state, chosen=tuple(item.id for item in chosen), guesses=guesses)
