"""Segmentations small enough to read."""

import numpy as np

from segmentation.arrays import Float32, SizeHW
from segmentation.engines.registry import Logits
from segmentation.i18n import Text
from segmentation.inference.postprocess import Segmentation, find_instances
from segmentation.inference.preprocess import Geometry

PERSON, DOG, OBJECT = LABELS = (Text("person", "人"), Text("dog", "狗"), Text("object", "物体"))
# Logit of a class probability near 1, and of a mask probability near 1.
SURE = 12.0


def mask(drawing: str) -> Float32:
    """Mask logits float32 (h, w) from lines of # (inside) and . (outside)."""
    rows = drawing.split()
    return np.array([[SURE if cell == "#" else -SURE for cell in row] for row in rows], np.float32)


def block(left: int, top: int, right: int, bottom: int, size_hw: SizeHW = (20, 20)) -> Float32:
    """Mask logits float32 (h, w), inside in a box of cells; right and bottom are excluded."""
    logits = np.full(size_hw, -SURE, np.float32)
    logits[top:bottom, left:right] = SURE
    return logits


def class_logits(label: Text, logit: float = SURE) -> list[float]:
    """Class logits of one query; the last class is "no object"."""
    return [logit if label is known else 0.0 for known in LABELS] + [0.0]


def logits_of(*objects: tuple[Text, Float32]) -> Logits:
    """The output of an engine that is certain of each object, given as label and mask logits."""
    return Logits(
        np.array([class_logits(label) for label, _ in objects], np.float32).reshape(-1, 4),
        np.array([logits for _, logits in objects] or np.empty((0, 20, 20)), np.float32),
    )


def geometry(mask_hw: SizeHW = (20, 20), photo_hw: SizeHW | None = None) -> Geometry:
    """A photo that fills the input; without `photo_hw`, with 10 pixels per mask cell."""
    height, width = mask_hw
    input_hw = height * 4, width * 4
    return Geometry(photo_hw or (height * 10, width * 10), input_hw, input_hw, 4)


def segmentation(*objects: tuple[Text, Float32], subject: Float32 | None = None) -> Segmentation:
    """A segmentation of objects; scores fall slightly, so that ids follow the order.

    Mask logits of `subject` are those of a subject query.
    """
    logits = logits_of(*objects)
    falling = np.linspace(1, 0.8, len(objects), dtype=np.float32)[:, None]
    logits = logits._replace(class_queries_logits=logits.class_queries_logits * falling)
    if subject is not None:
        masks = np.concatenate([logits.masks_queries_logits, subject[None]])
        logits = logits._replace(masks_queries_logits=masks)
    mask_hw = objects[0][1].shape if objects else (20, 20)
    return find_instances(logits, LABELS, geometry((mask_hw[0], mask_hw[1])), 0.1)
