"""From the model's logits to the objects in a photo."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, Float16, Float32
from segmentation.engines.base import Logits
from segmentation.i18n import Text
from segmentation.inference.mask_pieces import remove_distant_pieces, remove_fragments
from segmentation.inference.metrics import iou
from segmentation.inference.preprocess import Geometry
from segmentation.model_card import SUBJECT

# Masks with a larger IoU are one object found twice (Mask2Former has no non-maximum suppression);
# people who overlap in a photo stay far below it.
DUPLICATE_IOU = 0.7
# Masks of two segmentations with at least this IoU show the same object.
MATCH_IOU = 0.5
# A mask of a smaller share of the photo is a speck that nobody can click.
MIN_AREA = 0.0005
# From this score on, distant pieces of a mask are kept. (With the bundled model, most wrong ones
# have lower scores; a larger model is more often right about what lies on both sides of a table.)
SURE_SCORE = 0.9
# Mask logit where nothing is chosen: sigmoid(-30) is 0 in every float type used here.
OUTSIDE_LOGIT = -30.0
FLOAT16_RANGE = -65504.0, 65504.0


@dataclass(frozen=True, slots=True)
class Instance:
    """One object found in a photo.

    Attributes:
        id: 1, 2, ... by descending score; the whole subject comes last.
        label: what the object is.
        score: 0..1, class probability times mean mask probability inside the mask.
        box_xyxy: left, top, right, bottom in photo pixels; right and bottom are excluded.
        area: share of the photo, 0..1.
    """

    id: int
    label: Text
    score: float
    box_xyxy: BoxXYXY
    area: float

    @property
    def prominence_at_click(self) -> float:
        """How likely a click means this one among instances under it, see `Segmentation.at`.

        A click means the whole subject only where it shows nothing else.
        """
        return 0.0 if self.label == SUBJECT else self.score * (1 - self.area)

    def as_json(self) -> dict[str, Any]:
        """The instance as a JSON object, with its label in both languages."""
        return {
            "id": self.id,
            "label": self.label.en,
            "label_zh": self.label.zh,
            "score": round(self.score, 4),
            "box_xyxy": self.box_xyxy,
            "area": round(self.area, 5),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """All objects found in a photo: immutable, and small enough to keep for every open page.

    Attributes:
        instances: by descending score; the whole subject comes last.
        masks_queries_logits: float16 (N, h, w), the masks of ids 1, 2, ... at the model's own
            resolution, cropped to the part that shows the photo.
        geometry: where the photo lies on that grid.
        subject_id: the instance that shows the whole subject of the photo; None without a subject
            query, or if that finds nothing.
    """

    instances: tuple[Instance, ...]
    masks_queries_logits: Float16
    geometry: Geometry
    subject_id: int | None = None

    def mask_logits(self, ids: Collection[int]) -> Float32:
        """Combine the masks of some instances: the maximum of their logits in each cell.

        Returns:
            float32 (h, w); OUTSIDE_LOGIT everywhere if `ids` is empty.
        """
        chosen = [self.masks_queries_logits[instance_id - 1] for instance_id in ids]
        if not chosen:
            return np.full(self.geometry.mask_hw, OUTSIDE_LOGIT, np.float32)
        return np.asarray(np.max(chosen, axis=0), np.float32)

    def above(self, threshold: float, also: Collection[int] = ()) -> "Segmentation":
        """Keep the instances with at least a score of `threshold`; ids and masks stay the same.

        Args:
            threshold: minimum score, 0..1.
            also: ids of instances to keep whatever their score.
        """
        kept = (
            instance
            for instance in self.instances
            if instance.score >= threshold or instance.id in also
        )
        return replace(self, instances=tuple(kept))

    def at(self, photo_xy: tuple[float, float], threshold: float) -> tuple[int, ...]:
        """Find the instances under a point, the one most likely meant first.

        The order is by score × (1 - area): among instances of similar scores the smaller one is in
        front, but an uncertain small one is often a part of the object that is meant. (Measured
        with clicks on the objects of about 260 photos of ECSSD, COCO and VOC: by area alone, a part
        comes first far more often.) Without an instance at the point itself, those within one mask
        cell count, since fingers are wider than edges. Without an instance above the threshold, the
        others count, since a person who clicks is more certain than the model.

        Args:
            photo_xy: column and row, in photo pixels.
            threshold: minimum score of instances that come before uncertain ones, 0..1.

        Returns:
            Ids; empty if there is no instance at all.
        """
        column, row = self.geometry.mask_xy(photo_xy)
        for min_score in (threshold, 0.0):
            for distance in (0, 1):
                rows = slice(max(row - distance, 0), row + distance + 1)
                columns = slice(max(column - distance, 0), column + distance + 1)
                around = self.masks_queries_logits[:, rows, columns]
                highest = around.max(axis=(1, 2), initial=-np.inf)
                hits = [
                    instance
                    for instance in self.instances
                    if instance.score >= min_score and highest[instance.id - 1] > 0
                ]
                if hits:
                    hits.sort(key=lambda hit: hit.prominence_at_click, reverse=True)
                    return tuple(hit.id for hit in hits)
        return ()


def find_instances(
    logits: Logits, labels: tuple[Text, ...], geometry: Geometry, threshold: float
) -> Segmentation:
    """Turn the model's output into instances, without duplicates and specks, best first.

    Scores are class probability times mean mask probability inside the mask, as in Mask2Former's
    instance inference (Cheng et al. 2022, https://arxiv.org/abs/2112.01527).

    The mask of a subject query is one more instance, unless it shows the same as another one. Its
    score is the mean mask probability alone.

    Args:
        logits: the engine's output.
        labels: of the classes, in order; the logits have one more class, "no object".
        geometry: where the photo lies in the model's input.
        threshold: minimum score, 0..1.
    """
    mask_h, mask_w = geometry.mask_hw
    class_probabilities = _softmax(logits.class_queries_logits)[:, : len(labels)]
    queries = len(class_probabilities)
    masks = logits.masks_queries_logits[:, :mask_h, :mask_w]
    mask_scores = _mean_probability_inside(masks)
    scores = class_probabilities.max(axis=1) * mask_scores[:queries]
    kept_masks: list[Float32] = []
    instances: list[Instance] = []

    def add(label: Text, score: float, mask_logits: Float32) -> int | None:
        """The id of the instance that shows a mask, added if it is new; None for a speck."""
        mask = remove_fragments(mask_logits)
        area = float((mask > 0).mean())
        if area < MIN_AREA:
            return None
        known_id = _duplicate(mask, kept_masks)
        if known_id is not None:
            return known_id
        kept_masks.append(mask)
        box_xyxy = geometry.photo_xyxy(_box(mask))
        instances.append(Instance(len(kept_masks), label, float(score), box_xyxy, area))
        return len(kept_masks)

    for query in np.argsort(-scores, kind="stable"):
        if scores[query] < threshold:
            break
        is_sure = scores[query] >= SURE_SCORE
        mask = masks[query] if is_sure else remove_distant_pieces(masks[query])
        add(labels[class_probabilities[query].argmax()], scores[query], mask)
    subject_id = None
    for subject, score in zip(masks[queries:], mask_scores[queries:], strict=True):
        if score >= threshold:
            subject_id = add(SUBJECT, score, subject)
    halves = np.clip(kept_masks, *FLOAT16_RANGE).astype(np.float16)
    shape = len(kept_masks), mask_h, mask_w
    return Segmentation(tuple(instances), halves.reshape(shape), geometry, subject_id)


def _duplicate(mask: Float32, kept_masks: list[Float32]) -> int | None:
    """The id of the kept mask that shows most of the same object, if one does."""
    overlaps = [iou(mask > 0, kept > 0) for kept in kept_masks]
    best = max(overlaps, default=0.0)
    return 1 + overlaps.index(best) if best > DUPLICATE_IOU else None


def match_instances(
    reference: Segmentation,
    ids: Collection[int],
    other: Segmentation,
    min_iou: float = MATCH_IOU,
) -> tuple[int, ...]:
    """Find the same objects in another segmentation of the same photo.

    Args:
        reference: one segmentation.
        ids: instances of it.
        other: may come from another model, with masks of another size.
        min_iou: minimum IoU of two masks of the same object.

    Returns:
        For each of the ids, the instance with the highest IoU, in ascending order; fewer if some
        objects are missing.
    """
    size_wh = other.geometry.mask_hw[::-1]
    masks = {instance.id: other.mask_logits([instance.id]) > 0 for instance in other.instances}
    matches: set[int] = set()
    for instance_id in ids:
        logits = reference.mask_logits([instance_id])
        mask = cv2.resize(logits, size_wh, interpolation=cv2.INTER_LINEAR) > 0
        overlaps = {other_id: iou(mask, other_mask) for other_id, other_mask in masks.items()}
        best = max(overlaps, key=lambda other_id: overlaps[other_id], default=None)
        if best is not None and overlaps[best] >= min_iou:
            matches.add(best)
    return tuple(sorted(matches))


def _box(mask_logits: Float32) -> BoxXYXY:
    left, top, width, height = cv2.boundingRect((mask_logits > 0).astype(np.uint8))
    return left, top, left + width, top + height


def _softmax(logits: Float32) -> Float32:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    normalised: Float32 = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return normalised


def _mean_probability_inside(masks: Float32) -> Float32:
    inside = masks > 0
    probabilities = 1 / (1 + np.exp(-np.clip(masks, -30, 30)))
    total = (probabilities * inside).sum(axis=(1, 2))
    mean: Float32 = total / np.maximum(inside.sum(axis=(1, 2)), 1)
    return mean
