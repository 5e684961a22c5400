"""Which instances to cut out: by rule, label or id."""

import unicodedata
from collections.abc import Iterable, Sequence
from operator import index
from typing import SupportsIndex

from segmentation.errors import ChoiceError
from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.inference.postprocess import Instance, Segmentation
from segmentation.inference.segmenter import Segmenter, Timings
from segmentation.inference.subject import select_subject
from segmentation.model_card import SUBJECT

# What chooses objects: text or ids, see `select`.
Objects = str | Iterable[SupportsIndex]
# What `select` takes besides labels and ids.
OBJECT_RULES = ("auto", "largest", "all", "none")
# What comes before the points of clicks.
POINTS_PREFIX = "at:"
# Objects of a lower score are not offered, even to a person who asks for uncertain ones or clicks.
MIN_OFFERED_SCORE = 0.1
# Enough for all labels of a large model; longer text is an attack.
MAX_OBJECTS_LENGTH = 4000


def select(segmentation: Segmentation, objects: Objects) -> tuple[int, ...]:
    """Choose instances by a rule, by labels or by ids.

    Args:
        segmentation: has the instances.
        objects: one of OBJECT_RULES; or labels (in English or Chinese) and ids, separated by
            commas, in any case; or at:X,Y;X,Y..., points in shares of the photo's width and height,
            each of which chooses what a click there would. Or a list of ids.

    Returns:
        Ids in ascending order; empty if no instance has the label or lies there.

    Raises:
        ChoiceError: there is no instance with that id, or `objects` is too long, has a point that
            cannot be read, or is neither text nor ids.
    """
    instances = segmentation.instances
    if points_xy := parse_points(objects):
        return select_at(segmentation, points_xy, 0.0)
    if not isinstance(objects, str):
        return _existing_ids(_as_ids(objects), instances)
    match object_rule(objects):
        case "none":
            return ()
        case "all":
            return tuple(instance.id for instance in instances)
        case "largest":
            return _sorted_ids(sorted(instances, key=lambda instance: -instance.area)[:1])
        case "auto":
            return select_subject(segmentation)
    names = _split(objects)
    ids = _existing_ids({int(name) for name in names if name.isdecimal()}, instances)
    labels = {name.casefold() for name in names}
    # The whole subject may be an object that the model also found by itself.
    wants_subject = bool({SUBJECT.en, SUBJECT.zh} & labels)
    return _sorted_ids(
        [
            instance
            for instance in instances
            if instance.id in ids
            or (wants_subject and instance.id == segmentation.subject_id)
            or {instance.label.en.casefold(), instance.label.zh.casefold()} & labels
        ]
    )


def object_rule(objects: str) -> str | None:
    """Return which of OBJECT_RULES a text is, in any case; None if it is none of them."""
    word = objects.strip().lower()
    return word if word in OBJECT_RULES else None


def check_objects(objects: str, labels: Sequence[Text]) -> None:
    """Check what `select` is to choose, before any photo is read.

    Args:
        objects: see `select`.
        labels: of the model.

    Raises:
        ChoiceError: the model has no such label, or `objects` is too long or has a point that
            cannot be read.
    """
    if object_rule(objects) or parse_points(objects):
        return
    known = {name.casefold() for label in labels for name in (label.en, label.zh)}
    for name in _split(objects):
        if not name.isdecimal() and name.casefold() not in known:
            raise ChoiceError(
                f"The model has no label {name!r}. Choose from {', '.join(OBJECT_RULES)}, object "
                f"numbers, or labels: {', '.join(label.en for label in labels)}.",
                f"模型没有“{name}”这个标签。可选 {'、'.join(OBJECT_RULES)}、物体编号，"
                f"或标签：{'、'.join(label.zh for label in labels)}。",
            )


def segment_and_select(
    segmenter: Segmenter, photo: Photo, objects: Objects, threshold: float | None
) -> tuple[Segmentation, tuple[int, ...], Timings]:
    """Find the objects in a photo and choose some of them.

    Args:
        segmenter: finds the objects.
        photo: the photo.
        objects: see `select`. Points also choose less certain objects, as a click on the page does.
        threshold: minimum score of an object, 0..1; None takes the model's.

    Returns:
        The objects with at least that score and those chosen, the ids chosen, and the timings.

    Raises:
        ChoiceError: as `select`.
        EngineUnavailable, InferenceFailed, ModelDamaged: as `Segmenter.segment`.
    """
    points_xy = parse_points(objects)
    if not points_xy:
        segmentation, timings = segmenter.segment(photo, threshold)
        ids = select(segmentation, objects) if segmentation.instances else ()
        return segmentation, ids, timings
    min_score = segmenter.card.score_threshold if threshold is None else threshold
    candidates, timings = segmenter.segment(photo, min(min_score, MIN_OFFERED_SCORE))
    ids = select_at(candidates, points_xy, min_score)
    return candidates.above(min_score, also=ids), ids, timings


def select_at(
    segmentation: Segmentation, points_xy: Sequence[tuple[float, float]], min_score: float
) -> tuple[int, ...]:
    """Choose what a click at each of some points would choose, see `Segmentation.at`.

    Args:
        segmentation: has the instances.
        points_xy: shares of the photo's width and height.
        min_score: of instances that come before uncertain ones.

    Returns:
        Ids in ascending order.
    """
    height, width = segmentation.geometry.photo_hw
    hits = (segmentation.at((x * width, y * height), min_score)[:1] for x, y in points_xy)
    return tuple(sorted({id_ for hit in hits for id_ in hit}))


def parse_points(objects: Objects) -> tuple[tuple[float, float], ...]:
    """Read the points of at:X,Y;X,Y...

    Returns:
        Shares of the photo's width and height; empty if the text does not start with `at:`.

    Raises:
        ChoiceError: a point cannot be read or lies outside the photo, or the text is too long.
    """
    if not isinstance(objects, str):
        return ()
    plain = unicodedata.normalize("NFKC", objects[: MAX_OBJECTS_LENGTH + 1]).strip().casefold()
    if not plain.startswith(POINTS_PREFIX):
        return ()
    try:
        texts = plain.removeprefix(POINTS_PREFIX).strip(" ;").split(";")
        points = tuple(tuple(float(number) for number in text.split(",")) for text in texts)
        points_xy = tuple((x, y) for x, y in points)
        if len(plain) > MAX_OBJECTS_LENGTH or not all(
            0 <= value <= 1 for point in points_xy for value in point
        ):
            raise ValueError
    except ValueError as error:
        raise ChoiceError(
            f"{objects[:20]!r} has no readable points. Write at:X,Y, in shares of the photo's "
            "width and height from 0 to 1, and a semicolon between points.",
            f"{objects[:20]!r} 中的点无法识别。请写成 at:X,Y，数值为照片宽高的比例（0 到 1），"
            "多个点用分号分隔。",
        ) from error
    return points_xy


def _as_ids(objects: Iterable[SupportsIndex]) -> set[int]:
    try:
        return {index(id_) for id_ in objects}
    except TypeError as error:
        shown = repr(objects)[:40]
        raise ChoiceError(
            f"Objects are chosen by text or by a list of whole numbers such as [1, 3], not by "
            f"{shown}.",
            f"物体须用文字或整数列表（如 [1, 3]）指定，不能用 {shown}。",
        ) from error


def _existing_ids(ids: set[int], instances: Sequence[Instance]) -> tuple[int, ...]:
    if missing := sorted(ids - {instance.id for instance in instances}):
        raise ChoiceError(
            f"There is no object {missing[0]}; {len(instances)} were found. Choose another "
            "number, or a label.",
            f"没有编号为 {missing[0]} 的物体，共找到 {len(instances)} 个。请改用其他编号或标签。",
        )
    return tuple(sorted(ids))


def _split(objects: str) -> list[str]:
    if len(objects) > MAX_OBJECTS_LENGTH:
        raise ChoiceError(
            f"Name the objects in at most {MAX_OBJECTS_LENGTH} characters.",
            f"请用不超过 {MAX_OBJECTS_LENGTH} 个字符指定物体。",
        )
    # NFKC turns the comma and the digits of a Chinese keyboard into ASCII.
    plain = unicodedata.normalize("NFKC", objects).replace("、", ",")
    return [name.strip() for name in plain.split(",")]


def _sorted_ids(instances: Sequence[Instance]) -> tuple[int, ...]:
    return tuple(sorted(instance.id for instance in instances))
