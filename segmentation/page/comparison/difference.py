"""How two cut-outs differ, in figures and as a picture."""

from dataclasses import dataclass

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.inference.metrics import boundary_f, iou

# Opacities further apart than this share can be told apart.
VISIBLE = 1 / 16
# Colours of the difference map, which all kinds of eyes tell apart (Okabe, Ito 2008,
# https://jfly.uni-koeln.de/color/), and how much of the photo's contrast is left under them.
ONLY_FIRST = 230, 159, 0
ONLY_OTHER = 0, 114, 178
PHOTO_CONTRAST = 0.4


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much one opacity is like another; 1, 1 and 0 where they are the same.

    Attributes:
        iou: of what is more opaque than not.
        outline: F of the outlines of that (see `boundary_f`).
        changed: share of the frame in which a person could tell them apart.
    """

    iou: float
    outline: float
    changed: float


def likeness(one: UInt8, other: UInt8) -> Likeness:
    """Compare two opacities, uint8 (h, w)."""
    inside, other_inside = one > 127, other > 127
    changed = float((cv2.absdiff(one, other) > 255 * VISIBLE).mean())
    if not (inside.any() or other_inside.any()):
        return Likeness(1, 1, changed)
    return Likeness(iou(inside, other_inside), boundary_f(inside, other_inside), changed)


def difference_map(rgb: UInt8, one: UInt8, other: UInt8) -> UInt8:
    """Where two opacities differ, over a pale photo: ONLY_FIRST, ONLY_OTHER, by how much.

    Args:
        rgb: uint8 (h, w, 3), the photo.
        one, other: uint8 (h, w).

    Returns:
        uint8 (h, w, 3).
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    pale = (255 + PHOTO_CONTRAST * (grey - 255))[..., None]
    change = (one.astype(np.float32) - other)[..., None] / 255
    # The root lifts the small differences along edges, of which there are most.
    share = np.sqrt(np.abs(change))
    colour = np.where(change > 0, ONLY_FIRST, ONLY_OTHER).astype(np.float32)
    return np.asarray(np.rint(pale + share * (colour - pale)), np.uint8)
