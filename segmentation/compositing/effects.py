"""Effects between the objects and the background: an outline and a shadow.

All sizes are shares of the longer side of the subject's box.
"""

import re
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.compositing.colours import parse_rgb
from segmentation.compositing.crop import Outset, subject_size
from segmentation.errors import ChoiceError
from segmentation.image.blend import Layer, under

# A Gaussian is invisible beyond this many standard deviations.
VISIBLE_SIGMAS = 2.5
# A shadow is computed on a copy on which its blur has this many pixels: nothing finer is visible.
BLUR_SIGMA = 4


@dataclass(frozen=True, slots=True)
class Outline:
    """A line around the objects, as on a sticker.

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
        blur: standard deviation, as a share of the subject's longer side.
        opacity: maximum, 0..1.
    """

    offset_xy: tuple[float, float] = (0.02, 0.03)
    blur: float = 0.025
    opacity: float = 0.45


Effect = Outline | Shadow
# From the subject outwards: an outline has a shadow too.
Effects = tuple[Effect, ...]


def parse_outline(text: str) -> Outline:
    """Read an outline written as WIDTH,#RRGGBB, the width in percent of the subject's longer side.

    Raises:
        ChoiceError: the text has another form, or the width is 0 or above 20 %.
    """
    width, _, colour = text.partition(",")
    if not re.fullmatch(r"\d+(\.\d+)?", width) or not 0 < float(width) <= 20:
        raise ChoiceError(
            "An outline is WIDTH,#RRGGBB, with the width in percent of the object's longer side. "
            "Choose a width above 0, up to 20.",
            "描边请写成 宽度,#RRGGBB 的形式，宽度为物体较长边的百分比，大于 0 且不超过 20。",
        )
    return Outline(float(width) / 100, parse_rgb(colour))


def draw_effects(layer: Layer, effects: Effects) -> Layer:
    """Draw each effect under the objects and the effects before it.

    Args:
        layer: colours uint8 (H, W, 3) and alpha uint8 (H, W), straight.
        effects: from the objects outwards.

    Returns:
        A layer of the same size; `layer` itself if no object is visible.
    """
    size = subject_size(layer.alpha)
    if not size:
        return layer
    for effect in effects:
        match effect:
            case Outline():
                layer = under(layer, effect.rgb, _outline_alpha(layer.alpha, effect.width * size))
            case Shadow():
                layer = under(layer, (0, 0, 0), _shadow_alpha(layer.alpha, effect, size))
    return layer


def effects_outset(effects: Effects, size: int) -> Outset:
    """Return how far effects extend beyond a subject with a longer side of `size` pixels."""
    left = top = right = bottom = 0.0
    for effect in effects:
        match effect:
            case Outline(width):
                line = width * size + 1
                left, top, right, bottom = (side + line for side in (left, top, right, bottom))
            case Shadow((x, y), blur):
                spread = VISIBLE_SIGMAS * blur
                left, right = left + max(spread - x, 0) * size, right + max(spread + x, 0) * size
                top, bottom = top + max(spread - y, 0) * size, bottom + max(spread + y, 0) * size
    return Outset(*(ceil(side) for side in (left, top, right, bottom)))


def _outline_alpha(alpha: UInt8, width: float) -> UInt8:
    """Opaque up to `width` pixels from the edge, with one soft pixel."""
    outside = (alpha < 128).astype(np.uint8)
    line = np.zeros_like(alpha)
    if outside.all():
        return line
    # Only around the line, to save memory: distances take four bytes per pixel.
    margin = ceil(width) + 2
    left, top, box_w, box_h = cv2.boundingRect(alpha)
    around = (
        slice(max(top - margin, 0), top + box_h + margin),
        slice(max(left - margin, 0), left + box_w + margin),
    )
    distance = cv2.distanceTransform(outside[around], cv2.DIST_L2, cv2.DIST_MASK_5)
    # Distances are to the centre of the nearest pixel inside, half a pixel behind the edge.
    np.subtract(np.float32(width + 1), distance, out=distance)
    line[around] = np.clip(distance, 0, 1, out=distance) * 255
    return line


def _shadow_alpha(alpha: UInt8, shadow: Shadow, size: int) -> UInt8:
    """Blur alpha on a reduced copy, and move it while enlarging."""
    height, width = alpha.shape
    sigma = max(shadow.blur * size, 0.5)
    scale = min(1.0, BLUR_SIGMA / sigma)
    small_wh = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(alpha, small_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
    # A subject that the photo cuts off continues beyond the photo's end.
    blurred = cv2.GaussianBlur(small, (0, 0), sigma * scale, borderType=cv2.BORDER_REPLICATE)
    levels = np.rint(blurred * shadow.opacity).astype(np.uint8)
    step_x, step_y = small_wh[0] / width, small_wh[1] / height
    x, y = (offset * size for offset in shadow.offset_xy)
    # Align the pixel centres of both grids, then move.
    start_x, start_y = (0.5 - x) * step_x - 0.5, (0.5 - y) * step_y - 0.5
    moved = cv2.warpAffine(
        levels,
        np.array([[step_x, 0, start_x], [0, step_y, start_y]]),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)
