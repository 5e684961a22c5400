"""From a photo to the model's input, and back for points and boxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import BoxXYXY, SizeHW, UInt8
from segmentation.model_card import InputSpec


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where a photo lies in the model's input: scaled as a whole, at the top left.

    Attributes:
        photo_hw: height and width of the photo, in photo pixels.
        content_hw: height and width of the scaled photo, in model pixels; multiples of the
            mask stride, so that mask cells end where the photo ends.
        input_hw: height and width of the model's input; the rest beside the content is padding.
        mask_stride: model pixels per mask cell.
    """

    photo_hw: SizeHW
    content_hw: SizeHW
    input_hw: SizeHW
    mask_stride: int

    @classmethod
    def fit(cls, photo_hw: SizeHW, sizes_hw: Sequence[SizeHW], mask_stride: int) -> "Geometry":
        """Place a photo, with its aspect ratio, into the input size that it fills best.

        The sides are rounded to whole mask cells, at most half a cell from the exact ratio.

        Args:
            photo_hw: height and width of the photo.
            sizes_hw: input sizes that the engine accepts.
            mask_stride: model pixels per mask cell.
        """
        input_hw = max(sizes_hw, key=lambda size_hw: (_share_filled(photo_hw, size_hw), size_hw))
        scale = min(input_hw[0] / photo_hw[0], input_hw[1] / photo_hw[1])
        cells = [max(1, round(side * scale / mask_stride)) for side in photo_hw]
        return cls(
            photo_hw, (cells[0] * mask_stride, cells[1] * mask_stride), input_hw, mask_stride
        )

    @property
    def mask_hw(self) -> SizeHW:
        """Height and width of the part of the mask grid that shows the photo, in cells."""
        return self.content_hw[0] // self.mask_stride, self.content_hw[1] // self.mask_stride

    def mask_xy(self, photo_xy: tuple[float, float]) -> tuple[int, int]:
        """Column and row of the mask cell under a photo pixel, clamped to the photo."""
        (photo_h, photo_w), (mask_h, mask_w) = self.photo_hw, self.mask_hw
        column = int((photo_xy[0] + 0.5) * mask_w / photo_w)
        row = int((photo_xy[1] + 0.5) * mask_h / photo_h)
        return min(max(column, 0), mask_w - 1), min(max(row, 0), mask_h - 1)

    def photo_xyxy(self, mask_xyxy: BoxXYXY) -> BoxXYXY:
        """Convert a box of mask cells to photo pixels; right and bottom are excluded in both."""
        (photo_h, photo_w), (mask_h, mask_w) = self.photo_hw, self.mask_hw
        left, top, right, bottom = mask_xyxy
        return (
            left * photo_w // mask_w,
            top * photo_h // mask_h,
            -(-right * photo_w // mask_w),
            -(-bottom * photo_h // mask_h),
        )


def preprocess(
    rgb: UInt8, spec: InputSpec, sizes_hw: Sequence[SizeHW], mask_stride: int
) -> tuple[npt.NDArray[Any], Geometry]:
    """Scale a photo to the input size that fits it best, in the layout that the graph takes.

    Args:
        rgb: uint8 (H, W, 3), upright, sRGB.
        spec: the graph's input.
        sizes_hw: input sizes that the engine accepts.
        mask_stride: model pixels per mask cell.

    Returns:
        pixel_values: (1, h, w, 3) or (1, 3, h, w), of the spec's dtype, contiguous. Padding has
            the mean colour, as in the checkpoints' own processors.
        geometry: where the photo lies in it.
    """
    height, width = rgb.shape[:2]
    geometry = Geometry.fit((height, width), sizes_hw, mask_stride)
    content_h, content_w = geometry.content_hw
    # Area averaging keeps thin structures from aliasing when a phone photo shrinks tenfold.
    shrinks = content_h < height or content_w < width
    content = cv2.resize(
        rgb, (content_w, content_h), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    mean = np.asarray(spec.mean, np.float32) / np.float32(spec.rescale_factor)
    image = np.empty((*geometry.input_hw, 3), np.uint8)
    image[:] = np.rint(mean).astype(np.uint8)
    image[:content_h, :content_w] = content
    pixel_values: npt.NDArray[Any] = image
    if not spec.normalised_inside:
        std = np.asarray(spec.std, np.float32) / np.float32(spec.rescale_factor)
        pixel_values = (image.astype(np.float32) - mean) / std
    if spec.layout == "NCHW":
        pixel_values = pixel_values.transpose(2, 0, 1)
    return np.ascontiguousarray(pixel_values[None], spec.dtype), geometry


def _share_filled(photo_hw: SizeHW, size_hw: SizeHW) -> float:
    ratio = (photo_hw[0] * size_hw[1]) / (photo_hw[1] * size_hw[0])
    return round(min(ratio, 1 / ratio), 6)
