"""Reduced images that the page shows; files have the photo's own size."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import SizeHW, UInt8
from segmentation.compositing.backgrounds import Scene
from segmentation.cutout import CutoutOptions, cut_out
from segmentation.image.photo import Photo
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement

# Longest side of the images that the page shows.
PREVIEW_SIDE = 1280
# Side of a checkerboard square, in pixels of the preview.
SQUARE_SIDE = 12


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A reduced cut-out.

    Attributes:
        after: uint8 (h, w, 4) with straight alpha if it is transparent, else (h, w, 3).
        before: uint8 (h, w, 3), what stands beside the result if that is not the photo itself: the
            photo into which objects are placed. Else None.
        follows_photo: whether the result shows the frame of the photo.
    """

    after: UInt8
    before: UInt8 | None
    follows_photo: bool


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


def pixels_of(photo: Photo) -> UInt8:
    """Return the pixels of a photo: uint8 (H, W, 3), or (H, W, 4) if it has transparency."""
    return photo.rgb if photo.alpha is None else np.dstack([photo.rgb, photo.alpha])


def preview_options(options: CutoutOptions) -> CutoutOptions:
    """Adapt options to a reduced photo: its own frame and size, and a scene reduced as well."""
    background = options.background
    if isinstance(background, Scene):
        opaque = replace(background.photo, rgb=background.photo.on_white, alpha=None)
        background = replace(background, photo=reduce_photo(opaque))
    return replace(options, background=background, crop=None, size=None, sheet=False)


def render_preview(
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    options: CutoutOptions,
    refinement: Refinement | None,
) -> Preview:
    """Draw a cut-out for the page.

    Args:
        photo: a reduced photo, see `reduce_photo`.
        segmentation, ids, options, refinement: see `cut_out`.
    """
    options = preview_options(options)
    cutout = cut_out(photo, segmentation, ids, options, refinement)
    background = options.background
    before = background.photo.rgb if isinstance(background, Scene) else None
    return Preview(cutout.image, before, follows_photo=before is None)


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
