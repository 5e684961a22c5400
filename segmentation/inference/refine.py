"""A second inference on the crop around the chosen objects, where the model sees them larger."""

import time
from collections.abc import Collection
from dataclasses import dataclass, replace

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, Float16, Float32, SizeHW
from segmentation.errors import InferenceFailed
from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.inference.mask_pieces import remove_fragments
from segmentation.inference.mask_refiner import correct_mask
from segmentation.inference.postprocess import FLOAT16_RANGE, Segmentation
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import SUBJECT

# Padding of the crop, as a share of the objects' longer side: enough to show what they border on;
# and the padding of a second crop if they reach beyond the first.
PADDING, WIDE_PADDING = 0.1, 0.5
# Below this IoU, the second inference found another object.
SAME_OBJECT_IOU = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Refinement:
    """The mask of the chosen objects within a crop, averaged over both inferences and corrected.

    Attributes:
        segmentation: result of the first inference.
        ids: of the instances that the mask shows.
        box_xyxy: the crop, in photo pixels.
        mask_logits: float16 (h, w), over the crop.
        seconds: duration of the refinement.
    """

    segmentation: Segmentation
    ids: tuple[int, ...]
    box_xyxy: BoxXYXY
    mask_logits: Float16
    seconds: float

    def matches(self, segmentation: Segmentation, ids: Collection[int]) -> bool:
        """Whether this refines exactly these instances of this segmentation."""
        return self.segmentation is segmentation and set(self.ids) == set(ids)


def refine(
    segmenter: Segmenter, photo: Photo, segmentation: Segmentation, ids: Collection[int]
) -> Refinement | None:
    """Run the model on the mirrored crop around some instances, average both results, correct them.

    The average of two inferences is better than either, and more so the more they differ. Mirroring
    costs nothing and moves the model's errors to other places, so refining improves even objects
    that fill the photo. It improves small ones most. A second network then corrects the average on
    a finer grid, see `correct_mask`.

    Args:
        segmenter: finds the objects.
        photo: the photo that was segmented.
        segmentation: result of the first inference.
        ids: of the instances to refine.

    Returns:
        None if `ids` is empty, or if the second inference found none of the objects, or only cut
        off by the crop.

    Raises:
        EngineUnavailable: the engine cannot start.
        InferenceFailed: the engine failed on the crop.
        ModelDamaged: an artifact is missing or altered.
    """
    start = time.perf_counter()
    averaged = average_looks(segmenter, photo, segmentation, ids)
    if averaged is None:
        return None
    box_xyxy, mask_logits = averaged
    left, top, right, bottom = box_xyxy
    crop = np.ascontiguousarray(photo.on_white[top:bottom, left:right])
    corrected = remove_fragments(correct_mask(crop, mask_logits))
    if not _is_cut_off(corrected, box_xyxy, photo.hw):
        mask_logits = corrected
    seconds = time.perf_counter() - start
    halves = np.clip(mask_logits, *FLOAT16_RANGE).astype(np.float16)
    return Refinement(segmentation, tuple(ids), box_xyxy, halves, seconds)


def average_looks(
    segmenter: Segmenter, photo: Photo, segmentation: Segmentation, ids: Collection[int]
) -> tuple[BoxXYXY, Float32] | None:
    """Average the masks of some instances of both inferences, over the crop around them.

    Args, raises: as `refine`.

    Returns:
        The crop, in photo pixels, and the mask logits (h, w) over it; None as `refine`.
    """
    box_xyxy = crop_around(segmentation, ids)
    if box_xyxy is None:
        return None
    mask_logits = _average_on_crop(segmenter, photo, segmentation, ids, box_xyxy)
    if mask_logits is not None and _is_cut_off(mask_logits, box_xyxy, photo.hw):
        wide_xyxy = crop_around(segmentation, ids, WIDE_PADDING) or box_xyxy
        wide_logits = _average_on_crop(segmenter, photo, segmentation, ids, wide_xyxy)
        if wide_logits is not None:
            box_xyxy, mask_logits = wide_xyxy, wide_logits
    if mask_logits is None or _is_cut_off(mask_logits, box_xyxy, photo.hw):
        return None  # the first result is better than an object with a straight cut
    return box_xyxy, mask_logits


def try_refine(
    segmenter: Segmenter, photo: Photo, segmentation: Segmentation, ids: Collection[int]
) -> tuple[Refinement | None, tuple[Text, ...]]:
    """Refine some instances if possible (see `refine`).

    Returns:
        The refinement, and notices: a failed inference becomes a notice instead of an error.

    Raises:
        EngineUnavailable: the engine cannot start.
        ModelDamaged: an artifact is missing or altered.
    """
    try:
        return refine(segmenter, photo, segmentation, ids), ()
    except InferenceFailed as error:
        return None, (error.text,)


def crop_around(
    segmentation: Segmentation, ids: Collection[int], padding: float = PADDING
) -> BoxXYXY | None:
    """The padded bounding box of some instances, in photo pixels; None if there are none.

    Args:
        segmentation: has the instances.
        ids: of the instances.
        padding: as a share of the box's longer side.
    """
    boxes = [instance.box_xyxy for instance in segmentation.instances if instance.id in ids]
    if not boxes:
        return None
    photo_h, photo_w = segmentation.geometry.photo_hw
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    margin = round(padding * max(right - left, bottom - top))
    left, top = max(left - margin, 0), max(top - margin, 0)
    right, bottom = min(right + margin, photo_w), min(bottom + margin, photo_h)
    return left, top, right, bottom


def _average_on_crop(
    segmenter: Segmenter,
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    box_xyxy: BoxXYXY,
) -> Float32 | None:
    """The instances' mask (h, w) over a crop; None if the second inference found none of them."""
    left, top, right, bottom = box_xyxy
    mirrored = np.asarray(cv2.flip(photo.on_white[top:bottom, left:right], 1), np.uint8)
    second, _ = segmenter.segment(replace(photo, rgb=mirrored, alpha=None), threshold=0)
    candidates = np.asarray(second.masks_queries_logits[:, :, ::-1], np.float32)
    subjects = {item.id for item in segmentation.instances if item.label == SUBJECT}
    averages: list[Float32] = []
    has_match = False
    for instance_id in ids:
        first_mask = _resample_to_crop(segmentation, instance_id, box_xyxy, second.geometry.mask_hw)
        ranked = _subject_first(second, candidates) if instance_id in subjects else candidates
        average = _average_with_match(first_mask, ranked)
        has_match = has_match or average is not None
        averages.append(first_mask if average is None else average)
    return np.asarray(np.max(averages, axis=0), np.float32) if has_match else None


def _subject_first(segmentation: Segmentation, candidates: Float32) -> Float32:
    """Candidates (N, h, w) with the whole subject of the crop before all others."""
    subject_id = segmentation.subject_id
    if subject_id is None:
        return candidates
    return np.concatenate([candidates[[subject_id - 1]], candidates])


def _is_cut_off(mask_logits: Float32, box_xyxy: BoxXYXY, photo_hw: SizeHW) -> bool:
    """Whether a mask touches a side of its crop that is not a side of the photo."""
    height, width = photo_hw
    left, top, right, bottom = box_xyxy
    inside_photo = (left > 0, top > 0, right < width, bottom < height)
    sides = (mask_logits[:, 0], mask_logits[0], mask_logits[:, -1], mask_logits[-1])
    return any(
        is_inside and (side > 0).any() for is_inside, side in zip(inside_photo, sides, strict=True)
    )


def _resample_to_crop(
    segmentation: Segmentation, instance_id: int, box_xyxy: BoxXYXY, size_hw: SizeHW
) -> Float32:
    """An instance's mask logits on a grid of size_hw cells over the crop."""
    left, top, right, bottom = box_xyxy
    photo_h, photo_w = segmentation.geometry.photo_hw
    mask_h, mask_w = segmentation.geometry.mask_hw
    step_x = (right - left) / size_hw[1] * mask_w / photo_w
    step_y = (bottom - top) / size_hw[0] * mask_h / photo_h
    # Cell centres: the first one lies half a step inside the crop's border, on either grid.
    start_x = left * mask_w / photo_w + step_x / 2 - 0.5
    start_y = top * mask_h / photo_h + step_y / 2 - 0.5
    crop_to_photo = np.array([[step_x, 0, start_x], [0, step_y, start_y]])
    resampled = cv2.warpAffine(
        segmentation.mask_logits([instance_id]),
        crop_to_photo,
        size_hw[::-1],
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(resampled, np.float32)


def _average_with_match(first_mask: Float32, candidates: Float32) -> Float32 | None:
    """Average a mask with the best-scored candidate that shows the same object.

    The most similar candidate would be a worse choice: where the first mask is wrong, it is the one
    that repeats the error.

    Args:
        first_mask: (h, w), from the first inference.
        candidates: (N, h, w), from the second one, by descending score.

    Returns:
        (h, w); None if no candidate shows the same object.
    """
    overlap = ((first_mask > 0) & (candidates > 0)).sum(axis=(1, 2))
    union = ((first_mask > 0) | (candidates > 0)).sum(axis=(1, 2))
    same = np.flatnonzero(overlap >= SAME_OBJECT_IOU * np.maximum(union, 1))
    if not same.size:
        return None
    return remove_fragments((first_mask + candidates[same[0]]) / 2)
