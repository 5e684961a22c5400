"""A photo that the tab is asked to open: by another tab, or by what the browser remembers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from segmentation.compositing.strokes import Stroke
from segmentation.image.photo import Photo
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.segment_box import segment_box, segment_trace
from segmentation.inference.segmenter import Segmenter
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


def search_box(segmenter: Segmenter, photo: Photo, box: DrawnBox) -> Segmentation:
    """Find the objects in a box, or the one that a line was drawn over.

    Raises:
        ChoiceError, EngineUnavailable, InferenceFailed, ModelDamaged: as `segment_box`.
    """
    if box.trace_xy:
        return segment_trace(segmenter, photo, box.trace_xy)
    return segment_box(segmenter, photo, box.box_xyxy)


def redo_edits(
    state: PhotoState, wanted: OpenRequest, search: Callable[[DrawnBox], Segmentation]
) -> PhotoState:
    """Repeat the edits of a photo after it was opened again.

    Each box and each stroke can be undone; the selection is the one to begin with.

    Args:
        state: the photo.
        wanted: the boxes, the selection and the strokes.
        search: finds the objects in a box.
    """
    for box in wanted.boxes:
        state = state.add_boxed(search(box), box)
    if wanted.chosen is not None:
        state = _choose(state, wanted.chosen, wanted.options.min_score)
    for stroke in wanted.strokes:
        state = state.draw(stroke)
    return state


def _choose(state: PhotoState, wanted: tuple[int, ...], min_score: float) -> PhotoState:
    """Select objects that were selected before, guesses below the minimum score among them."""
    chosen = [item for item in state.segmentation.instances if item.id in wanted]
    guesses = frozenset(item.id for item in chosen if item.score < min_score) - state.boxed
    return replace(state, chosen=tuple(item.id for item in chosen), guesses=guesses)
