"""Layers over each other, in straight alpha and whole numbers: exact, in strips of rows."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from segmentation.arrays import UInt8, UInt16

# Rows at a time: the 16-bit intermediates of a strip fit into the processor's cache.
STRIP = 64


class Layer(NamedTuple):
    """Colours uint8 (H, W, 3) and their opacity uint8 (H, W), not multiplied with each other."""

    colours: UInt8
    alpha: UInt8


def over(layer: Layer, behind: UInt8) -> UInt8:
    """A layer on an opaque image uint8 (H, W, 3), which is changed and returned."""
    for strip in _strips(layer.alpha):
        alpha = _deep(layer.alpha[strip])[..., None]
        mixed = layer.colours[strip] * alpha + behind[strip] * (255 - alpha)
        # 255 * 255 + 127 is within 16 bits.
        behind[strip] = (mixed + 127) // 255
    return behind


def under(layer: Layer, rgb: tuple[int, int, int], alpha: UInt8) -> Layer:
    """A layer with one colour of opacity uint8 (H, W) put under it: Porter, Duff 1984, "over".

    In straight alpha a half-covered pixel keeps its colour and takes on the other's only as far
    as that shows through (https://doi.org/10.1145/800031.808606).
    """
    colours, total = layer.colours.copy(), layer.alpha.copy()
    lower = np.array(rgb, np.uint16)
    for strip in _strips(alpha):
        upper = _deep(layer.alpha[strip])
        through = (alpha[strip] * (255 - upper) + 127) // 255
        whole = upper + through
        mixed = layer.colours[strip] * upper[..., None] + lower * through[..., None]
        divisor = np.maximum(whole, 1)[..., None]
        colours[strip] = (mixed + divisor // 2) // divisor
        total[strip] = whole
    return Layer(colours, total)


def _strips(alpha: UInt8) -> Iterator[tuple[slice, slice]]:
    """The rows and columns in which alpha is not zero, a few rows at a time."""
    left, top, width, height = cv2.boundingRect(alpha)
    for start in range(top, top + height, STRIP):
        yield slice(start, min(start + STRIP, top + height)), slice(left, left + width)


def _deep(values: UInt8) -> UInt16:
    return values.astype(np.uint16)
