"""How much of the thin parts of a subject a cut-out keeps: legs, handles, stalks, fingers."""

from math import nan

import cv2
import numpy as np

from segmentation.arrays import Bool, UInt8

# A part is thin below this width, as a share of the photo's longest side: three mask cells of a
# model whose input is 384 pixels long.
THIN_WIDTH = 3 * 4 / 384
# What remains of the rounded corners of a thick part is shorter than a thin part is wide.
MIN_LENGTH = 2.0
# Less than this share of the subject says nothing.
MIN_SHARE = 0.005


def thin_parts(mask: Bool) -> Bool:
    """Find the parts of a mask that a disc of THIN_WIDTH does not fit into.

    Args:
        mask: bool (H, W).

    Returns:
        bool (H, W), without parts that are shorter than MIN_LENGTH times THIN_WIDTH.
    """
    width = max(3, round(THIN_WIDTH * max(mask.shape)) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    # The frame of the photo cuts an object off, but makes it no thinner.
    padded = np.pad(mask.astype(np.uint8), width, mode="edge")
    opened = np.asarray(cv2.morphologyEx(padded, cv2.MORPH_OPEN, disc), np.uint8)
    thin = (padded - opened)[width:-width, width:-width]
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(thin)
    lengths = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    kept = np.flatnonzero(lengths >= MIN_LENGTH * width)
    return np.isin(pieces, kept[kept > 0])


def thin_recall(alpha: UInt8, truth: Bool) -> float:
    """The share of a subject's thin parts that a cut-out keeps.

    Args:
        alpha: uint8 (H, W).
        truth: bool (H, W).

    Returns:
        0 to 1; NaN if the subject has no thin parts.
    """
    thin = thin_parts(truth)
    if thin.sum() < MIN_SHARE * truth.sum():
        return nan
    return float((alpha[thin] > 127).mean())
