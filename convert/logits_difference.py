"""The difference between two runs of one model on the same photo."""

from dataclasses import dataclass

import numpy as np

from segmentation.engines.base import Logits

# Mean difference, as a share of the largest logit. Rounding alone can flip a cell of an attention
# mask, which visibly moves one query. So the maximum says nothing, but the mean over all queries
# and the agreement do. For classes it is the mean of the worst label, which all labels would hide.
RELATIVE_LIMIT = 1e-3
AGREEMENT_LIMIT = 0.999
# The same where the weights were rounded to float16, to eleven digits of a binary number.
HALF_RELATIVE_LIMIT = 1e-2
HALF_AGREEMENT_LIMIT = 0.99


@dataclass(frozen=True, slots=True)
class LogitsDifference:
    """One run against a reference run.

    Attributes:
        class_max: greatest |difference| of the class logits.
        class_mean: mean |difference| of the class logits.
        mask_max: greatest |difference| of the mask logits.
        mask_mean: mean |difference| of the mask logits.
        class_agreement: share of queries with the same best class, 0..1.
        mask_agreement: share of mask cells on the same side of 0, 0..1.
        relative: the greater of two means, each as a share of the reference's largest logit: that
            of the masks, and that of the worst label over the queries.
    """

    class_max: float
    class_mean: float
    mask_max: float
    mask_mean: float
    class_agreement: float
    mask_agreement: float
    relative: float

    @property
    def is_rounding(self) -> bool:
        """Whether the difference is no more than rounding between two fp32 implementations."""
        return self.relative <= RELATIVE_LIMIT and self.mask_agreement >= AGREEMENT_LIMIT

    @property
    def is_half_rounding(self) -> bool:
        """Whether the difference is no more than that of weights rounded to float16."""
        return self.relative <= HALF_RELATIVE_LIMIT and self.mask_agreement >= HALF_AGREEMENT_LIMIT


def compare_logits(reference: Logits, other: Logits) -> LogitsDifference:
    """Compare the results of two runs.

    Args:
        reference: class logits (Q, C + 1) and mask logits (Q, h, w).
        other: the same shapes.
    """
    classes, masks = reference
    class_delta = np.abs(other.class_queries_logits - classes)
    mask_delta = np.abs(other.masks_queries_logits - masks)
    same_class = other.class_queries_logits.argmax(-1) == classes.argmax(-1)
    same_side = (other.masks_queries_logits > 0) == (masks > 0)
    return LogitsDifference(
        class_max=float(class_delta.max()),
        class_mean=float(class_delta.mean()),
        mask_max=float(mask_delta.max()),
        mask_mean=float(mask_delta.mean()),
        class_agreement=float(same_class.mean()),
        mask_agreement=float(same_side.mean()),
        relative=float(
            max(
                class_delta.mean(axis=0).max() / np.abs(classes).max(),
                mask_delta.mean() / np.abs(masks).max(),
            )
        ),
    )
