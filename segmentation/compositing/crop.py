"""The frame of a result: a crop around the subject."""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, UInt8
from segmentation.errors import ChoiceError

Crop = Literal["subject", "square", "portrait"]
CROPS: tuple[Crop, ...] = get_args(Crop)
# Width over height; "subject" keeps the subject's own aspect ratio.
ASPECTS: dict[Crop, float] = {"square": 1, "portrait": 3 / 4}
# Margin on each side, as a share of the subject's longer side. The fixed aspect ratios are for
# shops and profiles, which need more space.
MARGINS: dict[Crop, float] = {"subject": 0.03, "square": 0.08, "portrait": 0.08}
# Opacity from which a pixel belongs to the subject; fainter pixels are dust.
MIN_ALPHA = 11
# A long thin subject in a square could otherwise need more memory than any host has.
MAX_MEGAPIXELS = 120


@dataclass(frozen=True, slots=True)
class Outset:
    """Pixels by which something extends beyond the subject's box on each side."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


def subject_box(alpha: UInt8) -> BoxXYXY | None:
    """The box of the visible pixels in alpha, uint8 (H, W), or None if there are none."""
    _, visible = cv2.threshold(alpha, MIN_ALPHA - 1, 255, cv2.THRESH_BINARY)
    left, top, width, height = cv2.boundingRect(visible)
    return (left, top, left + width, top + height) if width else None


def subject_size(alpha: UInt8) -> int:
    """The longer side, in pixels, of the subject's box in alpha, uint8 (H, W); 0 without one."""
    box = subject_box(alpha)
    return max(box[2] - box[0], box[3] - box[1]) if box else 0


def crop_box(alpha: UInt8, crop: Crop, outset: Outset | None = None) -> BoxXYXY:
    """The frame of a crop, centred on the subject; it may reach beyond the photo.

    A subject that touches an end of the photo stays at that end of the frame: it is cut off there,
    and would otherwise float.

    Args:
        alpha: uint8 (H, W).
        crop: format of the frame.
        outset: of effects that must fit in; None stands for no effects.

    Returns:
        In pixels of alpha, possibly below 0 or beyond its size; all of it if nothing is visible.

    Raises:
        ChoiceError: the crop would be too large.
    """
    height, width = alpha.shape
    box = subject_box(alpha)
    if box is None:
        return 0, 0, width, height
    outset = outset or Outset()
    margin = round(MARGINS[crop] * max(box[2] - box[0], box[3] - box[1]))
    left, right = margin + outset.left, margin + outset.right
    top, bottom = margin + outset.top, margin + outset.bottom
    if crop in ASPECTS:
        left = right = max(left, right)
        top = bottom = max(top, bottom)
    horizontal = _pad_span((box[0], box[2]), (left, right), width)
    vertical = _pad_span((box[1], box[3]), (top, bottom), height)
    if crop in ASPECTS:
        frame_w = max(horizontal[1] - horizontal[0], (vertical[1] - vertical[0]) * ASPECTS[crop])
        frame_h = frame_w / ASPECTS[crop]
        horizontal = _widen_span(horizontal, round(frame_w), width)
        vertical = _widen_span(vertical, round(frame_h), height)
    frame = horizontal[0], vertical[0], horizontal[1], vertical[1]
    check_box(frame)
    return frame


def aspect_box(alpha: UInt8, aspect: float, margin: float, outset: Outset | None = None) -> BoxXYXY:
    """The smallest frame of an aspect ratio around the subject, as `crop_box` in other respects.

    Args:
        alpha: uint8 (H, W).
        aspect: width over height.
        margin: least space on each side of the subject, as a share of the frame's width or height.
        outset: of effects that must fit in; None stands for no effects.

    Returns:
        In pixels of alpha, possibly below 0 or beyond its size. Without a subject, it is around the
        whole photo.

    Raises:
        ChoiceError: the frame would be too large.
    """
    height, width = alpha.shape
    box = subject_box(alpha) or (0, 0, width, height)
    outset = outset or Outset()
    horizontal = _pad_span((box[0], box[2]), (max(outset.left, outset.right),) * 2, width)
    vertical = _pad_span((box[1], box[3]), (max(outset.top, outset.bottom),) * 2, height)
    least_w = _with_margins(horizontal, margin, width)
    least_h = _with_margins(vertical, margin, height)
    frame_w = max(least_w, least_h * aspect)
    horizontal = _widen_span(horizontal, round(frame_w), width)
    vertical = _widen_span(vertical, round(frame_w / aspect), height)
    frame = horizontal[0], vertical[0], horizontal[1], vertical[1]
    check_box(frame)
    return frame


def crop_image(image: UInt8, box_xyxy: BoxXYXY, beyond: int = 0) -> UInt8:
    """Copy a box of an image.

    Args:
        image: uint8 (H, W) or (H, W, C).
        box_xyxy: may lie partly or wholly beyond the image.
        beyond: value of pixels beyond the image.

    Returns:
        uint8 (h, w) or (h, w, C), a new array.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = box_xyxy
    rows = slice(min(max(top, 0), height), min(max(bottom, 0), height))
    columns = slice(min(max(left, 0), width), min(max(right, 0), width))
    result = np.empty((bottom - top, right - left, *image.shape[2:]), image.dtype)
    inside = result[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    if inside.size < result.size:
        result.fill(beyond)
    inside[:] = image[rows, columns]
    return result


def check_box(box_xyxy: BoxXYXY) -> None:
    """Check that a frame fits into memory.

    Raises:
        ChoiceError: it has too many pixels.
    """
    left, top, right, bottom = box_xyxy
    width, height = right - left, bottom - top
    if width * height > MAX_MEGAPIXELS * 1e6:
        raise ChoiceError(
            f"This crop would have {width} x {height} pixels. Crop to the subject, do not crop, or "
            "choose a size with an aspect ratio closer to the subject's.",
            f"按此裁剪会有 {width} × {height} 像素。请改为裁剪到主体、不裁剪，"
            "或选择与主体长宽比更接近的尺寸。",
        )


def _pad_span(span: tuple[int, int], padding: tuple[int, int], length: int) -> tuple[int, int]:
    """Add padding at both ends, except where the span ends with the photo."""
    low, high = span
    return (low - padding[0] if low > 0 else 0), (high + padding[1] if high < length else length)


def _with_margins(span: tuple[int, int], margin: float, length: int) -> float:
    """The length of a frame around a span, with a share of it as margin where the photo goes on."""
    sides = (span[0] > 0) + (span[1] < length)
    return (span[1] - span[0]) / (1 - sides * margin)


def _widen_span(span: tuple[int, int], min_length: int, photo_length: int) -> tuple[int, int]:
    """Lengthen a span equally at both ends, or away from the end of the photo that it touches."""
    low, high = span
    target = max(min_length, high - low)
    if low == 0 and high < photo_length:
        return 0, target
    if high == photo_length and low > 0:
        return photo_length - target, photo_length
    start = low - (target - (high - low)) // 2
    return start, start + target
