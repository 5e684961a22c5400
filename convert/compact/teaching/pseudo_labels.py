"""Pseudo-labels: instance ids and a label from a subject's opacity and a model's instances."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from convert.compact.data import IGNORED
from convert.compact.teaching.consensus import subject_mask
from segmentation.arrays import Bool, UInt8
from segmentation.inference.metrics import iou

OBJECT = "object"
BORDER = 64, 191
# Pieces smaller than this share of the largest do not belong to the subject.
MIN_PIECE = 0.05
# A second piece larger than this share of the largest is a second object.
MAX_SECOND_PIECE = 0.25
SAME_IOU = 0.75
# A person or animal counts as certain from this score of the model on.
CERTAIN_SCORE = 0.85
# An instance lies inside a mask if at least this share of its pixels does.
INSIDE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class LabelledInstance:
    """An instance that the model finds.

    Attributes:
        label: its label.
        score: confidence, 0..1.
        mask: bool (H, W).
    """

    label: str
    score: float
    mask: Bool


def pseudo_ids(alpha: UInt8) -> UInt8 | None:
    """Make instance ids of the opacity of a photo's subject.

    Args:
        alpha: uint8 (H, W), as `consensus` returns it.

    Returns:
        uint8 (H, W): 1 for the subject, IGNORED at its border, 0 elsewhere; None if the subject
        has several large pieces.
    """
    mask = subject_mask(alpha).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    if count > 2 and np.sort(areas)[-2] > MAX_SECOND_PIECE * areas.max():
        return None
    kept = np.isin(pieces, 1 + np.flatnonzero(areas >= MIN_PIECE * areas.max(initial=0)))
    border = ((alpha >= BORDER[0]) & (alpha <= BORDER[1])) | (alpha == IGNORED)
    # The border of a dropped piece is background as well.
    near = cv2.dilate(kept.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return np.where(border & near, IGNORED, kept.astype(np.uint8)).astype(np.uint8)


def label_mask(mask: Bool, instances: Sequence[LabelledInstance]) -> str | None:
    """Label a mask by the instances in the same photo.

    Args:
        mask: bool (H, W).
        instances: all that the model finds.

    Returns:
        The label, or None if there are several people or animals, or an uncertain one.
    """
    living_scores = [
        instance.score
        for instance in instances
        if instance.label != OBJECT and _is_inside(instance.mask, mask)
    ]
    if len(living_scores) > 1 or any(score < CERTAIN_SCORE for score in living_scores):
        return None
    overlaps = [(iou(instance.mask, mask), instance.label) for instance in instances]
    best, label = max(overlaps, default=(0.0, OBJECT))
    if best >= SAME_IOU:
        return label
    return None if living_scores else OBJECT


def _is_inside(instance: Bool, mask: Bool) -> bool:
    return bool(np.count_nonzero(instance & mask) > INSIDE * np.count_nonzero(instance))
