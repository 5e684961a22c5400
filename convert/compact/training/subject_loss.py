"""The loss of the subject query: its target is fixed, so there is nothing to match."""

import torch
from torch import Tensor
from torch.nn import functional

from convert.compact.data import IGNORED, OPAQUE

# Relative to the losses of transformers, whose masks weigh 5.
WEIGHT = 5.0


def subject_losses(subject_logits: Tensor, alphas: Tensor) -> dict[str, Tensor]:
    """Compute the losses of the subject's masks, as means over layers and photos.

    Cells of the masks without a decided pixel are ignored, and so are photos without any.

    Args:
        subject_logits: float32 (L, B, h, w), of each layer.
        alphas: uint8 (B, H, W), opacity 0..OPAQUE, IGNORED where undecided; H and W are multiples
            of h and w.

    Returns:
        loss_subject_bce, loss_subject_dice and loss_subject_l1, each weighted; 0 if no photo has a
        decided pixel.
    """
    target, weight = _on_grid(alphas, subject_logits.shape[-1])
    known = weight.flatten(1).any(1)
    photos = known.sum().clamp(min=1)
    logits, target, weight = subject_logits.flatten(2), target.flatten(1), weight.flatten(1)
    total = weight.sum(1).clamp(min=1)
    chances = logits.sigmoid()
    bce = functional.binary_cross_entropy_with_logits(
        logits, target.expand_as(logits), reduction="none"
    )
    overlap = 2 * (chances * target * weight).sum(-1)
    area = ((chances + target) * weight).sum(-1)
    by_photo = {
        "loss_subject_bce": (bce * weight).sum(-1) / total,
        "loss_subject_dice": 1 - (overlap + 1) / (area + 1),
        "loss_subject_l1": ((chances - target).abs() * weight).sum(-1) / total,
    }
    return {
        name: WEIGHT * (loss * known).sum() / (photos * len(subject_logits))
        for name, loss in by_photo.items()
    }


def _on_grid(alphas: Tensor, columns: int) -> tuple[Tensor, Tensor]:
    """The mean opacity 0..1 of the decided pixels of each cell, and whether it has any.

    Returns:
        float32 (B, h, w) each.
    """
    stride = alphas.shape[-1] // columns
    decided = (alphas != IGNORED).float()
    opacity = functional.avg_pool2d(alphas.float() / OPAQUE * decided, stride)
    share = functional.avg_pool2d(decided, stride)
    return (opacity / share.clamp(min=torch.finfo(torch.float32).eps)).clamp(max=1), (
        share > 0
    ).float()
