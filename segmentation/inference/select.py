"""Which of the found objects are meant."""

import unicodedata
from collections.abc import Sequence
from math import sqrt
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import BoxXYXY
from segmentation.errors import ChoiceError
from segmentation.i18n import Text
from segmentation.inference.postprocess import Instance, Segmentation

# What `select` takes besides labels and ids.
RULES = ("auto", "largest", "all", "none")
# All labels of a large model, named; more is no wish but an attack.
LONGEST_WISH = 4000

# What makes an object the subject. Found by trying a few values of each with the bundled model on
# 89 photos of ECSSD and COCO with masks (`python -m convert evaluate`).
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
LIVING_FAVOUR = 1.5
# What each side of the photo that an object touches leaves of its claim: subjects lie within.
SIDE_TOUCHED = 0.65
PART_PROMINENCE = 0.6
PART_IN_BOX = 0.7
PART_TOUCHING = 0.5


def select(segmentation: Segmentation, objects: str) -> tuple[int, ...]:
    """The ids of the instances that a wish names.

    Args:
        segmentation: what was found.
        objects: one of RULES; or labels (in English or Chinese) or ids, separated by commas.

    Returns:
        Ids in rising order; empty when no instance has the label.

    Raises:
        ChoiceError: an id that was not found, or no end of them.
    """
    instances = segmentation.instances
    match objects:
        case "none":
            return ()
        case "all":
            return tuple(instance.id for instance in instances)
        case "largest":
            return _ids(sorted(instances, key=lambda instance: -instance.area)[:1])
        case "auto":
            return subject(segmentation)
    wishes = _wishes(objects)
    numbers = {int(wish) for wish in wishes if wish.isdecimal()}
    if missing := sorted(numbers - {instance.id for instance in instances}):
        raise ChoiceError(
            f"There is no object {missing[0]}; {len(instances)} were found.",
            f"没有编号为 {missing[0]} 的物体；共找到 {len(instances)} 个。",
        )
    return _ids([i for i in instances if {i.id, i.label.en, i.label.zh} & {*wishes, *numbers}])


def check_wish(objects: str, labels: Sequence[Text]) -> None:
    """Refuse a wish that no photo could fulfil, before any photo is read.

    Raises:
        ChoiceError: it names a label the model does not know.
    """
    known = {name for label in labels for name in (label.en, label.zh)}
    for wish in _wishes(objects):
        if objects not in RULES and not wish.isdecimal() and wish not in known:
            raise ChoiceError(
                f"The model knows no {wish!r}. Choose from {', '.join(RULES)}, object numbers, "
                f"or labels: {', '.join(label.en for label in labels)}.",
                f"模型不认识“{wish}”。可选 {'、'.join(RULES)}、物体编号，"
                f"或标签：{'、'.join(label.zh for label in labels)}。",
            )


def subject(segmentation: Segmentation) -> tuple[int, ...]:
    """The instances a person would call the subject of the photo: one object and its own parts.

    The most prominent object is sure, large, within the frame and rather alive. What is nearly as
    prominent, lies within its box and mostly on or against it, and is of the same kind or of none,
    is a part of it: a lid of a pot, not the horse of a rider.
    """
    if not segmentation.instances:
        return ()
    prominence = {
        instance.id: _prominence(instance, segmentation.geometry.photo_hw)
        for instance in segmentation.instances
    }
    main = max(segmentation.instances, key=lambda instance: prominence[instance.id])
    reach = cv2.dilate((segmentation.mask_logits([main.id]) > 0).astype(np.uint8), np.ones((3, 3)))
    parts = [
        other
        for other in segmentation.instances
        if other.id == main.id
        or (
            prominence[other.id] >= PART_PROMINENCE * prominence[main.id]
            and _share_inside(other.box_xyxy, main.box_xyxy) >= PART_IN_BOX
            and _mean_over(segmentation, other, reach) >= PART_TOUCHING
            and other.label.en in (main.label.en, "object")
        )
    ]
    return _ids(parts)


def _wishes(objects: str) -> list[str]:
    if len(objects) > LONGEST_WISH:
        raise ChoiceError(
            f"Name the objects in at most {LONGEST_WISH} characters.",
            f"请用不超过 {LONGEST_WISH} 个字符指定物体。",
        )
    # NFKC makes ASCII of the comma and the digits of a Chinese keyboard.
    plain = unicodedata.normalize("NFKC", objects).replace("、", ",")
    return [wish.strip() for wish in plain.split(",")]


def _prominence(instance: Instance, photo_hw: tuple[int, int]) -> float:
    favour = LIVING_FAVOUR if instance.label.en in LIVING else 1.0
    left, top, right, bottom = instance.box_xyxy
    touched = (left == 0) + (top == 0) + (right == photo_hw[1]) + (bottom == photo_hw[0])
    return favour * instance.score * sqrt(instance.area) * float(SIDE_TOUCHED**touched)


def _share_inside(box_xyxy: BoxXYXY, frame_xyxy: BoxXYXY) -> float:
    left, top = max(box_xyxy[0], frame_xyxy[0]), max(box_xyxy[1], frame_xyxy[1])
    right, bottom = min(box_xyxy[2], frame_xyxy[2]), min(box_xyxy[3], frame_xyxy[3])
    area = (box_xyxy[2] - box_xyxy[0]) * (box_xyxy[3] - box_xyxy[1])
    return max(right - left, 0) * max(bottom - top, 0) / area


def _mean_over(segmentation: Segmentation, instance: Instance, region: npt.NDArray[Any]) -> float:
    return float(region[segmentation.mask_logits([instance.id]) > 0].mean())


def _ids(instances: Sequence[Instance]) -> tuple[int, ...]:
    return tuple(sorted(instance.id for instance in instances))
