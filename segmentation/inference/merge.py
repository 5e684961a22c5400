"""Add the objects of one segmentation to those of another one of the same photo."""

from dataclasses import replace

import cv2
import numpy as np

from segmentation.arrays import Float16, SizeHW
from segmentation.inference.metrics import iou
from segmentation.inference.postprocess import DUPLICATE_IOU, Segmentation
from segmentation.inference.preprocess import Geometry

# Longest side of the common grid, in cells. Finer masks would take too much memory for each open
# page; the second inference on the chosen objects brings their detail back.
MAX_GRID_SIDE = 256
# Ids fit into a byte of the page's object map.
MAX_INSTANCES = 255


def merge(
    segmentation: Segmentation, further: Segmentation, known: Segmentation
) -> tuple[Segmentation, tuple[int, ...]]:
    """Add objects that were found elsewhere in the same photo.

    Args:
        segmentation: the objects so far; they keep their ids.
        further: the objects to add, with masks over the same photo on any grid.
        known: those of the objects so far that are not to be added a second time.

    Returns:
        The objects of both, on the finer of both grids up to MAX_GRID_SIDE; and the ids of the
        added ones, best first. Without any, the first value is `segmentation` itself.
    """
    geometry = _finer(segmentation.geometry, further.geometry)
    masks = _resample(segmentation.masks_queries_logits, geometry.mask_hw)
    further_masks = _resample(further.masks_queries_logits, geometry.mask_hw)
    known_masks = [masks[instance.id - 1] > 0 for instance in known.instances]
    is_inside = further_masks > 0
    count = len(masks)
    added = [
        instance
        for instance in further.instances
        if is_inside[instance.id - 1].any()
        and all(iou(is_inside[instance.id - 1], mask) <= DUPLICATE_IOU for mask in known_masks)
    ][: MAX_INSTANCES - count]
    if not added:
        return segmentation, ()
    added_masks = further_masks[[instance.id - 1 for instance in added]]
    ids = tuple(range(count + 1, count + 1 + len(added)))
    numbered = (replace(instance, id=id_) for instance, id_ in zip(added, ids, strict=True))
    instances = (*segmentation.instances, *numbered)
    combined = np.concatenate([masks, added_masks])
    return Segmentation(instances, combined, geometry, segmentation.subject_id), ids


def _finer(first: Geometry, second: Geometry) -> Geometry:
    """The geometry of the finer of two grids, made coarser if it has more than MAX_GRID_SIDE."""
    finest = max(first, second, key=lambda geometry: max(geometry.mask_hw))
    longest = max(finest.mask_hw)
    if longest <= max(MAX_GRID_SIDE, max(first.mask_hw)):
        return finest
    stride = finest.mask_stride
    height, width = (
        max(1, round(side * MAX_GRID_SIDE / longest)) * stride for side in finest.mask_hw
    )
    return Geometry(finest.photo_hw, (height, width), (height, width), stride)


def _resample(masks: Float16, size_hw: SizeHW) -> Float16:
    """Resample masks (N, h, w) to another grid over the same photo."""
    if masks.shape[1:] == size_hw:
        return masks
    resampled = [
        cv2.resize(mask.astype(np.float32), size_hw[::-1], interpolation=cv2.INTER_LINEAR)
        for mask in masks
    ]
    return np.asarray(resampled, np.float16).reshape(len(masks), *size_hw)
