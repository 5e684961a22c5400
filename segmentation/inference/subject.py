"""Which instances are the subject of a photo."""

from collections.abc import Sequence
from math import sqrt

import cv2
import numpy as np

from segmentation.arrays import Bool, BoxXYXY, SizeHW
from segmentation.inference.postprocess import Instance, Segmentation
from segmentation.model_card import SUBJECT

# What makes an object the subject. The values were chosen with the bundled model on 89 photos of
# ECSSD and COCO with known masks (`python -m convert evaluate`).
LIVING = frozenset(
    (
        "person",
        "bird",
        "cat",
        "dog",
        "horse",
        "sheep",
        "cow",
        "elephant",
        "bear",
        "zebra",
        "giraffe",
    )
)
LIVING_FACTOR = 1.5
# Factor for each side of the photo that an object touches: subjects lie inside.
TOUCHED_SIDE_FACTOR = 0.65
# A part of the subject has at least these shares of its prominence, within its box, and on it.
MIN_PART_PROMINENCE = 0.6
MIN_PART_IN_BOX = 0.7
MIN_PART_ON_SUBJECT = 0.5
# An object is enclosed by a thing if at least these shares of it lie on the thing or in its holes,
# and in the holes. (This changes ten of 1,500 training photos: seven cut-outs improve by 0.05 of
# IoU on the mean, one becomes worse by 0.013, and none of the evaluation's 89 changes.)
MIN_SHARE_ENCLOSED = 0.8
MIN_SHARE_IN_HOLES = 0.2
# An instance belongs to the whole subject if at least this share of it lies inside.
MIN_SHARE_IN_SUBJECT = 0.7


def select_subject(segmentation: Segmentation) -> tuple[int, ...]:
    """Choose what a person would call the subject of the photo: one object and its own parts.

    The most prominent object has a high score, is large, lies inside the photo, and is preferably
    alive. Another instance is a part of it if it is nearly as prominent, lies in its box and mostly
    on or against it, and has the same label or none: the lid of a pot, but not the horse of a
    rider. A thing also has what lies in its holes, unless it is alive: the fruit in a bowl.

    If a subject query found it as part of a whole subject, it is the subject with all instances
    inside: one thing that was found in pieces is whole again. A person or animal stays single, and
    so do several inside the whole subject.

    Returns:
        Ids in ascending order.
    """
    single = [instance for instance in segmentation.instances if instance.label != SUBJECT]
    if not single:
        return tuple(instance.id for instance in segmentation.instances)
    prominence = {
        instance.id: _prominence(instance, segmentation.geometry.photo_hw) for instance in single
    }
    main = max(single, key=lambda instance: prominence[instance.id])
    whole = () if main.label.en in LIVING else _whole_subject(segmentation, single)
    if main.id in whole:
        return whole
    main_mask = segmentation.mask_logits([main.id]) > 0
    main_region = np.asarray(cv2.dilate(main_mask.astype(np.uint8), np.ones((3, 3))), np.uint8) > 0
    holes = _holes(main_mask)
    return tuple(
        instance.id
        for instance in single
        if instance.id == main.id
        or (
            prominence[instance.id] >= MIN_PART_PROMINENCE * prominence[main.id]
            and _share_inside(instance.box_xyxy, main.box_xyxy) >= MIN_PART_IN_BOX
            and _share_on(segmentation, instance, main_region) >= MIN_PART_ON_SUBJECT
            and instance.label.en in (main.label.en, "object")
        )
        or (
            not {main.label.en, instance.label.en} & LIVING
            and _share_on(segmentation, instance, holes) >= MIN_SHARE_IN_HOLES
            and _share_on(segmentation, instance, main_mask | holes) >= MIN_SHARE_ENCLOSED
        )
    )


def _whole_subject(segmentation: Segmentation, single: Sequence[Instance]) -> tuple[int, ...]:
    """Ids of the whole subject and of the instances inside, in ascending order.

    Empty if there is no such subject, or if several people or animals are inside.
    """
    subject_id = segmentation.subject_id
    if subject_id is None or subject_id not in {item.id for item in segmentation.instances}:
        return ()
    region = segmentation.mask_logits([subject_id]) > 0
    inside = [
        instance
        for instance in single
        if _share_on(segmentation, instance, region) >= MIN_SHARE_IN_SUBJECT
    ]
    if sum(instance.label.en in LIVING for instance in inside) > 1:
        return ()
    return tuple(sorted({subject_id, *(instance.id for instance in inside)}))


def _prominence(instance: Instance, photo_hw: SizeHW) -> float:
    factor = LIVING_FACTOR if instance.label.en in LIVING else 1.0
    left, top, right, bottom = instance.box_xyxy
    touched = (left == 0) + (top == 0) + (right == photo_hw[1]) + (bottom == photo_hw[0])
    return factor * instance.score * sqrt(instance.area) * float(TOUCHED_SIDE_FACTOR**touched)


def _share_inside(box_xyxy: BoxXYXY, frame_xyxy: BoxXYXY) -> float:
    """The share of a box that lies inside a frame."""
    left, top = max(box_xyxy[0], frame_xyxy[0]), max(box_xyxy[1], frame_xyxy[1])
    right, bottom = min(box_xyxy[2], frame_xyxy[2]), min(box_xyxy[3], frame_xyxy[3])
    area = (box_xyxy[2] - box_xyxy[0]) * (box_xyxy[3] - box_xyxy[1])
    return max(right - left, 0) * max(bottom - top, 0) / area


def _share_on(segmentation: Segmentation, instance: Instance, region: Bool) -> float:
    """The share of an instance's mask that lies on a region, bool (h, w)."""
    return float(region[segmentation.mask_logits([instance.id]) > 0].mean())


def _holes(mask: Bool) -> Bool:
    """The cells outside a mask (h, w) that it encloses."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(mask.shape, np.uint8), outlines, -1, 1, cv2.FILLED)
    return (np.asarray(filled, np.uint8) > 0) & ~mask
