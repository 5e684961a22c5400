"""Similarity of two masks or boxes, in the measures of the literature."""

import cv2
import numpy as np

from segmentation.arrays import Bool, BoxXYXY

# Boundaries within this share of the diagonal count as equal (Perazzi et al. 2016, DAVIS,
# https://doi.org/10.1109/CVPR.2016.85, and its evaluation code).
BOUNDARY_TOLERANCE = 0.0075


def iou(mask: Bool, other: Bool) -> float:
    """Intersection over union of two masks, bool (H, W).

    Returns:
        0..1; 0 if both are empty.
    """
    union = np.count_nonzero(mask | other)
    return float(np.count_nonzero(mask & other) / union) if union else 0.0


def box_iou(box_xyxy: BoxXYXY, other_xyxy: BoxXYXY) -> float:
    """Intersection over union of two boxes that are not empty, 0..1."""
    boxes = np.array([box_xyxy, other_xyxy])
    starts, ends = boxes[:, :2], boxes[:, 2:]
    shared = np.maximum(ends.min(axis=0) - starts.max(axis=0), 0).prod()
    return float(shared / ((ends - starts).prod(axis=1).sum() - shared))


def boundary_f(predicted: Bool, truth: Bool) -> float:
    """F measure of the boundaries of two masks, bool (H, W) (Perazzi et al. 2016).

    Returns:
        0..1; 1 if both are empty.
    """
    tolerance = BOUNDARY_TOLERANCE * float(np.hypot(*truth.shape))
    boundary, true_boundary = _boundary_pixels(predicted), _boundary_pixels(truth)
    if not (boundary.any() and true_boundary.any()):
        return float(boundary.any() == true_boundary.any())
    precision = _share_within(boundary, true_boundary, tolerance)
    recall = _share_within(true_boundary, boundary, tolerance)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _boundary_pixels(mask: Bool) -> Bool:
    """The outermost pixels inside a mask."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return mask & ~inner


def _share_within(pixels: Bool, target: Bool, distance: float) -> float:
    distances = cv2.distanceTransform((~target).astype(np.uint8), cv2.DIST_L2, 5)
    return float((distances[pixels] <= distance).mean())
