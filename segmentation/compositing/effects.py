"""What is drawn under a cut-out: an outline, a shadow. All sizes are shares of the subject's."""

import re
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.compositing.backgrounds import parse_colour
from segmentation.compositing.crop import Reach, longer_side
from segmentation.errors import ChoiceError
from segmentation.image.blend import Layer, under

# A Gaussian is not seen beyond this many of its standard deviations.
SEEN_SIGMAS = 2.5


@dataclass(frozen=True, slots=True)
class Outline:
    """A line around the subject, as on a sticker.

    Attributes:
        width: as a share of the subject's longer side.
        rgb: 8-bit red, green, blue.
    """

    width: float = 0.012
    rgb: tuple[int, int, int] = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A soft black shadow.

    Attributes:
        offset_xy: to the right and down, as shares of the subject's longer side.
        blur: standard deviation, as a share of the same.
        opacity: where it is darkest, 0..1.
    """

    offset_xy: tuple[float, float] = (0.02, 0.03)
    blur: float = 0.025
    opacity: float = 0.45


Effect = Outline | Shadow
# From the subject outwards: the outline has a shadow too.
Effects = tuple[Effect, ...]


def parse_outline(text: str) -> Outline:
    """The outline written as WIDTH,#RRGGBB, the width in percent of the subject's longer side.

    Raises:
        ChoiceError: it is not written so, or wider than 20 %.
    """
    width, _, colour = text.partition(",")
    if not re.fullmatch(r"\d+(\.\d+)?", width) or not 0 < float(width) <= 20:
        raise ChoiceError(
            "An outline is WIDTH,#RRGGBB, its width in percent (to 20) of the object.",
            "描边写作 宽度,#RRGGBB，宽度为物体较长边的百分比（不超过 20）。",
        )
    return Outline(float(width) / 100, parse_colour(colour).rgb)


def with_effects(layer: Layer, effects: Effects) -> Layer:
    """A cut-out with each effect under what is there already; straight alpha."""
    size = longer_side(layer.alpha)
    if not size:
        return layer
    for effect in effects:
        match effect:
            case Outline():
                layer = under(layer, effect.rgb, _outline(layer.alpha, effect.width * size))
            case Shadow():
                layer = under(layer, (0, 0, 0), _shadow(layer.alpha, effect, size))
    return layer


def reach_of(effects: Effects, size: int) -> Reach:
    """How far effects reach beyond a subject whose longer side has `size` pixels."""
    left = top = right = bottom = 0.0
    for effect in effects:
        match effect:
            case Outline(width):
                grown = width * size + 1
                left, top, right, bottom = (side + grown for side in (left, top, right, bottom))
            case Shadow((x, y), blur):
                soft = SEEN_SIGMAS * blur
                left, right = left + max(soft - x, 0) * size, right + max(soft + x, 0) * size
                top, bottom = top + max(soft - y, 0) * size, bottom + max(soft + y, 0) * size
    return Reach(*(ceil(side) for side in (left, top, right, bottom)))


def _outline(alpha: UInt8, width: float) -> UInt8:
    """Opaque up to `width` pixels from the edge, with one soft pixel."""
    outside = (alpha < 128).astype(np.uint8)
    line = np.zeros_like(alpha)
    if outside.all():
        return line
    # Elsewhere the line is not; distances are four bytes a pixel.
    space = ceil(width) + 2
    left, top, box_w, box_h = cv2.boundingRect(alpha)
    around = (
        slice(max(top - space, 0), top + box_h + space),
        slice(max(left - space, 0), left + box_w + space),
    )
    distance = cv2.distanceTransform(outside[around], cv2.DIST_L2, cv2.DIST_MASK_5)
    # Distances are to the centre of the nearest pixel inside, half a pixel behind the edge.
    np.subtract(np.float32(width + 1), distance, out=distance)
    line[around] = np.clip(distance, 0, 1, out=distance) * 255
    return line


def _shadow(alpha: UInt8, shadow: Shadow, size: int) -> UInt8:
    """Blurred on a copy so small that the blur has four pixels, and moved while enlarging."""
    height, width = alpha.shape
    sigma = max(shadow.blur * size, 0.5)
    scale = min(1.0, 4 / sigma)
    small_wh = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(alpha, small_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
    # A subject that the photo cuts off goes on behind its end.
    soft = cv2.GaussianBlur(small, (0, 0), sigma * scale, borderType=cv2.BORDER_REPLICATE)
    levels = np.rint(soft * shadow.opacity).astype(np.uint8)
    step_x, step_y = small_wh[0] / width, small_wh[1] / height
    x, y = (offset * size for offset in shadow.offset_xy)
    # Pixel centres of both grids on each other, then moved.
    start_x, start_y = (0.5 - x) * step_x - 0.5, (0.5 - y) * step_y - 0.5
    moved = cv2.warpAffine(
        levels,
        np.array([[step_x, 0, start_x], [0, step_y, start_y]]),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)
