"""Segmentations small enough to be read."""

import numpy as np

from segmentation.arrays import Float32
from segmentation.engines.registry import Logits
from segmentation.i18n import Text
from segmentation.inference.postprocess import Segmentation, find_instances
from segmentation.inference.preprocess import Geometry

PERSON, DOG, OBJECT = LABELS = (Text("person", "人"), Text("dog", "狗"), Text("object", "物体"))
# Logit of a class probability of nearly one, and of a mask probability of nearly one.
SURE = 12.0


def mask(drawing: str) -> Float32:
    """Mask logits out of lines of # (inside) and . (outside)."""
    rows = drawing.split()
    return np.array([[SURE if cell == "#" else -SURE for cell in row] for row in rows], np.float32)


def block(left: int, top: int, right: int, bottom: int, hw: tuple[int, int] = (20, 20)) -> Float32:
    """Mask logits that are inside in a box of cells, ends excluded."""
    logits = np.full(hw, -SURE, np.float32)
    logits[top:bottom, left:right] = SURE
    return logits


def class_logits(label: Text, logit: float = SURE) -> list[float]:
    """Class logits of one query; the last is "no object"."""
    return [logit if label is known else 0.0 for known in LABELS] + [0.0]


def logits_of(*found: tuple[Text, Float32]) -> Logits:
    """What an engine that is sure of each would return."""
    return Logits(
        np.array([class_logits(label) for label, _ in found], np.float32).reshape(-1, 4),
        np.array([logits for _, logits in found] or np.empty((0, 20, 20)), np.float32),
    )


def geometry(
    mask_hw: tuple[int, int] = (20, 20), photo_hw: tuple[int, int] | None = None
) -> Geometry:
    """A photo that fills the input, of 10 pixels to a mask cell unless said otherwise."""
    height, width = mask_hw
    input_hw = height * 4, width * 4
    return Geometry(photo_hw or (height * 10, width * 10), input_hw, input_hw, 4)


def segmentation(*found: tuple[Text, Float32]) -> Segmentation:
    """What was found; a bit less sure from one to the next, so that ids follow the order."""
    logits = logits_of(*found)
    falling = np.linspace(1, 0.8, len(found), dtype=np.float32)[:, None]
    logits = logits._replace(class_queries_logits=logits.class_queries_logits * falling)
    mask_hw = found[0][1].shape if found else (20, 20)
    return find_instances(logits, LABELS, geometry((mask_hw[0], mask_hw[1])), 0.1)
