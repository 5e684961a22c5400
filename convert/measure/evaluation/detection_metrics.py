"""Average precision of detected instances, as COCO defines it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from convert.measure.evaluation.labelled_photos import CROWD, LabelledPhoto
from segmentation.arrays import Bool, Float16, SizeHW
from segmentation.inference.metrics import iou
from segmentation.inference.postprocess import Segmentation

# Detections below this score hardly change an average precision.
MIN_DETECTION_SCORE = 0.05
HIT_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Detection:
    """A detected instance.

    Attributes:
        label: the label that the model gives it.
        score: confidence, 0..1.
        is_hit: whether it matches an annotated instance that no surer detection matches.
    """

    label: str
    score: float
    is_hit: bool


@dataclass(frozen=True, slots=True, eq=False)
class PhotoDetections:
    """All detections in a photo, from MIN_DETECTION_SCORE up.

    Attributes:
        photo: the photo.
        detections: by falling score.
    """

    photo: LabelledPhoto
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class LabelPrecision:
    """The average precision of one label.

    Attributes:
        average_precision: 0..1.
        instances: number of annotated instances.
    """

    average_precision: float
    instances: int


def match_detections(
    segmentation: Segmentation, photo: LabelledPhoto, size_hw: SizeHW
) -> PhotoDetections:
    """Match detections with the annotated instances of the same label, the surest first.

    A detection inside an annotated crowd counts neither as right nor as wrong.

    Args:
        segmentation: the detections.
        photo: the photo with its annotations.
        size_hw: height and width of the photo.
    """
    return PhotoDetections(photo, tuple(_matched(segmentation, photo, size_hw)))


def _matched(
    segmentation: Segmentation, photo: LabelledPhoto, size_hw: SizeHW
) -> Iterator[Detection]:
    unmatched = [truth for truth in photo.instances if not truth.is_crowd]
    crowds = [truth for truth in photo.instances if truth.is_crowd]
    logits = segmentation.masks_queries_logits
    for instance, mask_logits in zip(segmentation.instances, logits, strict=True):
        label = instance.label.en
        mask = _upscaled_mask(mask_logits, size_hw)
        overlaps = [
            (iou(mask, truth.mask), index)
            for index, truth in enumerate(unmatched)
            if truth.label == label
        ]
        overlap, index = max(overlaps, default=(0.0, -1))
        is_hit = overlap >= HIT_IOU
        if is_hit:
            del unmatched[index]
        elif any(
            crowd.base_label == label and (mask & crowd.mask).sum() >= HIT_IOU * mask.sum()
            for crowd in crowds
        ):
            continue
        yield Detection(label, instance.score, is_hit)


def _upscaled_mask(mask_logits: Float16, size_hw: SizeHW) -> Bool:
    logits = mask_logits.astype(np.float32)
    upscaled = cv2.resize(logits, size_hw[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(upscaled > 0)


def average_precision(hits: Sequence[bool], truths: int) -> float:
    """Mean precision at 101 recalls (Lin et al. 2014, COCO, https://cocodataset.org/#detection-eval).

    Args:
        hits: for each detection, the surest first, whether it is a hit.
        truths: number of annotated instances, at least 1.

    Returns:
        0 to 1.
    """
    true_positives = np.cumsum(np.asarray(hits, np.float64))
    precision = true_positives / np.arange(1, len(true_positives) + 1)
    # At a recall, the best precision at that or a higher one.
    best = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(true_positives / truths, np.linspace(0, 1, 101))
    return float(np.append(best, 0)[places].mean())


def precision_by_label(photos: Sequence[PhotoDetections]) -> dict[str, LabelPrecision]:
    """The average precision of each label that is annotated in some photos."""
    truths = Counter(truth.label for item in photos for truth in item.photo.instances)
    detections = sorted(
        (detection for item in photos for detection in item.detections),
        key=lambda detection: detection.score,
        reverse=True,
    )
    return {
        label: LabelPrecision(
            average_precision(
                [detection.is_hit for detection in detections if detection.label == label], count
            ),
            count,
        )
        for label, count in truths.items()
        if not label.endswith(CROWD)
    }
