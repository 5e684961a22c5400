"""What part of the world a result shows: the photo, a crop around its subject, another photo."""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, UInt8
from segmentation.errors import ChoiceError

Crop = Literal["subject", "square", "portrait"]
CROPS: tuple[Crop, ...] = get_args(Crop)
# Width over height; a crop to the subject has that of the subject.
ASPECTS: dict[Crop, float] = {"square": 1, "portrait": 3 / 4}
# Free space on each side as a share of the subject's longer side. Formats with a fixed aspect are
# for shops and profiles, which want air.
MARGINS: dict[Crop, float] = {"subject": 0.03, "square": 0.08, "portrait": 0.08}
# Opacity up to this is dust to a cropping eye.
LEAST_ALPHA = 10
# A long thin subject in a square could take more memory than any host has.
MOST_MEGAPIXELS = 120


@dataclass(frozen=True, slots=True)
class Reach:
    """How far effects reach beyond the subject on each side, in pixels."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


def subject_box(alpha: UInt8) -> BoxXYXY | None:
    """The box of what is seen in alpha (H, W), or None if nothing is."""
    left, top, width, height = cv2.boundingRect((alpha > LEAST_ALPHA).astype(np.uint8))
    return (left, top, left + width, top + height) if width else None


def longer_side(alpha: UInt8) -> int:
    """Of the subject's box, in pixels; 0 if nothing is seen."""
    box = subject_box(alpha)
    return max(box[2] - box[0], box[3] - box[1]) if box else 0


def crop_box(alpha: UInt8, crop: Crop, reach: Reach | None = None) -> BoxXYXY:
    """The frame of a crop: around the subject and centred on it, beyond the photo's end if need be.

    A subject that the photo itself cuts off stays at that end: it would float in the middle.

    Args:
        alpha: uint8 (H, W).
        crop: which format.
        reach: of the effects that have to fit in.

    Returns:
        In pixels of alpha, possibly below 0 or beyond its size; all of it if nothing is seen.

    Raises:
        ChoiceError: the crop would be larger than an image can be.
    """
    height, width = alpha.shape
    box = subject_box(alpha)
    if box is None:
        return 0, 0, width, height
    reach = reach or Reach()
    margin = round(MARGINS[crop] * max(box[2] - box[0], box[3] - box[1]))
    left, right = margin + reach.left, margin + reach.right
    top, bottom = margin + reach.top, margin + reach.bottom
    if crop in ASPECTS:
        left = right = max(left, right)
        top = bottom = max(top, bottom)
    horizontal = _grown((box[0], box[2]), (left, right), width)
    vertical = _grown((box[1], box[3]), (top, bottom), height)
    if crop in ASPECTS:
        frame_w = max(horizontal[1] - horizontal[0], (vertical[1] - vertical[0]) * ASPECTS[crop])
        frame_h = frame_w / ASPECTS[crop]
        horizontal = _spread(horizontal, round(frame_w), width)
        vertical = _spread(vertical, round(frame_h), height)
    frame = horizontal[0], vertical[0], horizontal[1], vertical[1]
    _check(frame)
    return frame


def cut(image: UInt8, box_xyxy: BoxXYXY) -> UInt8:
    """A box of an image (H, W) or (H, W, C); zero where it reaches beyond."""
    height, width = image.shape[:2]
    left, top, right, bottom = box_xyxy
    rows = slice(min(max(top, 0), height), min(max(bottom, 0), height))
    columns = slice(min(max(left, 0), width), min(max(right, 0), width))
    result = np.zeros((bottom - top, right - left, *image.shape[2:]), image.dtype)
    result[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = image[
        rows, columns
    ]
    return result


def _grown(span: tuple[int, int], space: tuple[int, int], length: int) -> tuple[int, int]:
    """A span with space at both ends, but none where it ends with the photo."""
    low, high = span
    return (low - space[0] if low > 0 else 0), (high + space[1] if high < length else length)


def _spread(span: tuple[int, int], wanted: int, length: int) -> tuple[int, int]:
    """A span made as long as wanted, at both ends alike or away from the photo's one end."""
    low, high = span
    wanted = max(wanted, high - low)
    if low == 0 and high < length:
        return 0, wanted
    if high == length and low > 0:
        return length - wanted, length
    start = low - (wanted - (high - low)) // 2
    return start, start + wanted


def _check(frame_xyxy: BoxXYXY) -> None:
    left, top, right, bottom = frame_xyxy
    width, height = right - left, bottom - top
    if width * height > MOST_MEGAPIXELS * 1e6:
        raise ChoiceError(
            f"This crop would have {width} x {height} pixels. Crop to the subject, or not at all.",
            f"按此裁剪会有 {width} × {height} 像素。请改为裁剪到主体，或不裁剪。",
        )
