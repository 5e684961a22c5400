"""Errors of an alpha against a binary mask, in the metrics of salient object detection."""

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import Bool, UInt8

# Weight of precision against recall in saliency work (Achanta et al. 2009,
# https://doi.org/10.1109/CVPR.2009.5206596).
BETA_SQUARED = 0.3


def mean_absolute_error(alpha: UInt8, truth: Bool) -> float:
    """Mean |alpha - truth| over all pixels (Perazzi et al. 2012, saliency filters).

    Args:
        alpha: uint8 (H, W).
        truth: bool (H, W).

    Returns:
        0 (equal) to 1.
    """
    return float(np.abs(alpha / np.float32(255) - truth).mean())


def precision_recall(alpha: UInt8, truth: Bool) -> npt.NDArray[np.float64]:
    """Precision and recall of an alpha binarised at each of its 256 values.

    The maximum of `f_beta` over the mean curve of a data set is its max F.

    Args:
        alpha: uint8 (H, W).
        truth: bool (H, W).

    Returns:
        float64 (256, 2).
    """
    true_positives = np.bincount(alpha[truth], minlength=256)[::-1].cumsum()[::-1]
    positives = np.bincount(alpha.ravel(), minlength=256)[::-1].cumsum()[::-1]
    precision = true_positives / np.maximum(positives, 1)
    recall = true_positives / max(int(truth.sum()), 1)
    return np.stack([precision, recall], -1)


def f_beta(curve: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """F of precision and recall with beta squared 0.3 (Achanta et al. 2009).

    Args:
        curve: float64 (..., 2), precision and recall.

    Returns:
        float64 (...), 0 to 1.
    """
    precision, recall = curve[..., 0], curve[..., 1]
    weighted = BETA_SQUARED * precision + recall
    f: npt.NDArray[np.float64] = (
        (1 + BETA_SQUARED) * precision * recall / np.where(weighted > 0, weighted, 1)
    )
    return f


def weighted_f(alpha: UInt8, truth: Bool) -> float:
    """Weighted F of an alpha (Margolin, Zelnik-Manor, Tal 2014,
    https://doi.org/10.1109/CVPR.2014.39).

    An error counts more the further it is from the truth, and less where the pixels of the truth
    around it have the same error.

    Args:
        alpha: uint8 (H, W).
        truth: bool (H, W).

    Returns:
        0 to 1 (equal); 0 where the truth is empty.
    """
    if not truth.any():
        return 0.0
    error = np.abs(alpha / np.float64(255) - truth)
    distance, nearest = cv2.distanceTransformWithLabels(
        (~truth).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    error_at = np.zeros(int(nearest.max()) + 1)
    error_at[nearest[truth]] = error[truth]
    spread = cv2.GaussianBlur(np.where(truth, error, error_at[nearest]), (7, 7), 5)
    dependent = np.where(truth & (spread < error), spread, error)
    importance = np.where(truth, 1, 2 - np.exp(np.log(0.5) / 5 * distance))
    weighted_error = dependent * importance
    true_positives = truth.sum() - weighted_error[truth].sum()
    recall = 1 - weighted_error[truth].mean()
    positives = np.finfo(float).eps + true_positives + weighted_error[~truth].sum()
    precision = true_positives / positives
    return float(2 * recall * precision / (np.finfo(float).eps + recall + precision))


def s_measure(alpha: UInt8, truth: Bool) -> float:
    """Structural similarity of an alpha to a mask (Fan et al. 2017, Structure-measure,
    https://arxiv.org/abs/1708.00786), with equal weights of objects and regions.

    Args:
        alpha: uint8 (H, W).
        truth: bool (H, W), neither empty nor full.

    Returns:
        0 to 1 (equal).
    """
    opacity = alpha / np.float64(255)
    share = float(truth.mean())
    objects = share * _object_similarity(opacity[truth])
    objects += (1 - share) * _object_similarity(1 - opacity[~truth])
    row, column = (round(float(index.mean())) + 1 for index in np.nonzero(truth))
    regions = 0.0
    for rows in (slice(None, row), slice(row, None)):
        for columns in (slice(None, column), slice(column, None)):
            part = truth[rows, columns]
            if part.size:
                similarity = _region_similarity(opacity[rows, columns], part.astype(np.float64))
                regions += part.size / truth.size * similarity
    return max(0.0, (objects + regions) / 2)


def _object_similarity(values: npt.NDArray[np.float64]) -> float:
    """How close the values in an object are to 1, and to each other."""
    mean = float(values.mean())
    return 2 * mean / (mean * mean + 1 + float(values.std()))


def _region_similarity(opacity: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]) -> float:
    """Structural similarity (SSIM) of a rectangle of an alpha to that of the mask."""
    mean, truth_mean = float(opacity.mean()), float(truth.mean())
    covariance = float(((opacity - mean) * (truth - truth_mean)).mean())
    numerator = 4 * mean * truth_mean * covariance
    denominator = (mean**2 + truth_mean**2) * (float(opacity.var()) + float(truth.var()))
    if denominator == 0:
        return 1.0 if mean == truth_mean else 0.0
    return numerator / denominator
