"""Reduced images that the page shows; files have the photo's own size."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import BoxShare, SizeHW, UInt8
from segmentation.compositing.backgrounds import Scene, Transparent
from segmentation.compositing.compose import compose_in_frame
from segmentation.compositing.crop import crop_image, subject_box
from segmentation.compositing.placement import placed_box
from segmentation.compositing.sizing.frame import Frame
from segmentation.compositing.sizing.photo_sheet import make_sheet, paper_hw
from segmentation.compositing.sizing.size import (
    DEFAULT_DPI,
    MIN_SIDE,
    ExactSize,
    LongestSide,
    OutputSize,
    scale_image,
    scaled_hw,
)
from segmentation.cutout import Cutout, CutoutOptions, cut_out
from segmentation.image.blend import Layer, over
from segmentation.image.photo import Photo
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement

# Longest side of the images that the page shows.
PREVIEW_SIDE = 1280
# Side of a checkerboard square, in pixels of the preview.
SQUARE_SIDE = 12


@dataclass(frozen=True, slots=True, eq=False)
class PlacedSubject:
    """The objects that are placed in another photo.

    Attributes:
        image: uint8 (h, w, 4) with straight alpha, their box alone.
        box_xyxy: where it lies in the other photo, as shares of that.
    """

    image: UInt8
    box_xyxy: BoxShare


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A cut-out as its file shows it, at most PREVIEW_SIDE pixels long.

    Attributes:
        after: uint8 (h, w, 4) with straight alpha if it is transparent, else (h, w, 3).
        before: uint8 (h, w, 3), what stands beside the result if that is not the photo itself: its
            part in the frame, or the photo into which objects are placed. Else None.
        frame_xyxy: the part of the photo that `after` shows, as shares of the photo. None if it is
            no such part: a sheet of copies, or another photo into which the objects are placed.
        placed: the objects, if they are placed in another photo.
        file_hw: height and width of the file.
    """

    after: UInt8
    before: UInt8 | None
    frame_xyxy: BoxShare | None
    placed: PlacedSubject | None
    file_hw: SizeHW


def preview_scale(photo_hw: SizeHW, longest_side: int = PREVIEW_SIDE) -> float:
    """Return the number of preview pixels per photo pixel, at most 1."""
    return min(1.0, longest_side / max(photo_hw))


def reduce_photo(photo: Photo) -> Photo:
    """Reduce a photo to the size of the preview; a small one stays as it is."""
    if preview_scale(photo.hw) == 1:
        return photo
    rgba = reduce_pixels(photo)
    alpha = None if photo.alpha is None else np.ascontiguousarray(rgba[..., 3])
    return replace(photo, rgb=np.ascontiguousarray(rgba[..., :3]), alpha=alpha)


def reduce_pixels(photo: Photo, longest_side: int = PREVIEW_SIDE) -> UInt8:
    """Reduce the pixels of a photo to the size of the preview, or to another one.

    Returns:
        uint8 (h, w, 3), or (h, w, 4) with straight alpha if the photo has transparency.
    """
    scale = preview_scale(photo.hw, longest_side)
    size_wh = max(1, round(photo.hw[1] * scale)), max(1, round(photo.hw[0] * scale))

    def reduce(channel: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return cv2.resize(channel, size_wh, interpolation=cv2.INTER_AREA)

    if photo.alpha is None:
        return np.asarray(reduce(photo.rgb), np.uint8)
    # The mean of colours weighted by their opacity.
    alpha = photo.alpha.astype(np.uint16)
    weight = np.maximum(reduce(alpha * 255), 1).astype(np.float32)
    colours = [
        np.minimum(reduce(photo.rgb[..., channel] * alpha) * (255 / weight), 255)
        for channel in range(3)
    ]
    return np.asarray(np.rint(np.dstack([*colours, weight / 255])), np.uint8)


def reduce_image(image: UInt8, longest_side: int = PREVIEW_SIDE) -> UInt8:
    """Reduce a result, whose transparent pixels have no colour.

    Args:
        image: uint8 (H, W, 4) with straight alpha, or (H, W, 3).
        longest_side: of the result, in pixels.

    Returns:
        uint8 (h, w, 4) or (h, w, 3); a small image stays as it is.
    """
    if preview_scale(image.shape[:2], longest_side) == 1:
        return image
    alpha = image[..., 3] if image.shape[2] == 4 else None
    return reduce_pixels(Photo(np.ascontiguousarray(image[..., :3]), alpha, "", ()), longest_side)


def pixels_of(photo: Photo) -> UInt8:
    """Return the pixels of a photo: uint8 (H, W, 3), or (H, W, 4) if it has transparency."""
    return photo.rgb if photo.alpha is None else np.dstack([photo.rgb, photo.alpha])


def preview_options(options: CutoutOptions) -> CutoutOptions:
    """Adapt options to a reduced photo: a scene and a size of at most PREVIEW_SIDE pixels."""
    background = options.background
    if isinstance(background, Scene):
        opaque = replace(background.photo, rgb=background.photo.on_white, alpha=None)
        background = replace(background, photo=reduce_photo(opaque))
    return replace(options, background=background, size=_reduce_size(options.size))


def render_preview(
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    options: CutoutOptions,
    refinement: Refinement | None,
    scale: float = 1.0,
    alpha: UInt8 | None = None,
) -> Preview:
    """Draw a cut-out for the page, in the frame that its file has.

    Args:
        photo: a reduced photo, see `reduce_photo`.
        segmentation, ids, refinement, alpha: see `cut_out`.
        options: of the file.
        scale: pixels of `photo` per pixel of the photo that the file is made of.

    Raises:
        ChoiceError: as `cut_out`.
    """
    cutout = cut_out(photo, segmentation, ids, preview_options(options), refinement, alpha)
    is_part = not (cutout.options.sheet or cutout.options.background.has_own_frame)
    return Preview(
        after=_fit(cutout.image),
        before=_draw_before(photo, cutout),
        frame_xyxy=_shares(cutout.frame.box_xyxy, photo.hw) if is_part else None,
        placed=_placed_subject(photo, cutout),
        file_hw=_file_hw(options, cutout, scale),
    )


def _placed_subject(photo: Photo, cutout: Cutout) -> PlacedSubject | None:
    scene, box = cutout.options.background, subject_box(cutout.alpha)
    if not isinstance(scene, Scene) or box is None:
        return None
    alone = Frame(box, (box[3] - box[1], box[2] - box[0]))
    image = compose_in_frame(photo, cutout.alpha, Transparent(), (), alone)
    placed = placed_box(box, scene.photo.hw, scene.scale, scene.position_xy)
    return PlacedSubject(image, _shares(placed, scene.photo.hw))


def _shares(box_xyxy: tuple[float, float, float, float], size_hw: SizeHW) -> BoxShare:
    left, top, right, bottom = box_xyxy
    height, width = size_hw
    return left / width, top / height, right / width, bottom / height


def _draw_before(photo: Photo, cutout: Cutout) -> UInt8 | None:
    """Draw what `Preview.before` shows: the photo, or the scene, without the objects."""
    options, box = cutout.options, cutout.frame.box_xyxy
    if isinstance(options.background, Scene):
        before = options.background.photo.rgb
    elif box == (0, 0, photo.hw[1], photo.hw[0]) and not isinstance(options.size, ExactSize):
        return None
    else:
        inside = crop_image(np.full(photo.hw, 255, np.uint8), box)
        layer = Layer(crop_image(photo.on_white, box), inside)
        before = over(layer, np.full((*inside.shape, 3), 255, np.uint8))
    before = scale_image(before, cutout.frame.size_hw)
    return _fit(make_sheet(before, options.dpi or DEFAULT_DPI) if options.sheet else before)


def _file_hw(options: CutoutOptions, cutout: Cutout, scale: float) -> SizeHW:
    """Height and width of the file whose preview `cutout` is, but for the rounding of the frame."""
    if options.sheet:
        return paper_hw(options.dpi or DEFAULT_DPI)
    left, top, right, bottom = cutout.frame.box_xyxy
    own_hw = options.background.own_frame_hw
    frame_hw = own_hw or (round((bottom - top) / scale), round((right - left) / scale))
    return scaled_hw(options.size, frame_hw) if options.size else frame_hw


def _reduce_size(size: OutputSize | None) -> OutputSize | None:
    match size:
        case LongestSide(side):
            return LongestSide(min(side, PREVIEW_SIDE))
        case ExactSize((height, width)):
            scale = preview_scale((height, width))
            size_hw = (max(MIN_SIDE, round(height * scale)), max(MIN_SIDE, round(width * scale)))
            return replace(size, size_hw=size_hw)
        case _:
            return None


def _fit(image: UInt8) -> UInt8:
    """Reduce an image to PREVIEW_SIDE; a sheet of paper or a crop may be larger than the photo."""
    scale = preview_scale((image.shape[0], image.shape[1]))
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return scale_image(image, (height, width))


def on_checkerboard(image: UInt8) -> UInt8:
    """Put a transparent image on a checkerboard; an opaque one is returned as it is.

    Args:
        image: uint8 (H, W, 4) with straight alpha, or (H, W, 3).

    Returns:
        uint8 (H, W, 3).
    """
    if image.shape[2] == 3:
        return image
    row, column = (np.arange(side) // SQUARE_SIDE for side in image.shape[:2])
    squares = np.where((row[:, None] + column) % 2, 255, 225)[..., None]
    opacity = image[..., 3:] / np.float32(255)
    return np.asarray(np.rint(image[..., :3] * opacity + squares * (1 - opacity)), np.uint8)
