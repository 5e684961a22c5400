"""The view of the canvas for the state of a photo."""

from dataclasses import dataclass
from typing import Any

from segmentation.i18n import Language, join_sentences
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement
from segmentation.page.canvas.object_map import ObjectMap, update_object_map
from segmentation.page.canvas.view import CanvasObject, CanvasPlacement, CanvasView
from segmentation.page.options import PageOptions
from segmentation.page.overlay import colour_of
from segmentation.page.photo_cache import CachedPhoto, PhotoCache
from segmentation.page.photo_result import draw_result
from segmentation.page.photo_texts import advice, describe
from segmentation.page.preview import Preview, pixels_of
from segmentation.page.server.files.downloads import replace_image, store_image
from segmentation.page.session import PhotoState, Shown


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCanvas:
    """A canvas as it was drawn last, from which the next drawing goes on.

    Attributes:
        shown: the objects of the photo.
        view: what it shows.
        value: the same, for the component.
        object_map: the object map that the browser has.
        results: paths of the last picture of the result and of the one before.
    """

    shown: Shown
    view: CanvasView
    value: dict[str, Any]
    object_map: ObjectMap
    results: tuple[str, ...]


def store_photo(photo: CachedPhoto) -> str:
    """Store the reduced photo, which the canvas shows. Returns its path.

    Raises:
        StorageFull: there is no space for it.
    """
    return store_image(photo.photo.stem, pixels_of(photo.preview))


def draw_canvas(
    photos: PhotoCache,
    state: PhotoState,
    options: PageOptions,
    refinement: Refinement | None,
    former_map: ObjectMap | None,
    former_results: tuple[str, ...],
    language: Language,
) -> DrawnCanvas:
    """Draw a state of a photo.

    Args:
        photos: the decoded photos.
        state: of the photo.
        options: values of the controls.
        refinement: see `draw_result`.
        former_map: the object map that the browser has, if any.
        former_results: the pictures of the result that were drawn before.
        language: of the objects' names and of the notice.

    Raises:
        ChoiceError, PhotoError: as `draw_result`.
        StorageFull: there is no space for a picture.
    """
    shown, photo = state.shown(options.min_score), photos.get(state.path)
    preview = draw_result(photos, state, options, refinement)
    objects = update_object_map(former_map, state.segmentation, shown.visible, photo.preview.hw)
    results = replace_image(former_results, f"{photo.photo.stem}_preview", preview.after)
    view = CanvasView(
        photo=state.preview_path,
        photo_wh=photo.photo.hw[::-1],
        object_map=objects.path,
        objects=_canvas_objects(shown.visible, objects, language),
        selected=shown.selected,
        clicked=state.clicked,
        result=results[-1],
        result_wh=preview.file_hw[::-1],
        before=None if preview.before is None else store_image("before", preview.before),
        frame_xyxy=preview.frame_xyxy,
        placement=_placement(preview, options.scale),
        can_undo=bool(state.history),
        can_redo=bool(state.undone),
        notice=join_sentences(advice(state, shown), language),
    )
    return DrawnCanvas(shown, view, view.as_json(), objects, results)


def _placement(preview: Preview, scale: float) -> CanvasPlacement | None:
    placed = preview.placed
    if placed is None:
        return None
    return CanvasPlacement(store_image("subject", placed.image), placed.box_xyxy, scale)


def _canvas_objects(
    visible: Segmentation, objects: ObjectMap, language: Language
) -> tuple[CanvasObject, ...]:
    return tuple(
        CanvasObject(
            instance.id,
            describe(instance, language),
            "#{:02x}{:02x}{:02x}".format(*colour_of(instance.id)),
            number_xy,
        )
        for instance, number_xy in zip(visible.instances, objects.numbers_xy, strict=True)
    )
