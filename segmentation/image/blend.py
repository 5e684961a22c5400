"""Blends layers with straight alpha exactly, in whole numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.parallel.strips import map_parts

# Rows that are blended at a time, so that 16-bit intermediate values fit into the CPU's cache.
BLEND_ROWS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Colours with straight alpha.

    Attributes:
        colours: uint8 (H, W, 3) RGB, not multiplied by alpha.
        alpha: uint8 (H, W), 0 is transparent.
    """

    colours: UInt8
    alpha: UInt8


def over(layer: Layer, background: UInt8) -> UInt8:
    """Draw a layer on an opaque image, in place.

    Args:
        layer: the upper image, (H, W).
        background: uint8 (H, W, 3), which is changed.

    Returns:
        The changed background.
    """

    def blend(strip: tuple[slice, slice]) -> None:
        alpha = layer.alpha[strip].astype(np.uint16)[..., None]
        mixed = layer.colours[strip] * alpha + background[strip] * (255 - alpha)
        # 255 * 255 + 127 fits into 16 bits.
        background[strip] = (mixed + 127) // 255

    for _ in map_parts(blend, _strips(layer.alpha)):
        pass
    return background


def to_rgba(layer: Layer) -> UInt8:
    """Join colours and alpha of a layer to one image, uint8 (H, W, 4)."""
    rgba = np.empty((*layer.alpha.shape, 4), np.uint8)

    def join(top: int) -> None:
        rows = slice(top, top + BLEND_ROWS)
        cv2.cvtColor(layer.colours[rows], cv2.COLOR_RGB2RGBA, rgba[rows])
        cv2.insertChannel(layer.alpha[rows], rgba[rows], 3)

    for _ in map_parts(join, range(0, len(rgba), BLEND_ROWS)):
        pass
    return rgba


def under(layer: Layer, rgb: tuple[int, int, int], alpha: UInt8) -> Layer:
    """Put one colour under a layer: the operator "over" of Porter and Duff, 1984.

    With straight alpha a half-covered pixel keeps its colour and takes on the other one only as
    far as that shows through (https://doi.org/10.1145/800031.808606).

    Args:
        layer: the upper image, (H, W).
        rgb: the lower colour, 0..255.
        alpha: uint8 (H, W), opacity of the lower colour.

    Returns:
        Both as a new layer, (H, W).
    """
    colours, total = layer.colours.copy(), layer.alpha.copy()
    lower = np.array(rgb, np.uint16)
    for strip in _strips(alpha):
        upper = layer.alpha[strip].astype(np.uint16)
        through = (alpha[strip] * (255 - upper) + 127) // 255
        whole = upper + through
        mixed = layer.colours[strip] * upper[..., None] + lower * through[..., None]
        divisor = np.maximum(whole, 1)[..., None]
        colours[strip] = (mixed + divisor // 2) // divisor
        total[strip] = whole
    return Layer(colours, total)


def _strips(alpha: UInt8) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of the box in which alpha is not zero, `BLEND_ROWS` at a time."""
    left, top, width, height = cv2.boundingRect(alpha)
    for start in range(top, top + height, BLEND_ROWS):
        yield slice(start, min(start + BLEND_ROWS, top + height)), slice(left, left + width)
