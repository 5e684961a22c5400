"""How much better corrected masks are, after matting, on crops kept apart from training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from convert.compact.data import IGNORED
from convert.compact.refiner.crops import ObjectCrop
from convert.measure.evaluation.thin_parts import thin_recall
from segmentation.arrays import Float32, UInt8
from segmentation.compositing.matting.alpha import make_alpha
from segmentation.inference.metrics import boundary_f, iou

Correction = Callable[[UInt8, Float32], Float32]


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over some crops; thin recall over those with thin parts, NaN if there are none."""

    iou: float
    boundary_f: float
    thin_recall: float

    def __str__(self) -> str:
        return (
            f"IoU {self.iou:.4f}, boundary F {self.boundary_f:.4f}, "
            f"recall of thin parts {self.thin_recall:.4f}"
        )


def score(crops: Sequence[ObjectCrop], correction: Correction | None = None) -> Scores:
    """Score the masks of some crops as the product uses them.

    Args:
        crops: at least one.
        correction: makes a mask better, as `correct_mask`; None leaves the masks as they are.
    """
    rows = []
    for crop in crops:
        mask_logits = crop.mask_logits.astype(np.float32)
        if correction:
            mask_logits = correction(crop.rgb, mask_logits)
        truth, decided = crop.target == 1, crop.target != IGNORED
        # Undecided pixels count as right.
        alpha = np.where(decided, make_alpha(crop.rgb, mask_logits), truth * np.uint8(255))
        kept = alpha > 127
        rows.append(
            (iou(kept, truth), boundary_f(kept, truth), thin_recall(alpha, truth & decided))
        )
    ious, boundaries, thin = (list(column) for column in zip(*rows, strict=True))
    known = [value for value in thin if not isnan(value)]
    return Scores(
        float(np.mean(ious)),
        float(np.mean(boundaries)),
        float(np.mean(known)) if known else float("nan"),
    )
