"""The difference between two cut-outs, in figures and as a picture."""

from dataclasses import dataclass

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.inference.metrics import boundary_f, iou

# Opacities that differ by more than this share can be told apart.
VISIBLE_CHANGE = 1 / 16
# Colours of the difference map, which all kinds of colour vision tell apart (Okabe, Ito 2008,
# https://jfly.uni-koeln.de/color/), and the contrast of the photo that is left under them.
ONLY_FIRST = 230, 159, 0
ONLY_OTHER = 0, 114, 178
PHOTO_CONTRAST = 0.4


@dataclass(frozen=True, slots=True)
class Similarity:
    """How similar two opacities are; 1, 1 and 0 if they are equal.

    Attributes:
        iou: of the pixels that are more opaque than not.
        boundary_f: of the boundaries of these (see `boundary_f`).
        changed: share of the frame in which a person could tell them apart.
    """

    iou: float
    boundary_f: float
    changed: float


def compare_alphas(alpha: UInt8, other_alpha: UInt8) -> Similarity:
    """Compare two opacities, both uint8 (h, w)."""
    inside, other_inside = alpha > 127, other_alpha > 127
    changed = float((cv2.absdiff(alpha, other_alpha) > 255 * VISIBLE_CHANGE).mean())
    if not (inside.any() or other_inside.any()):
        return Similarity(1, 1, changed)
    return Similarity(iou(inside, other_inside), boundary_f(inside, other_inside), changed)


def difference_map(rgb: UInt8, alpha: UInt8, other_alpha: UInt8) -> UInt8:
    """Draw where two opacities differ, over a pale photo.

    Args:
        rgb: uint8 (h, w, 3), the photo.
        alpha: uint8 (h, w); where it is higher, the map shows ONLY_FIRST.
        other_alpha: uint8 (h, w); where it is higher, the map shows ONLY_OTHER.

    Returns:
        uint8 (h, w, 3).
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    pale = (255 + PHOTO_CONTRAST * (grey - 255))[..., None]
    change = (alpha.astype(np.float32) - other_alpha)[..., None] / 255
    # The square root lifts the small differences along edges, which are the most frequent.
    weight = np.sqrt(np.abs(change))
    colour = np.where(change > 0, ONLY_FIRST, ONLY_OTHER).astype(np.float32)
    return np.asarray(np.rint(pale + weight * (colour - pale)), np.uint8)
