"""From the model's logits to the objects in a photo."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, Float16, Float32
from segmentation.engines.base import Logits
from segmentation.i18n import Text
from segmentation.inference.metrics import iou
from segmentation.inference.preprocess import Geometry

# Two masks that share more than this are one object found twice (Mask2Former has no suppression
# of its own); people who overlap in a photo stay far below it.
SAME_OBJECT_IOU = 0.7
# Two looks at a photo mean the same object where their masks share more than this.
FOUND_AGAIN_IOU = 0.5
# Smaller than this share of the photo is a speck that nobody can click.
SPECK_AREA = 0.0005
# A piece of a mask this much smaller than its largest piece is noise, not a severed limb.
CRUMB_SHARE = 0.05
# The mask logit of a place where nothing is chosen: sigmoid(-30) is 0 in every float type here.
CERTAINLY_NOT = -30.0
FLOAT16_RANGE = -65504.0, 65504.0


@dataclass(frozen=True, slots=True)
class Instance:
    """One object found in a photo.

    Attributes:
        id: 1, 2, ... in order of falling score.
        label: what it is.
        score: 0..1, class probability times mean mask probability inside the mask.
        box_xyxy: left, top, right, bottom in photo pixels; ends excluded.
        area: share of the photo, 0..1.
    """

    id: int
    label: Text
    score: float
    box_xyxy: BoxXYXY
    area: float

    def as_json(self) -> dict[str, Any]:
        """The same as JSON knows it, both names of the label included."""
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
    """All objects found in a photo: a value, small enough to keep for every open page.

    Attributes:
        instances: in order of falling score.
        masks_queries_logits: float16 (N, h, w), the mask of id 1, 2, ... at the model's own
            resolution, cut to the part that shows the photo.
        geometry: where the photo lies on that grid.
    """

    instances: tuple[Instance, ...]
    masks_queries_logits: Float16
    geometry: Geometry

    def mask_logits(self, ids: Collection[int]) -> Float32:
        """Mask logits (h, w) of several instances as one: of the chosen ones, the most certain."""
        chosen = [self.masks_queries_logits[id_ - 1] for id_ in ids]
        if not chosen:
            return np.full(self.geometry.mask_hw, CERTAINLY_NOT, np.float32)
        return np.asarray(np.max(chosen, axis=0), np.float32)

    def above(self, threshold: float, besides: Collection[int] = ()) -> "Segmentation":
        """The same without the instances of a lower score, but for some; ids and masks stay."""
        kept = (i for i in self.instances if i.score >= threshold or i.id in besides)
        return replace(self, instances=tuple(kept))

    def at(self, photo_xy: tuple[float, float], threshold: float) -> tuple[int, ...]:
        """The ids of the instances under a photo pixel, what is most likely meant first.

        The order is by score × (1 - area): of things as sure the smaller one lies in front, but an
        unsure small one is often a part of what is meant. (Tried on clicks into the objects of some
        260 photos of ECSSD, COCO and VOC: by area alone a part comes first far more often.) What
        lies a mask cell beside the point also counts where nothing else does, for fingers are wider
        than edges. Where nothing of the least score is there, the others count: who clicks is surer
        than the model.

        Args:
            photo_xy: in photo pixels.
            threshold: least score of what comes before guesses, 0..1.
        """
        column, row = self.geometry.mask_xy(photo_xy)
        for least in (threshold, 0.0):
            for reach in (0, 1):
                rows = slice(max(row - reach, 0), row + reach + 1)
                columns = slice(max(column - reach, 0), column + reach + 1)
                around = self.masks_queries_logits[:, rows, columns]
                highest = around.max(axis=(1, 2), initial=-np.inf)
                under = [i for i in self.instances if i.score >= least and highest[i.id - 1] > 0]
                if under:
                    likeliest = sorted(under, key=lambda i: i.score * (1 - i.area), reverse=True)
                    return tuple(instance.id for instance in likeliest)
        return ()


def find_instances(
    logits: Logits, labels: tuple[Text, ...], geometry: Geometry, threshold: float
) -> Segmentation:
    """The objects of a photo, each once, without specks, best first.

    Scores are class probability times mean mask probability inside the mask, as Mask2Former's
    instance inference has them (Cheng et al. 2022, https://arxiv.org/abs/2112.01527).

    Args:
        logits: what the engine returned.
        labels: of the classes, in order; the logits have one class more, "no object".
        geometry: where the photo lies in the model's input.
        threshold: least score, 0..1.
    """
    mask_h, mask_w = geometry.mask_hw
    class_probabilities = _softmax(logits.class_queries_logits)[:, : len(labels)]
    masks = logits.masks_queries_logits[:, :mask_h, :mask_w]
    classes = class_probabilities.argmax(axis=1)
    scores = class_probabilities.max(axis=1) * _mean_probability_inside(masks)
    kept: list[int] = []
    cleaned: list[Float32] = []
    for query in np.argsort(-scores, kind="stable"):
        if scores[query] < threshold:
            break
        mask = without_crumbs(masks[query])
        if (mask > 0).mean() < SPECK_AREA:
            continue
        if all(iou(mask > 0, other > 0) <= SAME_OBJECT_IOU for other in cleaned):
            kept.append(int(query))
            cleaned.append(mask)
    instances = tuple(
        Instance(
            id=position + 1,
            label=labels[classes[query]],
            score=float(scores[query]),
            box_xyxy=geometry.photo_xyxy(_box(mask)),
            area=float((mask > 0).mean()),
        )
        for position, (query, mask) in enumerate(zip(kept, cleaned, strict=True))
    )
    stacked = (
        np.clip(cleaned, *FLOAT16_RANGE).astype(np.float16).reshape(len(cleaned), mask_h, mask_w)
    )
    return Segmentation(instances, stacked, geometry)


def find_again(first: Segmentation, ids: Collection[int], second: Segmentation) -> tuple[int, ...]:
    """The ids that some instances of a photo have in another look at it; fewer if some are gone."""
    size_wh = second.geometry.mask_hw[::-1]
    masks = {i.id: second.masks_queries_logits[i.id - 1] > 0 for i in second.instances}
    found: set[int] = set()
    for id_ in ids:
        logits = first.masks_queries_logits[id_ - 1].astype(np.float32)
        mask = cv2.resize(logits, size_wh, interpolation=cv2.INTER_LINEAR) > 0
        # More than half shared with one mask leaves less than half for any other.
        found |= {other for other in masks if iou(mask, masks[other]) > FOUND_AGAIN_IOU}
    return tuple(sorted(found))


def _box(mask: Float32) -> BoxXYXY:
    left, top, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
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


def without_crumbs(mask: Float32) -> Float32:
    """The mask with its tiny loose pieces, and the ring around each, turned to not."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8))
    areas = stats[1:count, cv2.CC_STAT_AREA]
    crumbs = 1 + np.flatnonzero(areas < CRUMB_SHARE * areas.max(initial=0))
    # With the ring, or else interpolation would swing back above zero beside the piece.
    there = cv2.dilate(np.isin(pieces, crumbs).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.where(there, np.minimum(-np.abs(mask), -1), mask).astype(np.float32)
