"""Reduced images that the page shows; files have the photo's own size."""

from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import BoxShare, BoxXYXY, SizeHW, UInt8
from segmentation.compositing.backgrounds import Background, Scene, Transparent
from segmentation.compositing.compose import compose_in_frame
from segmentation.compositing.crop import crop_image, subject_box
from segmentation.compositing.placement import placed_box
from segmentation.compositing.sizing.frame import Frame
from segmentation.compositing.sizing.photo_sheet import make_sheet, paper_hw
from segmentation.compositing.sizing.size import DEFAULT_DPI, ExactSize, Part, scale_image
from segmentation.cutout import CutoutOptions
from segmentation.image.blend import Layer, over
from segmentation.image.photo import Photo

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
    size_wh = _fit_hw(photo.hw, longest_side)[::-1]

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


def reduce_alpha(alpha: UInt8) -> UInt8:
    """Reduce an opacity, uint8 (H, W), to the size that `reduce_photo` gives its photo."""
    return scale_image(alpha, _fit_hw((alpha.shape[0], alpha.shape[1])))


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


def render_preview(
    photo: Photo, alpha: UInt8, options: CutoutOptions, frame: Frame, photo_hw: SizeHW
) -> Preview:
    """Draw a cut-out for the page, in the frame that its file has.

    Args:
        photo: a reduced photo, see `reduce_photo`.
        alpha: uint8 (h, w), the opacity of the objects in it.
        options: of the file.
        frame: of the file.
        photo_hw: height and width of the photo that the file is made of.

    Raises:
        ChoiceError: not even one copy fits on the sheet.
    """
    background = _reduce_background(options.background)
    own_hw = background.own_frame_hw
    box = _scale_box(frame.box_xyxy, photo_hw, photo.hw)
    around, part = _surround(box)
    scale = 1.0 if options.size or own_hw else preview_scale(photo_hw)
    size_hw = _scale_hw(frame.size_hw, scale)
    sheet_dpi = (options.dpi or DEFAULT_DPI) if options.sheet else None

    def finish(image: UInt8) -> UInt8:
        return _finish(image, None if own_hw else part, size_hw, sheet_dpi)

    drawn = Frame(around, own_hw or (around[3] - around[1], around[2] - around[0]))
    after = compose_in_frame(photo, alpha, background, options.effects, drawn)
    whole = frame.box_xyxy == (0, 0, photo_hw[1], photo_hw[0])
    is_photo = whole and not own_hw and not isinstance(options.size, ExactSize)
    return Preview(
        after=finish(after),
        before=None if is_photo else finish(_draw_before(photo, background, around)),
        frame_xyxy=None if sheet_dpi or own_hw else _shares(frame.box_xyxy, photo_hw),
        placed=_placed_subject(photo, alpha, background),
        file_hw=paper_hw(sheet_dpi) if sheet_dpi else frame.size_hw,
    )


def _reduce_background(background: Background) -> Background:
    """A scene decides the size of the result, so it is reduced as the photo is."""
    if not isinstance(background, Scene):
        return background
    opaque = replace(background.photo, rgb=background.photo.on_white, alpha=None)
    return replace(background, photo=reduce_photo(opaque))


def _scale_box(box_xyxy: BoxXYXY, from_hw: SizeHW, to_hw: SizeHW) -> Part:
    """Convert a box to pixels of an image of another size, of which it may have a fraction."""
    left, top, right, bottom = box_xyxy
    height, width = to_hw
    return (
        left * width / from_hw[1],
        top * height / from_hw[0],
        right * width / from_hw[1],
        bottom * height / from_hw[0],
    )


def _surround(part: Part) -> tuple[BoxXYXY, Part]:
    """The smallest box of whole pixels around a part, and where the part lies in it."""
    left, top = floor(part[0]), floor(part[1])
    box = left, top, ceil(part[2]), ceil(part[3])
    return box, (part[0] - left, part[1] - top, part[2] - left, part[3] - top)


def _finish(image: UInt8, part: Part | None, size_hw: SizeHW, sheet_dpi: float | None) -> UInt8:
    """Cut the frame of a file out of an image and scale it, or make the sheet of it."""
    if sheet_dpi is None:
        return scale_image(image, _fit_hw(size_hw), part)
    sheet = make_sheet(scale_image(image, size_hw, part), sheet_dpi)
    return scale_image(sheet, _fit_hw((sheet.shape[0], sheet.shape[1])))


def _fit_hw(size_hw: SizeHW, longest_side: int = PREVIEW_SIDE) -> SizeHW:
    """Reduce a size to a longest side."""
    return _scale_hw(size_hw, preview_scale(size_hw, longest_side))


def _scale_hw(size_hw: SizeHW, scale: float) -> SizeHW:
    return max(1, round(size_hw[0] * scale)), max(1, round(size_hw[1] * scale))


def _draw_before(photo: Photo, background: Background, box_xyxy: BoxXYXY) -> UInt8:
    """Draw what `Preview.before` shows: a box of the photo, or the scene, without the objects."""
    if isinstance(background, Scene):
        return background.photo.rgb
    inside = crop_image(np.full(photo.hw, 255, np.uint8), box_xyxy)
    layer = Layer(crop_image(photo.on_white, box_xyxy), inside)
    return over(layer, np.full((*inside.shape, 3), 255, np.uint8))


def _placed_subject(photo: Photo, alpha: UInt8, background: Background) -> PlacedSubject | None:
    box = subject_box(alpha)
    if not isinstance(background, Scene) or box is None:
        return None
    alone = Frame(box, (box[3] - box[1], box[2] - box[0]))
    image = compose_in_frame(photo, alpha, Transparent(), (), alone)
    placed = placed_box(box, background.photo.hw, background.scale, background.position_xy)
    return PlacedSubject(image, _shares(placed, background.photo.hw))


def _shares(box_xyxy: Part, size_hw: SizeHW) -> BoxShare:
    left, top, right, bottom = box_xyxy
    height, width = size_hw
    return left / width, top / height, right / width, bottom / height


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
