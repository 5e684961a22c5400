"""Reduced images that the page shows; files have the photo's own size."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import SizeHW, UInt8
from segmentation.compositing.backgrounds import Scene
from segmentation.compositing.crop import crop_image
from segmentation.compositing.sizing.photo_sheet import make_sheet
from segmentation.compositing.sizing.size import (
    DEFAULT_DPI,
    MIN_SIDE,
    ExactSize,
    LongestSide,
    OutputSize,
    scale_image,
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


def preview_scale(photo_hw: SizeHW) -> float:
    """Return the number of preview pixels per photo pixel, at most 1."""
    return min(1.0, PREVIEW_SIDE / max(photo_hw))


def reduce_photo(photo: Photo) -> Photo:
    """Reduce a photo to the size of the preview; a small one stays as it is."""
    if preview_scale(photo.hw) == 1:
        return photo
    rgba = reduce_pixels(photo)
    alpha = None if photo.alpha is None else np.ascontiguousarray(rgba[..., 3])
    return replace(photo, rgb=np.ascontiguousarray(rgba[..., :3]), alpha=alpha)


def reduce_pixels(photo: Photo) -> UInt8:
    """Reduce the pixels of a photo to the size of the preview.

    Returns:
        uint8 (h, w, 3), or (h, w, 4) with straight alpha if the photo has transparency.
    """
    scale = preview_scale(photo.hw)
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


def pixels_of(photo: Photo) -> UInt8:
    """Return the pixels of a photo: uint8 (H, W, 3), or (H, W, 4) if it has transparency."""
    return photo.rgb if photo.alpha is None else np.dstack([photo.rgb, photo.alpha])


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A cut-out as its file will show it, at most PREVIEW_SIDE pixels long.

    Attributes:
        image: uint8 (h, w, 4) with straight alpha if the background is transparent, else
            uint8 (h, w, 3).
        before: uint8 (h, w, 3), the photo in the same frame: with a `Scene`, that photo. None if
            it is the photo as it is.
        box_xyxy: the frame in shares of the photo's width and height (of the scene's, with a
            `Scene` into which objects are placed); it may reach beyond 0..1.
    """

    image: UInt8
    before: UInt8 | None
    box_xyxy: tuple[float, float, float, float]


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
) -> Preview:
    """Draw a cut-out for the page, in the frame that its file has.

    Args:
        photo: a reduced photo, see `reduce_photo`.
        segmentation, ids, refinement: see `cut_out`.
        options: of the file.

    Raises:
        ChoiceError: as `cut_out`.
    """
    options = preview_options(options)
    cutout = cut_out(photo, segmentation, ids, options, refinement)
    left, top, right, bottom = cutout.frame.box_xyxy
    height, width = photo.hw
    box = left / width, top / height, right / width, bottom / height
    return Preview(_fit(cutout.image), _draw_before(photo, cutout), box)


def _draw_before(photo: Photo, cutout: Cutout) -> UInt8 | None:
    """Draw what `Preview.before` shows: the photo, or the scene, without the objects."""
    options = cutout.options
    if isinstance(options.background, Scene):
        before = options.background.photo.rgb
    else:
        box = cutout.frame.box_xyxy
        if box == (0, 0, photo.hw[1], photo.hw[0]) and cutout.image.shape[:2] == photo.hw:
            return None
        inside = crop_image(np.full(photo.hw, 255, np.uint8), box)
        layer = Layer(crop_image(photo.on_white, box), inside)
        before = over(layer, np.full((*inside.shape, 3), 255, np.uint8))
    before = scale_image(before, cutout.frame.size_hw)
    return _fit(make_sheet(before, options.dpi or DEFAULT_DPI) if options.sheet else before)


def _reduce_size(size: OutputSize | None) -> OutputSize | None:
    match size:
        case LongestSide(side):
            return LongestSide(min(side, PREVIEW_SIDE))
        case ExactSize((height, width)):
            scale = min(1.0, PREVIEW_SIDE / max(height, width))
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
