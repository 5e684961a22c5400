"""What the mask refiner learns from: masks of the bundled model beside the true ones, on crops."""

import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np

from convert.compact.data import IGNORED, Sample, decode
from segmentation import Photo, Segmentation, Segmenter
from segmentation.arrays import Float16, UInt8
from segmentation.inference.metrics import iou
from segmentation.inference.refine import average_looks
from segmentation.inference.select import MIN_OFFERED_SCORE

# An instance of a smaller share of the photo has no detail; neither has a smaller crop, in pixels.
MIN_AREA, MIN_CROP_SIDE = 0.01, 110
# Below this IoU the model's mask shows something else.
MIN_IOU = 0.5
# The largest instances of a photo are used.
MAX_CROPS = 2
# One photo of so many is kept apart from training.
HELD_OUT = 10


@dataclass(frozen=True, slots=True, eq=False)
class ObjectCrop:
    """The photo around an object.

    Attributes:
        rgb: uint8 (H, W, 3).
        mask_logits: float16 (h, w), the average of both looks, as the product corrects it.
        target: uint8 (H, W), 1 inside of the object, 0 outside, IGNORED where undecided.
    """

    rgb: UInt8
    mask_logits: Float16
    target: UInt8


def is_held_out(sample: Sample) -> bool:
    """Whether a photo is kept apart from training, the same on every call."""
    return zlib.crc32(f"{sample.source}_{sample.id}".encode()) % HELD_OUT == 0


def read_or_make_crops(folder: Path, sample: Sample, segmenter: Segmenter) -> list[ObjectCrop]:
    """The crops of a photo, from the folder if they are there.

    Args:
        folder: gets a file for each photo.
        sample: a photo with instance ids.
        segmenter: the model whose masks are to be corrected.
    """
    path = folder / f"{sample.source}_{sample.id}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        crops = list(make_crops(sample, segmenter))
        arrays = {
            f"{name}{index}": array
            for index, crop in enumerate(crops)
            for name, array in asdict(crop).items()
        }
        # A run that is cut short must not leave half a file.
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **arrays)
        partial.replace(path)
        return crops
    with np.load(path) as arrays:
        names = [field.name for field in fields(ObjectCrop)]
        count = len(arrays.files) // len(names)
        return [
            ObjectCrop(**{name: arrays[f"{name}{index}"] for name in names})
            for index in range(count)
        ]


def make_crops(sample: Sample, segmenter: Segmenter) -> Iterator[ObjectCrop]:
    """Find the annotated instances of a photo as the product does, with the closer look.

    Args:
        sample: a photo; without instance ids it has no crops.
        segmenter: the model.

    Returns:
        The crops around those that the model finds, the largest first.
    """
    decoded = decode(sample)
    if decoded.ids is None:
        return
    photo = Photo(np.ascontiguousarray(decoded.rgb), None, sample.id, ())
    segmentation, _ = segmenter.segment(photo, MIN_OFFERED_SCORE)
    instance_ids, areas = np.unique(decoded.ids, return_counts=True)
    by_area = sorted(zip(areas.tolist(), instance_ids.tolist(), strict=True), reverse=True)
    large = [
        id_
        for area, id_ in by_area
        if id_ not in (0, IGNORED) and area >= MIN_AREA * decoded.ids.size
    ]
    found: set[int] = set()
    for instance_id in large:
        if len(found) == MAX_CROPS:
            return
        match = _match(segmentation, decoded.ids, instance_id)
        if match is None or match in found:
            continue
        found.add(match)
        averaged = average_looks(segmenter, photo, segmentation, [match])
        if averaged is None:
            continue
        (left, top, right, bottom), mask_logits = averaged
        if max(right - left, bottom - top) < MIN_CROP_SIDE:
            continue
        ids = decoded.ids[top:bottom, left:right]
        target = np.where(ids == IGNORED, IGNORED, ids == instance_id).astype(np.uint8)
        rgb = photo.rgb[top:bottom, left:right].copy()
        yield ObjectCrop(rgb, np.clip(mask_logits, -100, 100).astype(np.float16), target)


def _match(segmentation: Segmentation, ids: UInt8, instance_id: int) -> int | None:
    """The instance found that shows an annotated one; None if none has MIN_IOU with it."""
    size_wh = segmentation.geometry.mask_hw[::-1]
    small = cv2.resize(ids, size_wh, interpolation=cv2.INTER_NEAREST)
    truth, decided = small == instance_id, small != IGNORED
    best_iou, best_id = MIN_IOU, None
    for instance in segmentation.instances:
        mask = segmentation.mask_logits([instance.id]) > 0
        overlap = iou(mask & decided, truth)
        if overlap >= best_iou:
            best_iou, best_id = overlap, instance.id
    return best_id
