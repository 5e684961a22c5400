"""The result of an open photo: refined, drawn for the canvas, and cut out at its own size."""

from collections.abc import Collection
from dataclasses import replace

from segmentation.compositing.sizing.frame import find_frame, follows_subject, whole_frame
from segmentation.cutout import Cutout, CutoutOptions, cut_out
from segmentation.i18n import Text
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement, try_refine
from segmentation.inference.registry import ModelRegistry
from segmentation.page.options import PageOptions
from segmentation.page.photo_cache import CachedPhoto, PhotoCache
from segmentation.page.preview import (
    Preview,
    background_in_frame,
    reduce_frame,
    render_preview,
    shares,
)
from segmentation.page.session import PhotoState


def refine_result(
    photos: PhotoCache, registry: ModelRegistry, state: PhotoState, min_score: float
) -> tuple[Refinement | None, tuple[Text, ...]]:
    """Run the model a second time on the selected objects; values and errors as of `try_refine`.

    Args:
        photos: the decoded photos.
        registry: the models.
        state: the photo and its objects.
        min_score: minimum score of the objects that are shown.
    """
    photo, segmenter = photos.read(state.path), registry.segmenter(state.model)
    return try_refine(segmenter, photo, state.segmentation, state.selected(min_score))


def draw_result(
    photos: PhotoCache, state: PhotoState, options: PageOptions, refinement: Refinement | None
) -> Preview:
    """Draw the result, reduced.

    Args:
        photos: the decoded photos.
        state: the photo, its objects and the strokes.
        options: values of the controls.
        refinement: the newest one; used only if it is of just the selected objects.

    Raises:
        ChoiceError: a value is out of range, as of `PageOptions.to_cutout_options` and `cut_out`.
        PhotoError: the photo or the one behind it was deleted.
    """
    # The format does not matter here, and may not suit the background.
    arguments = _arguments(photos, state, replace(options, format="png"), refinement)
    return draw_cutout(photos.get(state.path), *arguments)


def draw_cutout(
    photo: CachedPhoto,
    segmentation: Segmentation,
    ids: Collection[int],
    options: CutoutOptions,
    refinement: Refinement | None,
) -> Preview:
    """Draw a cut-out of an open photo, reduced; arguments and errors as of `cut_out`.

    A frame that follows the subject is found and drawn at the photo's own size, and then reduced:
    in the reduced photo, a faint end of the subject may be seen elsewhere, and a small subject has
    too few pixels.
    """
    arguments = segmentation, ids, options, refinement
    photo_hw = photo.photo.hw
    if not follows_subject(options.crop, options.size):
        frame = whole_frame(photo_hw, options.background, options.size)
        alpha = photo.preview_alpha.compute(*arguments)
        return render_preview(photo.preview, alpha, options, frame, photo_hw)
    full = photo.alpha.compute(*arguments)
    frame = find_frame(full, options.background, options.effects, options.crop, options.size)
    background = background_in_frame(
        options.background, photo.preview, full, shares(frame.box_xyxy, photo_hw)
    )
    inside, alpha = reduce_frame(photo.photo, full, frame.box_xyxy)
    return render_preview(inside, alpha, replace(options, background=background), frame, photo_hw)


def cut_out_result(
    photos: PhotoCache, state: PhotoState, options: PageOptions, refinement: Refinement | None
) -> tuple[Cutout, str]:
    """Cut out at the photo's own size; arguments and errors as of `draw_result`.

    Returns:
        The cut-out, and the stem of the photo.
    """
    photo = photos.get(state.path)
    arguments = _arguments(photos, state, options, refinement)
    return cut_out(photo.photo, *arguments, photo.alpha.compute(*arguments)), photo.photo.stem


def _arguments(
    photos: PhotoCache, state: PhotoState, options: PageOptions, refinement: Refinement | None
) -> tuple[Segmentation, tuple[int, ...], CutoutOptions, Refinement | None]:
    """The arguments of `cut_out` besides the photo and the opacity."""
    cutout_options = replace(options.to_cutout_options(photos), strokes=state.strokes)
    selected = state.selected(options.min_score)
    return state.segmentation, selected, cutout_options, refinement if options.refine else None
