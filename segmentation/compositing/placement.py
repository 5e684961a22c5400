"""Objects scaled and moved to a place in a frame of another size."""

from math import ceil, floor

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, SizeHW, UInt8
from segmentation.compositing.crop import crop_image, subject_box
from segmentation.image.blend import Layer

# Rows converted to floating point at a time: a whole photo would take gigabytes.
FLOAT_ROWS = 256


def placed_box(
    box_xyxy: BoxXYXY, size_hw: SizeHW, scale: float, position_xy: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Compute where the box of the objects lies in the frame into which they are placed.

    Args:
        box_xyxy: in pixels of the layer.
        size_hw, scale, position_xy: see `place_layer`.

    Returns:
        In pixels of the frame, not rounded; it may reach beyond the frame.
    """
    height, width = size_hw
    scale = scale * _fitted_scale(box_xyxy, size_hw)
    half_w = (box_xyxy[2] - box_xyxy[0]) * scale / 2
    half_h = (box_xyxy[3] - box_xyxy[1]) * scale / 2
    x, y = position_xy[0] * width, position_xy[1] * height
    return x - half_w, y - half_h, x + half_w, y + half_h


def place_layer(
    layer: Layer, size_hw: SizeHW, scale: float, position_xy: tuple[float, float]
) -> Layer:
    """Scale and move the objects of a layer into a frame.

    Args:
        layer: colours uint8 (H, W, 3) and alpha uint8 (H, W).
        size_hw: height and width of the frame.
        scale: at 1 the objects just fit into the frame.
        position_xy: of their middle, as shares of the frame's width and height.

    Returns:
        A layer of the frame's size; all zero if nothing of the objects is visible.
    """
    height, width = size_hw
    box = subject_box(layer.alpha)
    if box is None:
        return Layer(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8))
    left, top, right, bottom = box
    x, y, _, _ = placed_box(box, size_hw, scale, position_xy)
    scale = scale * _fitted_scale(box, size_hw)
    # Only the part that falls into the frame is enlarged.
    first_x, first_y = (max(0, floor(-start / scale) - 1) for start in (x, y))
    last_x = min(right - left, ceil((width - x) / scale) + 1)
    last_y = min(bottom - top, ceil((height - y) / scale) + 1)
    visible = left + first_x, top + first_y, left + last_x, top + last_y
    part = Layer(crop_image(layer.colours, visible), crop_image(layer.alpha, visible))
    scaled = _scale_layer(part, scale)
    part_x, part_y = round(x + first_x * scale), round(y + first_y * scale)
    frame = -part_x, -part_y, width - part_x, height - part_y
    return Layer(crop_image(scaled.colours, frame), crop_image(scaled.alpha, frame))


def _fitted_scale(box_xyxy: BoxXYXY, size_hw: SizeHW) -> float:
    """The scale at which a box just fits into a frame."""
    left, top, right, bottom = box_xyxy
    return min(size_hw[0] / (bottom - top), size_hw[1] / (right - left))


def _scale_layer(layer: Layer, scale: float) -> Layer:
    """Resize a layer with every colour weighted by its opacity, so that no rim appears."""
    weighted = np.empty((*layer.alpha.shape, 4), np.uint16)
    np.multiply(layer.colours, layer.alpha[..., None], out=weighted[..., :3], dtype=np.uint16)
    np.multiply(layer.alpha, 255, out=weighted[..., 3], dtype=np.uint16)
    height, width = (max(1, round(side * scale)) for side in layer.alpha.shape)
    # Linear when enlarging: cubic undershoots zero beside an edge, where no colour is defined.
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(weighted, (width, height), interpolation=interpolation))
    colours: UInt8 = np.empty((height, width, 3), np.uint8)
    alpha: UInt8 = np.empty((height, width), np.uint8)
    for start in range(0, height, FLOAT_ROWS):
        rows = slice(start, start + FLOAT_ROWS)
        part = scaled[rows].astype(np.float32)
        unweighted = part[..., :3] * 255 / np.maximum(part[..., 3:], 1)
        colours[rows] = np.rint(np.minimum(unweighted, 255))
        alpha[rows] = np.rint(part[..., 3] / 255)
    return Layer(colours, alpha)
