"""The stream of training batches: batch i is a function of the seed and i, and nothing else."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from convert.compact.augment import make_scene
from convert.compact.data import Sample

MEAN_AND_STD = 0.5
MULTIPLE = 32
# Squares, landscape and portrait, crops and pasted objects for most of the time, and at last what
# people give the product: whole photos as they were taken, at a longest side of 384.
EARLY_SIZES = ((256, 256), (256, 320), (320, 256), (320, 320), (288, 384), (384, 288), (384, 384))
LATE_SIZES = ((384, 384), (288, 384), (384, 288), (256, 384), (384, 256), (320, 384), (384, 320))
EARLY_WHOLE, LATE_WHOLE = 0.4, 0.7
EARLY_PASTED, LATE_PASTED = 0.45, 0.15
# How often the photos of a source come, against those of one not named here: more where things of
# all kinds are outlined, fewer where photos are alike, drawn, noisy or coarsely outlined.
WEIGHTS = {
    "voc": 0.7,
    "voc07": 2.0,
    "cocom": 2.0,
    "cocop": 0.7,
    "ccp": 0.5,
    "cat": 0.5,
    "via": 0.4,
    "pseudo": 2.5,
}


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one step learns from.

    Attributes:
        index: its place in the stream.
        pixels: uint8 (B, 3, H, W).
        masks: bool (n, H, W) for each photo.
        labels: int64 (n,) for each photo.
    """

    index: int
    pixels: Tensor
    masks: list[Tensor]
    labels: list[Tensor]

    @property
    def pixel_values(self) -> Tensor:
        """Float32 (B, 3, H, W), as the model takes them."""
        return (self.pixels.float() / 255 - MEAN_AND_STD) / MEAN_AND_STD


@dataclass(frozen=True, slots=True, eq=False)
class Stream(Dataset[Batch]):
    """Batches by key (index, late).

    Attributes:
        samples: what to draw from.
        seed: of everything random.
        photos: in a batch of 320 x 320 pixels; larger sizes take fewer, smaller ones more.
        largest: longest side of all sizes, for quick trials.
    """

    samples: Sequence[Sample]
    seed: int
    photos: int
    largest: int = 384

    def __getitem__(self, key: tuple[int, bool]) -> Batch:
        """Make a batch; `late` ones are of the product's sizes."""
        index, late = key
        rng = np.random.default_rng((self.seed, index))
        sizes = LATE_SIZES if late else EARLY_SIZES
        scale = self.largest / max(max(size) for size in sizes)
        height, width = (
            max(1, round(side * scale / MULTIPLE)) * MULTIPLE for side in rng.choice(sizes)
        )
        count = max(1, round(self.photos * (320 * scale) ** 2 / (height * width)))
        weights = draw_weights(self.samples)
        whole = LATE_WHOLE if late else EARLY_WHOLE
        pasted = LATE_PASTED if late else EARLY_PASTED
        scenes = [
            make_scene(self.samples, weights, (height, width), whole, pasted, rng)
            for _ in range(count)
        ]
        pixels = np.stack([scene.rgb for scene in scenes]).transpose(0, 3, 1, 2)
        return Batch(
            index,
            torch.from_numpy(np.ascontiguousarray(pixels)),
            [torch.from_numpy(np.ascontiguousarray(scene.masks)) for scene in scenes],
            [torch.tensor(scene.labels) for scene in scenes],
        )


def draw_weights(samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
    """How likely each sample is to be drawn (n,); sums to 1."""
    weights = np.array([WEIGHTS.get(sample.source, 1.0) for sample in samples])
    normalised: npt.NDArray[np.float64] = weights / weights.sum()
    return normalised


def source_shares(samples: Sequence[Sample]) -> dict[str, float]:
    """The share of each source in what is drawn, for the log."""
    shares: dict[str, float] = defaultdict(float)
    for sample, weight in zip(samples, draw_weights(samples), strict=True):
        shares[sample.source] += float(weight)
    return dict(shares)


def batches_from(stream: Stream, start: int, late: Callable[[], bool]) -> Iterator[Batch]:
    """The batches from `start` on, without end, made in a process of their own.

    Args:
        stream: what makes them.
        start: index of the first.
        late: asked for every batch when it is ordered.
    """
    return iter(
        DataLoader(
            stream,
            batch_size=None,
            sampler=_Keys(start, late),
            num_workers=1,
            prefetch_factor=3,
            worker_init_fn=_alone,
        )
    )


class _Keys:
    def __init__(self, start: int, late: Callable[[], bool]) -> None:
        self._next, self._late = start, late

    def __iter__(self) -> Iterator[tuple[int, bool]]:
        index = self._next
        while True:
            yield index, self._late()
            index += 1


def _alone(_: int) -> None:
    # The threads belong to the training.
    cv2.setNumThreads(0)
