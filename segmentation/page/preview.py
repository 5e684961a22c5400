"""Reduced images that the page shows; files have the photo's own size."""

from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import BoxShare, BoxXYXY, SizeHW, UInt8
from segmentation.compositing.background_images import blurred_image
from segmentation.compositing.backgrounds import Background, Blurred, Picture, Scene, Transparent
from segmentation.compositing.compose import compose_in_frame
from segmentation.compositing.crop import crop_image, subject_box
from segmentation.compositing.placement import placed_box
from segmentation.compositing.sizing.frame import Frame
from segmentation.compositing.sizing.photo_sheet import make_sheet, paper_hw
from segmentation.compositing.sizing.size import DEFAULT_DPI, ExactSize, scale_image
from segmentation.cutout import CutoutOptions
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


def reduce_photo(photo: Photo) -> Photo:
    """Reduce a photo to the size of the preview; a small one stays as it is."""
    if max(photo.hw) <= PREVIEW_SIDE:
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
    if max(image.shape[:2]) <= longest_side:
        return image
    alpha = image[..., 3] if image.shape[2] == 4 else None
    return reduce_pixels(Photo(np.ascontiguousarray(image[..., :3]), alpha, "", ()), longest_side)


def pixels_of(photo: Photo) -> UInt8:
    """Return the pixels of a photo: uint8 (H, W, 3), or (H, W, 4) if it has transparency."""
    return photo.rgb if photo.alpha is None else np.dstack([photo.rgb, photo.alpha])


def reduce_frame(photo: Photo, alpha: UInt8, box_xyxy: BoxXYXY) -> tuple[Photo, UInt8]:
    """Cut a frame out of a photo at its own size, and reduce it.

    Args:
        photo: at its own size.
        alpha: uint8 (H, W), the opacity of the objects in it.
        box_xyxy: the frame, in pixels of the photo.

    Returns:
        The photo and the opacity in the frame. Beyond the photo, they are white and transparent.
    """
    inside = replace(
        photo,
        rgb=crop_image(photo.rgb, box_xyxy, beyond=255),
        alpha=None if photo.alpha is None else crop_image(photo.alpha, box_xyxy),
    )
    return reduce_photo(inside), reduce_alpha(crop_image(alpha, box_xyxy))


def background_in_frame(
    background: Background, photo: Photo, alpha: UInt8, frame_xyxy: BoxShare
) -> Background:
    """Draw a blurred background in advance, as more of the photo shows in it than the frame has.

    Args:
        background: of any kind; others stay as they are.
        photo: all of it, reduced.
        alpha: uint8 (H, W), the opacity of the objects at the photo's own size.
        frame_xyxy: the frame, as shares of the photo.
    """
    if not isinstance(background, Blurred):
        return background
    height, width = photo.hw
    left, top, right, bottom = frame_xyxy
    box = floor(left * width), floor(top * height), ceil(right * width), ceil(bottom * height)
    return Picture(Photo(blurred_image(photo.on_white, reduce_alpha(alpha), box), None, "", ()))


def render_preview(
    photo: Photo, alpha: UInt8, options: CutoutOptions, frame: Frame, photo_hw: SizeHW
) -> Preview:
    """Draw a cut-out for the page, in the frame that its file has.

    Args:
        photo: what the frame shows of the photo, reduced.
        alpha: uint8 (h, w), the opacity of the objects in it.
        options: of the file.
        frame: of the file.
        photo_hw: height and width of the photo that the file is made of.

    Raises:
        ChoiceError: not even one copy fits on the sheet.
    """
    background = _reduce_scene(options.background)
    scene = background if isinstance(background, Scene) else None
    sheet_dpi = (options.dpi or DEFAULT_DPI) if options.sheet else None
    size_hw = frame.size_hw if sheet_dpi else _fit_hw(frame.size_hw)
    drawn = Frame((0, 0, photo.hw[1], photo.hw[0]), size_hw)
    after = compose_in_frame(photo, alpha, background, options.effects, drawn)
    before = scene.photo.rgb if scene else photo.on_white
    shows_all = frame.box_xyxy == (0, 0, photo_hw[1], photo_hw[0])
    is_photo = shows_all and not scene and not isinstance(options.size, ExactSize)
    return Preview(
        after=_on_sheet(after, sheet_dpi),
        before=None if is_photo else _on_sheet(scale_image(before, size_hw), sheet_dpi),
        frame_xyxy=None if sheet_dpi or scene else shares(frame.box_xyxy, photo_hw),
        placed=_placed_subject(photo, alpha, scene) if scene else None,
        file_hw=paper_hw(sheet_dpi) if sheet_dpi else frame.size_hw,
    )


def _reduce_scene(background: Background) -> Background:
    """Reduce a scene, which decides the size of the result, as the photo is."""
    if not isinstance(background, Scene):
        return background
    opaque = replace(background.photo, rgb=background.photo.on_white, alpha=None)
    return replace(background, photo=reduce_photo(opaque))


def _on_sheet(image: UInt8, sheet_dpi: float | None) -> UInt8:
    """Make the sheet of an image, reduced; without a resolution, return the image."""
    if sheet_dpi is None:
        return image
    sheet = make_sheet(image, sheet_dpi)
    return scale_image(sheet, _fit_hw((sheet.shape[0], sheet.shape[1])))


def _fit_hw(size_hw: SizeHW, longest_side: int = PREVIEW_SIDE) -> SizeHW:
    """Reduce a size to a longest side; a small one stays as it is."""
    scale = min(1.0, longest_side / max(size_hw))
    return max(1, round(size_hw[0] * scale)), max(1, round(size_hw[1] * scale))


def _placed_subject(photo: Photo, alpha: UInt8, scene: Scene) -> PlacedSubject | None:
    box = subject_box(alpha)
    if box is None:
        return None
    alone = Frame(box, (box[3] - box[1], box[2] - box[0]))
    image = compose_in_frame(photo, alpha, Transparent(), (), alone)
    placed = placed_box(box, scene.photo.hw, scene.scale, scene.position_xy)
    return PlacedSubject(image, shares(placed, scene.photo.hw))


def shares(box_xyxy: tuple[float, float, float, float], size_hw: SizeHW) -> BoxShare:
    """Convert a box in pixels to shares of the width and height of an image."""
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
