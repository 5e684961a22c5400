"""A step of the mask refiner's training."""

from collections.abc import Iterator, Sequence
from itertools import count
from math import cos, pi

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from convert.compact.refiner.crops import ObjectCrop
from convert.compact.refiner.examples import SIZES_HW, make_example, nearest_size
from convert.compact.refiner.network import MaskRefiner

BATCH = 8
# The trained stages of the backbone learn more slowly than the new layers.
BACKBONE_RATE = 0.3
WEIGHT_DECAY = 1e-3
MAX_GRADIENT = 1.0
EMA_DECAY = 0.998
WARM_UP_STEPS = 60

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


class CropBatches(Dataset[Batch]):
    """Endless batches of crops of one size; a batch depends on the seed and its index only."""

    def __init__(self, crops: Sequence[ObjectCrop], seed: int) -> None:
        self._seed = seed
        sizes = [nearest_size(crop.target.shape) for crop in crops]
        self._groups = [
            [crop for crop, size in zip(crops, sizes, strict=True) if size == index]
            for index in range(len(SIZES_HW))
        ]
        self._shares = np.array([len(group) for group in self._groups]) / len(crops)

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([self._seed, index])
        group = self._groups[rng.choice(len(self._groups), p=self._shares)]
        chosen = rng.integers(len(group), size=BATCH)
        examples = [make_example(group[item], rng) for item in chosen]
        return (
            _stack([example.photo for example in examples]),
            _stack([example.mask_logits for example in examples]),
            _stack([example.truth for example in examples]),
            _stack([example.weight for example in examples]),
        )


def batches_of(crops: Sequence[ObjectCrop], seed: int) -> Iterator[Batch]:
    """Endless batches, made in a process of their own."""
    loader = DataLoader(
        CropBatches(crops, seed), batch_size=None, sampler=count(), num_workers=1, prefetch_factor=6
    )
    return iter(loader)


class Learner:
    """A refiner in training, and the running average of its weights.

    Args:
        refiner: with the weights to start from.
        rate: highest learning rate of the new layers.
    """

    def __init__(self, refiner: MaskRefiner, rate: float) -> None:
        self._refiner = refiner.train()
        self._refiner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        backbone, others = refiner.trained_parameters()
        groups = [
            {"params": others, "rate": rate},
            {"params": backbone, "rate": rate * BACKBONE_RATE},
        ]
        self._optimizer = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
        self._average = {name: value.clone() for name, value in refiner.state_dict().items()}
        self.steps = 0

    def step(self, batch: Batch, share: float) -> tuple[float, float]:
        """Learn from a batch.

        Args:
            batch: of `CropBatches`.
            share: of the training time that is over, 0..1.

        Returns:
            The loss, and the loss of the masks that the network got.
        """
        factor = rate_factor(self.steps, share)
        for group in self._optimizer.param_groups:
            group["lr"] = group["rate"] * factor
        photo, mask_logits, truth, weight = batch
        corrected = self._refiner(photo.to(memory_format=torch.channels_last), mask_logits)
        loss = mask_loss(corrected, truth, weight)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self._refiner.parameters(), MAX_GRADIENT)
        self._optimizer.step()
        self.steps += 1
        self._add_to_average()
        with torch.no_grad():
            before = mask_loss(mask_logits, truth, weight)
        return float(loss.item()), float(before.item())

    def averaged(self) -> MaskRefiner:
        """A refiner with the averaged weights, in evaluation mode."""
        refiner = MaskRefiner()
        refiner.load_state_dict(self._average)
        return refiner.eval()

    def _add_to_average(self) -> None:
        # Of a short run, the average has about the last third.
        decay = min(EMA_DECAY, 1 - 1 / (self.steps / 3 + 2))
        with torch.no_grad():
            for name, value in self._refiner.state_dict().items():
                if value.dtype.is_floating_point:
                    self._average[name].lerp_(value, 1 - decay)
                else:
                    self._average[name].copy_(value)


def rate_factor(step: int, share: float) -> float:
    """Factor of the learning rate: a warm-up, then half a cosine over the training time."""
    return min(1.0, (step + 1) / WARM_UP_STEPS) * (0.02 + 0.98 * 0.5 * (1 + cos(pi * share)))


def mask_loss(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy, absolute difference and dice of masks.

    Args:
        logits: float32 (B, 1, H, W).
        truth: the same shape, 0..1.
        weight: the same shape; 0 where undecided.
    """
    total = weight.sum() + 1
    probability = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, truth, weight, reduction="sum") / total
    difference = ((probability - truth).abs() * weight).sum() / total
    decided = (weight > 0).float()
    both = (probability * truth * decided).sum((1, 2, 3))
    either = ((probability + truth) * decided).sum((1, 2, 3))
    return entropy + difference + 1 - ((2 * both + 1) / (either + 1)).mean()


def _stack(arrays: Sequence[npt.NDArray[np.float32]]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
