"""Show the state of a photo: the canvas, the list of objects, and what comes next."""

from dataclasses import replace

import gradio as gr

from segmentation.cutout import CutoutOptions
from segmentation.i18n import Language
from segmentation.image.photo import Photo
from segmentation.image.write import encode
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement
from segmentation.page.canvas.object_map import ObjectMap, draw_object_map
from segmentation.page.canvas.view import CanvasObject, CanvasPlacement, CanvasView
from segmentation.page.components import (
    PageContext,
    Updates,
    Values,
    language_of,
    string,
    translate_errors,
)
from segmentation.page.cutout_tab.layout import CutoutLayout
from segmentation.page.cutout_tab.memory import remember
from segmentation.page.options import PageOptions
from segmentation.page.overlay import colour_of
from segmentation.page.photo_texts import advice, describe, notice_lines, object_choices
from segmentation.page.preview import Preview, preview_scale, render_preview
from segmentation.page.server.files.downloads import replace_image, store_file, store_image
from segmentation.page.session import PhotoState


class Drawing:
    """Draws states of photos.

    Args:
        context: models, limits and decoded photos.
        layout: the tab's components.
    """

    def __init__(self, context: PageContext, layout: CutoutLayout) -> None:
        self._context = context
        self._layout = layout

    def show(self, state: PhotoState, values: Values, request: gr.Request) -> Updates:
        """Show a state with the values of the controls; see `show_with`."""
        return self.show_with(state, self._layout.page_options(values), values, request)

    def show_with(
        self, state: PhotoState, options: PageOptions, values: Values, request: gr.Request
    ) -> Updates:
        """Show a state: in one answer, so that a stroke is seen as soon as it can be.

        The files are out of date from now on; the answer asks for a refinement if it is missing,
        else for the file.
        """
        layout, language, min_score = self._layout, language_of(request), options.min_score
        state = state.set_options(options)
        refinement: Refinement | None = values[layout.refinement] if options.refine else None
        with translate_errors(request):
            photo = self._context.photos.get(state.path)
            cutout_options = self._cutout_options(state, options)
            preview = render_preview(
                photo.preview,
                state.segmentation,
                state.selected(min_score),
                cutout_options,
                refinement,
                preview_scale(photo.photo.hw),
            )
            objects = self._object_map(state, min_score, photo.preview, values)
            results = replace_image(
                values[layout.results], f"{photo.photo.stem}_preview", preview.after
            )
            view = _view(state, objects, preview, results[-1], photo.photo, options, language)
        visible = state.visible(min_score)
        return {
            layout.photo_state: state,
            layout.memory: remember(state, options),
            layout.object_map: objects,
            layout.view: view,
            layout.results: results,
            layout.canvas: view.as_json(),
            layout.objects: gr.CheckboxGroup(
                choices=object_choices(visible, language), value=list(state.selected(min_score))
            ),
            layout.show_uncertain: gr.Button(
                visible=not visible.instances and bool(state.segmentation.instances)
            ),
            layout.message: notice_lines(state, language),
            **self._next_step(state, options, refinement),
        }

    def _next_step(
        self, state: PhotoState, options: PageOptions, refinement: Refinement | None
    ) -> Updates:
        layout, selected = self._layout, state.selected(options.min_score)
        if not state.has_cutout(options.min_score):
            return layout.no_files()
        preparing = gr.DownloadButton(string("preparing"), value=None, interactive=False)
        updates = {layout.download: preparing, **layout.no_other_files()}
        is_refined = refinement is not None and refinement.matches(state.segmentation, selected)
        if options.refine and selected and not is_refined:
            return {**updates, **layout.request_refinement()}
        return {**updates, **layout.request_file()}

    def _cutout_options(self, state: PhotoState, options: PageOptions) -> CutoutOptions:
        # The format does not matter here, and may not suit the background.
        drawn = replace(options, format="png").to_cutout_options(self._context.photos)
        return replace(drawn, strokes=state.strokes)

    def _object_map(
        self, state: PhotoState, min_score: float, preview: Photo, values: Values
    ) -> ObjectMap:
        """Return the map that the browser has, or another one if it shows other objects."""
        visible = state.visible(min_score)
        ids = tuple(instance.id for instance in visible.instances)
        former: ObjectMap | None = values[self._layout.object_map]
        if former is not None and former.shows(state.segmentation, ids):
            return former
        pixels, numbers_xy = draw_object_map(visible, preview.hw)
        path = store_file("objects.png", encode(pixels))
        return ObjectMap(state.segmentation, ids, path, numbers_xy)


def _view(
    state: PhotoState,
    objects: ObjectMap,
    preview: Preview,
    result: str,
    photo: Photo,
    options: PageOptions,
    language: Language,
) -> CanvasView:
    min_score = options.min_score
    texts = advice(state, min_score)
    return CanvasView(
        photo=state.preview_path,
        photo_wh=photo.hw[::-1],
        object_map=objects.path,
        objects=_canvas_objects(state.visible(min_score), objects, language),
        selected=state.selected(min_score),
        clicked=state.clicked,
        result=result,
        result_wh=preview.file_hw[::-1],
        before=None if preview.before is None else store_image("before", preview.before),
        frame_xyxy=preview.frame_xyxy,
        placement=_placement(preview, options.scale),
        can_undo=bool(state.history),
        can_redo=bool(state.undone),
        notice=" ".join(text.in_language(language) for text in texts),
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
