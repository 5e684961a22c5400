"""The opacity of a photo's subject, from the maps of one or more saliency networks."""

import itertools
from collections.abc import Sequence

import numpy as np

from convert.compact.data import IGNORED, OPAQUE
from segmentation.arrays import Bool, UInt8
from segmentation.inference.metrics import iou

# Maps that agree less than this do not show the same subject.
MIN_AGREEMENT = 0.7
# Where maps differ by more than this, of 255, the opacity is undecided.
MAX_DIFFERENCE = 77
# Data sets that multiply their photos by rotation leave dark corners, and a saliency network takes
# the frame of such a photo for an object. A corner counts if no value in it is above EMPTY.
EMPTY, CORNER, MAX_EMPTY_CORNERS = 12, 4, 2
# Shares of the photo: uncertain pixels that make a map useless, and limits of the subject.
MAX_UNCERTAIN = 0.12
MIN_AREA, MAX_AREA = 0.02, 0.90
UNCERTAIN = 26, 229
# An annotated instance is inside or outside of the subject, by these shares of its pixels. One that
# is smaller than MIN_INSTANCE of the photo says nothing.
OUTSIDE, INSIDE = 0.2, 0.8
MIN_INSTANCE = 0.01


def is_rotated(rgb: UInt8) -> bool:
    """Whether a photo was rotated on a black ground.

    Args:
        rgb: uint8 (H, W, 3).
    """
    ends = slice(None, CORNER), slice(-CORNER, None)
    corners = [rgb[rows, columns] for rows in ends for columns in ends]
    return sum(bool((corner <= EMPTY).all()) for corner in corners) > MAX_EMPTY_CORNERS


def consensus(maps: Sequence[UInt8]) -> UInt8 | str:
    """Average saliency maps of a photo, if they show the same subject.

    Args:
        maps: uint8 (H, W) each, 255 where the subject is certain; at least one.

    Returns:
        uint8 (H, W): the opacity, 0..OPAQUE, IGNORED where the maps disagree; or the reason why
        they cannot be trusted.
    """
    if any(
        iou(first > 127, second > 127) < MIN_AGREEMENT
        for first, second in itertools.combinations(maps, 2)
    ):
        return "dropped: teachers disagree"
    stacked = np.stack(maps)
    mean = stacked.mean(0)
    if ((mean >= UNCERTAIN[0]) & (mean <= UNCERTAIN[1])).mean() > MAX_UNCERTAIN:
        return "dropped: uncertain map"
    area = float((mean > 127).mean())
    if area < MIN_AREA:
        return "dropped: too small"
    if area > MAX_AREA:
        return "dropped: nearly the whole photo"
    is_undecided = np.ptp(stacked, axis=0) > MAX_DIFFERENCE
    alpha = np.rint(mean * (OPAQUE / 255)).astype(np.uint8)
    return np.where(is_undecided, np.uint8(IGNORED), alpha)


def subject_mask(alpha: UInt8) -> Bool:
    """Return where the subject is, bool (H, W), of its opacity as `consensus` returns it."""
    return np.asarray((alpha > OPAQUE // 2) & (alpha != IGNORED))


def cuts_an_instance(alpha: UInt8, ids: UInt8) -> bool:
    """Whether a subject contains a part of an annotated instance only.

    Args:
        alpha: uint8 (H, W), as `consensus` returns it.
        ids: uint8 (H, W), instance ids, IGNORED where undecided.
    """
    inside = subject_mask(alpha)
    shares = [
        float(inside[ids == id_].mean())
        for id_ in np.unique(ids)
        if id_ not in (0, IGNORED) and (ids == id_).mean() >= MIN_INSTANCE
    ]
    return any(OUTSIDE < share < INSIDE for share in shares)
