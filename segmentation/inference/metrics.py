"""How alike two masks are, in the measures of the literature."""

import cv2
import numpy as np

from segmentation.arrays import Bool

# Boundaries this near count as the same, as a share of the diagonal (Perazzi et al. 2016, DAVIS,
# https://doi.org/10.1109/CVPR.2016.85, and its evaluation code).
BOUNDARY_SHARE = 0.0075


def iou(one: Bool, other: Bool) -> float:
    """Intersection over union of two masks (H, W), 0..1; 0 where both are empty."""
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 0.0


def boundary_f(found: Bool, truth: Bool) -> float:
    """F of the outlines of two masks (H, W), 0..1 (Perazzi et al. 2016)."""
    reach = BOUNDARY_SHARE * float(np.hypot(*truth.shape))
    outlines = _outline(found), _outline(truth)
    if not all(outline.any() for outline in outlines):
        return float(outlines[0].any() == outlines[1].any())
    precision = _share_within(outlines[0], outlines[1], reach)
    recall = _share_within(outlines[1], outlines[0], reach)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _outline(mask: Bool) -> Bool:
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return mask & ~inner


def _share_within(points: Bool, target: Bool, reach: float) -> float:
    distance = cv2.distanceTransform((~target).astype(np.uint8), cv2.DIST_L2, 5)
    return float((distance[points] <= reach).mean())
