"""How near an alpha is to the truth, in the measures of the literature."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import Bool, UInt8

# Weight of precision against recall in saliency work (Achanta et al. 2009,
# https://doi.org/10.1109/CVPR.2009.5206596).
BETA_SQUARED = 0.3


def mean_absolute_error(alpha: UInt8, truth: Bool) -> float:
    """Mean |alpha - truth| over all pixels, 0..1 (Perazzi et al. 2012, saliency filters)."""
    return float(np.abs(alpha / np.float32(255) - truth).mean())


def precision_recall(alpha: UInt8, truth: Bool) -> npt.NDArray[np.float64]:
    """Precision and recall (256, 2) of alpha cut at each of its values.

    The maximum of F over the mean curve of a data set is its max F; see `f_beta`.
    """
    of_truth = np.bincount(alpha[truth], minlength=256)[::-1].cumsum()[::-1]
    of_all = np.bincount(alpha.ravel(), minlength=256)[::-1].cumsum()[::-1]
    return np.stack([of_truth / np.maximum(of_all, 1), of_truth / max(int(truth.sum()), 1)], -1)


def f_beta(curve: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """F of precision and recall (..., 2) with beta squared 0.3 (Achanta et al. 2009)."""
    precision, recall = curve[..., 0], curve[..., 1]
    weighted = BETA_SQUARED * precision + recall
    f: npt.NDArray[np.float64] = (
        (1 + BETA_SQUARED) * precision * recall / np.where(weighted > 0, weighted, 1)
    )
    return f


def average_precision(hits: Sequence[bool], truths: int) -> float:
    """Mean precision at 101 recalls, 0..1 (Lin et al. 2014, COCO, https://cocodataset.org/#detection-eval).

    Args:
        hits: of each guess, the surest first, whether it matches a truth no other has matched.
        truths: how many there are, at least 1.
    """
    found = np.cumsum(np.asarray(hits, np.float64))
    precision = found / np.arange(1, len(found) + 1)
    # At a recall, the best precision at that or a higher one.
    best = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(found / truths, np.linspace(0, 1, 101))
    return float(np.append(best, 0)[places].mean())


def weighted_f(alpha: UInt8, truth: Bool) -> float:
    """Weighted F of an alpha, 0..1 (Margolin, Zelnik-Manor, Tal 2014,
    https://doi.org/10.1109/CVPR.2014.39): an error counts more the further it is from the truth,
    and less where the truth's neighbourhood shares it.
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
    weighed = dependent * importance
    hit = truth.sum() - weighed[truth].sum()
    recall = 1 - weighed[truth].mean()
    precision = hit / (np.finfo(float).eps + hit + weighed[~truth].sum())
    return float(2 * recall * precision / (np.finfo(float).eps + recall + precision))
