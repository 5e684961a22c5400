"""A second look: the model once more, on the crop around what was chosen, which it sees larger."""

import time
from collections.abc import Collection
from dataclasses import dataclass, replace

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, Float16, Float32
from segmentation.errors import InferenceFailed
from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.inference.postprocess import FLOAT16_RANGE, Segmentation, without_crumbs
from segmentation.inference.segmenter import Segmenter

# Around the chosen objects, as a share of their longer side: enough to see what they end against;
# and where they turn out to go on beyond that.
PADDING, WIDE_PADDING = 0.1, 0.5
# Less overlap than this means that the second look saw something else.
SAME_OBJECT_IOU = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Refinement:
    """The chosen objects' mask within a crop, from both looks together.

    Attributes:
        first: the look it goes on from.
        ids: of the instances it shows.
        box_xyxy: the crop, in photo pixels.
        mask_logits: float16 (h, w), over the crop.
        seconds: what it took.
    """

    first: Segmentation
    ids: tuple[int, ...]
    box_xyxy: BoxXYXY
    mask_logits: Float16
    seconds: float

    def is_at(self, segmentation: Segmentation, ids: Collection[int]) -> bool:
        """Whether it is a look at just these instances of that photo."""
        return self.first is segmentation and set(self.ids) == set(ids)


def refine(
    segmenter: Segmenter, photo: Photo, segmentation: Segmentation, ids: Collection[int]
) -> Refinement | None:
    """Run the model on the mirrored crop around some instances and average it with the first look.

    The mean of two looks is better than either, and more so if they differ: the second one is
    mirrored because that costs nothing and its mistakes then fall on other places. So it pays even
    where the objects fill the photo; it pays most where they are small in it.

    Args:
        segmenter: finds objects.
        photo: what `segmentation` was found in.
        segmentation: the first look.
        ids: of the instances that matter.

    Returns:
        None if there are no instances, or the model saw none of them again or not to their end.

    Raises:
        InferenceFailed: the device did not bring the crop through.
    """
    start = time.perf_counter()
    box_xyxy = crop_around(segmentation, ids)
    if box_xyxy is None:
        return None
    mask_logits = _both_looks(segmenter, photo, segmentation, ids, box_xyxy)
    if mask_logits is not None and _goes_on(mask_logits, box_xyxy, photo.hw):
        wide_xyxy = crop_around(segmentation, ids, WIDE_PADDING) or box_xyxy
        wide = _both_looks(segmenter, photo, segmentation, ids, wide_xyxy)
        if wide is not None:
            box_xyxy, mask_logits = wide_xyxy, wide
    if mask_logits is None or _goes_on(mask_logits, box_xyxy, photo.hw):
        return None  # rather one look than an object that is cut straight
    spent = time.perf_counter() - start
    kept = np.clip(mask_logits, *FLOAT16_RANGE).astype(np.float16)
    return Refinement(segmentation, tuple(ids), box_xyxy, kept, spent)


def _both_looks(
    segmenter: Segmenter,
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    box_xyxy: BoxXYXY,
) -> Float32 | None:
    """The instances' mask over a crop, or None if the second look saw none of them."""
    left, top, right, bottom = box_xyxy
    mirrored = np.ascontiguousarray(photo.on_white[top:bottom, left:right][:, ::-1])
    second, _ = segmenter.segment(replace(photo, rgb=mirrored, alpha=None), threshold=0)
    size_hw = second.geometry.mask_hw
    first = {id_: _in_crop(segmentation, id_, box_xyxy, size_hw) for id_ in ids}
    again = np.asarray(second.masks_queries_logits[:, :, ::-1], np.float32)
    means = {id_: mean for id_, seen in first.items() if (mean := _mean(seen, again)) is not None}
    if not means:
        return None
    return np.asarray(np.max([means.get(id_, first[id_]) for id_ in ids], axis=0), np.float32)


def _goes_on(mask_logits: Float32, box_xyxy: BoxXYXY, photo_hw: tuple[int, int]) -> bool:
    """Whether a mask runs out of its crop inside the photo, where it would be cut straight."""
    height, width = photo_hw
    left, top, right, bottom = box_xyxy
    inside = (left > 0, top > 0, right < width, bottom < height)
    rims = (mask_logits[:, 0], mask_logits[0], mask_logits[:, -1], mask_logits[-1])
    return any(is_inside and (rim > 0).any() for is_inside, rim in zip(inside, rims, strict=True))


def try_refine(
    segmenter: Segmenter, photo: Photo, segmentation: Segmentation, ids: Collection[int]
) -> tuple[Refinement | None, tuple[Text, ...]]:
    """As `refine`, for those who can do without: a failure becomes a notice."""
    try:
        return refine(segmenter, photo, segmentation, ids), ()
    except InferenceFailed as error:
        return None, (error.text,)


def crop_around(
    segmentation: Segmentation, ids: Collection[int], padding: float = PADDING
) -> BoxXYXY | None:
    """The padded box of some instances, or None if there are none."""
    boxes = [i.box_xyxy for i in segmentation.instances if i.id in ids]
    if not boxes:
        return None
    photo_h, photo_w = segmentation.geometry.photo_hw
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    space = round(padding * max(right - left, bottom - top))
    left, top = max(left - space, 0), max(top - space, 0)
    right, bottom = min(right + space, photo_w), min(bottom + space, photo_h)
    return left, top, right, bottom


def _in_crop(
    segmentation: Segmentation, id_: int, box_xyxy: BoxXYXY, size_hw: tuple[int, int]
) -> Float32:
    """An instance's mask logits from the first look, on the mask grid of the crop."""
    left, top, right, bottom = box_xyxy
    photo_h, photo_w = segmentation.geometry.photo_hw
    mask_h, mask_w = segmentation.geometry.mask_hw
    step_x = (right - left) / size_hw[1] * mask_w / photo_w
    step_y = (bottom - top) / size_hw[0] * mask_h / photo_h
    # Cell centres: the first one lies half a step behind the crop's border, on either grid.
    start_x = left * mask_w / photo_w + step_x / 2 - 0.5
    start_y = top * mask_h / photo_h + step_y / 2 - 0.5
    to_first = np.array([[step_x, 0, start_x], [0, step_y, start_y]])
    moved = cv2.warpAffine(
        segmentation.mask_logits([id_]),
        to_first,
        size_hw[::-1],
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.float32)


def _mean(seen: Float32, again: Float32) -> Float32 | None:
    """The mean with the surest mask of the second look that shows the same object, if one does.

    Not with the most similar one: where the first look took too much or too little, that would be
    whichever of the masks repeats the mistake.

    Args:
        seen: (h, w), from the first look.
        again: (N, h, w), from the second, in order of falling score.
    """
    overlap = ((seen > 0) & (again > 0)).sum(axis=(1, 2))
    union = ((seen > 0) | (again > 0)).sum(axis=(1, 2))
    same = np.flatnonzero(overlap >= SAME_OBJECT_IOU * np.maximum(union, 1))
    if not same.size:
        return None
    return without_crumbs((seen + again[same[0]]) / 2)
