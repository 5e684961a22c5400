"""Scores of cut-outs against annotated subjects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isnan, nan

import cv2
import numpy as np

from convert.measure.evaluation.labelled_photos import LabelledMask, LabelledPhoto
from convert.measure.evaluation.saliency_metrics import (
    f_beta,
    mean_absolute_error,
    precision_recall,
    s_measure,
    weighted_f,
)
from convert.measure.evaluation.thin_parts import thin_recall
from segmentation import Photo, Segmentation, Segmenter, select
from segmentation.arrays import Bool, UInt8
from segmentation.cutout import compute_alpha
from segmentation.inference.metrics import boundary_f, iou
from segmentation.inference.refine import refine
from segmentation.inference.select import MIN_OFFERED_SCORE

# Clicks on each subject, and how far from its edge they fall, as a share of its deepest point.
CLICKS = 5
CLICK_DEPTH = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class CutoutScore:
    """How well one photo was cut out.

    The last five need instances: figures are NaN for the cut-out of another program, and there are
    no clicks.

    Attributes:
        photo: the photo with its annotations.
        label: label of the subject that the cut-out matches best.
        alpha: uint8 (H, W), the cut-out.
        truth: bool (H, W), the mask of that subject.
        largest_iou: IoU of the largest instance.
        best_iou: IoU of the instance that matches any subject best, without refinement.
        union_iou: IoU of the union of instances that matches any subject best, as found by adding
            one instance after the other, without refinement.
        closer_iou: IoU of the best instance with refinement.
        clicks: for each click on a subject, its label and the IoU of what the click chooses.
    """

    photo: LabelledPhoto
    label: str
    alpha: UInt8
    truth: Bool
    largest_iou: float = nan
    best_iou: float = nan
    union_iou: float = nan
    closer_iou: float = nan
    clicks: tuple[tuple[str, float], ...] = ()

    @property
    def iou(self) -> float:
        """IoU of the cut-out."""
        return iou(self.alpha > 127, self.truth)

    @property
    def click_iou(self) -> float:
        """Mean IoU of what single clicks on the subjects choose; NaN without clicks."""
        return float(np.mean([value for _, value in self.clicks])) if self.clicks else nan


@dataclass(frozen=True, slots=True)
class MeanScores:
    """Means over some photos, in the order of the columns of the table.

    Attributes:
        iou, boundary_f, max_f, weighted_f, s_measure, mean_absolute_error: of the cut-outs.
        thin_recall: of the subjects that have thin parts; NaN if none has.
        largest_iou, best_iou, union_iou, closer_iou, click_iou: as in `CutoutScore`.
    """

    iou: float
    boundary_f: float
    max_f: float
    weighted_f: float
    s_measure: float
    mean_absolute_error: float
    thin_recall: float
    largest_iou: float
    best_iou: float
    union_iou: float
    closer_iou: float
    click_iou: float


def score_alpha(photo: LabelledPhoto, alpha: UInt8) -> CutoutScore:
    """Score a cut-out against the subject that it matches best.

    Args:
        photo: a photo with at least one subject.
        alpha: uint8 (H, W), the cut-out.
    """
    subject = _best_subject(photo, alpha)
    return CutoutScore(photo, subject.label, alpha, subject.mask)


def score_model(
    segmenter: Segmenter,
    labelled: LabelledPhoto,
    photo: Photo,
    candidates: Segmentation,
    *,
    refined: bool,
) -> CutoutScore:
    """Score the cut-out that the product proposes, and those it would make of other choices.

    Args:
        segmenter: the model.
        labelled: the annotations of a photo with at least one subject.
        photo: the same photo, decoded.
        candidates: what the model finds in it, down to MIN_OFFERED_SCORE or lower.
        refined: whether cut-outs are refined by a second inference on the crop around them.

    Raises:
        InferenceFailed: the device fails on the photo.
    """
    threshold = segmenter.card.score_threshold
    confident = candidates.above(threshold)

    def first_alpha(ids: tuple[int, ...]) -> UInt8:
        return compute_alpha(photo, confident, ids)

    @cache
    def refined_alpha(ids: tuple[int, ...]) -> UInt8:
        refinement = refine(segmenter, photo, candidates, ids) if refined else None
        return compute_alpha(photo, candidates, ids, refinement)

    def click(point_xy: tuple[float, float]) -> UInt8:
        return refined_alpha(candidates.above(MIN_OFFERED_SCORE).at(point_xy, threshold)[:1])

    ious = [
        (_best_iou(labelled, first_alpha((instance.id,))), instance.id)
        for instance in confident.instances
    ]
    best_iou, best_id = max(ious, default=(0.0, None))
    ranked = [id_ for _, id_ in sorted(ious, reverse=True)]
    return replace(
        score_alpha(labelled, refined_alpha(select(confident, "auto"))),
        largest_iou=_best_iou(labelled, first_alpha(select(confident, "largest"))),
        best_iou=best_iou,
        union_iou=_union_iou(labelled, ranked, first_alpha),
        closer_iou=0.0 if best_id is None else _best_iou(labelled, refined_alpha((best_id,))),
        clicks=_click_ious(labelled, click),
    )


def click_points(mask: Bool) -> list[tuple[float, float]]:
    """Choose points where people might click an object, the same on every call.

    Args:
        mask: bool (H, W), not empty.

    Returns:
        CLICKS points (x, y) in pixels: the deepest one, then random ones away from the edge.
    """
    framed = np.pad(mask.astype(np.uint8), 1)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    within = np.argwhere(depth >= CLICK_DEPTH * depth.max())
    drawn = np.random.default_rng(0).integers(len(within), size=CLICKS - 1)
    deepest = np.unravel_index(depth.argmax(), depth.shape)
    return [(float(column), float(row)) for row, column in (deepest, *within[drawn])]


def mean_scores(scores: Sequence[CutoutScore]) -> MeanScores:
    """Average scores over photos.

    Max F is the maximum over the mean curve of precision and recall, not a mean of maxima.

    Args:
        scores: at least one.
    """
    curve = np.mean([precision_recall(score.alpha, score.truth) for score in scores], axis=0)

    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    return MeanScores(
        iou=mean([score.iou for score in scores]),
        boundary_f=mean([boundary_f(score.alpha > 127, score.truth) for score in scores]),
        max_f=float(f_beta(curve).max()),
        weighted_f=mean([weighted_f(score.alpha, score.truth) for score in scores]),
        s_measure=mean([s_measure(score.alpha, score.truth) for score in scores]),
        mean_absolute_error=mean(
            [mean_absolute_error(score.alpha, score.truth) for score in scores]
        ),
        thin_recall=_mean_of_numbers([thin_recall(score.alpha, score.truth) for score in scores]),
        largest_iou=mean([score.largest_iou for score in scores]),
        best_iou=mean([score.best_iou for score in scores]),
        union_iou=mean([score.union_iou for score in scores]),
        closer_iou=mean([score.closer_iou for score in scores]),
        click_iou=mean([score.click_iou for score in scores]),
    )


def _mean_of_numbers(values: Sequence[float]) -> float:
    numbers = [value for value in values if not isnan(value)]
    return float(np.mean(numbers)) if numbers else nan


def _union_iou(
    photo: LabelledPhoto, ranked: Sequence[int], alpha_of: Callable[[tuple[int, ...]], UInt8]
) -> float:
    """IoU of a union of instances, taken in an order if they make it better."""
    best = 0.0
    union: tuple[int, ...] = ()
    for id_ in ranked:
        larger = (*union, id_)
        if (overlap := _best_iou(photo, alpha_of(larger))) > best:
            best, union = overlap, larger
    return best


def _click_ious(
    photo: LabelledPhoto, click: Callable[[tuple[float, float]], UInt8]
) -> tuple[tuple[str, float], ...]:
    """Label of the clicked subject and IoU of the cut-out with it, for each click."""
    return tuple(
        (subject.label, iou(click(point_xy) > 127, subject.mask))
        for subject in photo.subjects
        for point_xy in click_points(subject.mask)
    )


def _best_subject(photo: LabelledPhoto, alpha: UInt8) -> LabelledMask:
    return max(photo.subjects, key=lambda subject: iou(alpha > 127, subject.mask))


def _best_iou(photo: LabelledPhoto, alpha: UInt8) -> float:
    return iou(alpha > 127, _best_subject(photo, alpha).mask)
