"""The view of the canvas for the state of a photo."""

from segmentation.arrays import SizeHW
from segmentation.i18n import Language
from segmentation.inference.postprocess import Segmentation
from segmentation.page.canvas.object_map import ObjectMap
from segmentation.page.canvas.view import CanvasObject, CanvasPlacement, CanvasView
from segmentation.page.overlay import colour_of
from segmentation.page.photo_texts import advice, describe
from segmentation.page.preview import Preview
from segmentation.page.server.files.downloads import store_image
from segmentation.page.session import PhotoState, Shown


def draw_view(
    state: PhotoState,
    shown: Shown,
    objects: ObjectMap,
    preview: Preview,
    result: str,
    photo_hw: SizeHW,
    language: Language,
) -> CanvasView:
    """Return what the canvas shows of a state.

    Args:
        state: of the photo, with the values of the controls.
        shown: its objects.
        objects: the object map for them.
        preview: the result.
        result: path of its picture.
        photo_hw: height and width of the photo itself, in pixels.
        language: of the objects' names and of the notice.
    """
    return CanvasView(
        photo=state.preview_path,
        photo_wh=photo_hw[::-1],
        object_map=objects.path,
        objects=_canvas_objects(shown.visible, objects, language),
        selected=shown.selected,
        clicked=state.clicked,
        result=result,
        result_wh=preview.file_hw[::-1],
        before=None if preview.before is None else store_image("before", preview.before),
        frame_xyxy=preview.frame_xyxy,
        placement=_placement(preview, state.options.scale) if state.options else None,
        can_undo=bool(state.history),
        can_redo=bool(state.undone),
        notice=" ".join(text.in_language(language) for text in advice(state, shown)),
    )


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
