"""The sequence of training batches: batch i depends on the seed and i, and on nothing else."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from convert.compact.data import IGNORED, Sample
from convert.compact.training.augment import Mix, Pool, make_augmented_photo, with_people

MEAN_AND_STD = 0.5
MULTIPLE = 32
# Early batches are crops with pasted instances, of square and oblong sizes. Late batches are close
# to what people upload, mostly whole photos. A third of them have the product's longest side of
# 384. The others are larger, for edges and thin parts: photos of 400 pixels are enlarged for them.
EARLY_SIZES = ((256, 256), (256, 320), (320, 256), (320, 320), (288, 384), (384, 288), (384, 384))
LATE_SIZES = (
    *((384, 384), (288, 384), (384, 288)),
    *((448, 448), (320, 448), (448, 320)),
    *((512, 512), (384, 512), (512, 384)),
)
LONGEST_EARLY_SIDE = 384
EARLY_MIX = Mix(whole=0.4, pasted=0.45, beside=0.6)
LATE_MIX = Mix(whole=0.7, pasted=0.15, beside=0.4)
# The subject alone needs whole photos, without pasted instances.
SUBJECT_MIX = Mix(whole=1.0, pasted=0.0, beside=0.0)
# How often photos of a source are drawn, relative to 1 for a source that is not listed: more often
# where many kinds of objects are annotated; less often where photos are much alike, drawn, noisy or
# coarsely annotated.
SOURCE_WEIGHTS = {
    "voc": 0.7,
    "voc07": 2.0,
    "cocom": 2.0,
    "cocop": 0.7,
    "ccp": 0.5,
    "cat": 0.5,
    "via": 0.4,
    "unlabelled": 2.5,
}


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The photos of one step, in four tensors: each takes a file descriptor between processes.

    Attributes:
        index: position in the sequence.
        pixels: uint8 (B, 3, H, W).
        masks: bool (N, H, W), of the instances of all photos, one photo after the other.
        labels: int64 (N,), of the same instances.
        alphas: uint8 (B, H, W), opacity of the subject, 0..OPAQUE; IGNORED where it is unknown.
        counts: number of instances of each photo; they sum to N.
        are_annotated: whether all instances of each photo are annotated.
    """

    index: int
    pixels: Tensor
    masks: Tensor
    labels: Tensor
    alphas: Tensor
    counts: tuple[int, ...]
    are_annotated: tuple[bool, ...]

    @property
    def pixel_values(self) -> Tensor:
        """The model's input, float32 (B, 3, H, W)."""
        return (self.pixels.float() / 255 - MEAN_AND_STD) / MEAN_AND_STD

    @property
    def masks_by_photo(self) -> tuple[Tensor, ...]:
        """The masks, bool (n, H, W) for each photo."""
        return torch.split(self.masks, list(self.counts))

    @property
    def labels_by_photo(self) -> tuple[Tensor, ...]:
        """The labels, int64 (n,) for each photo."""
        return torch.split(self.labels, list(self.counts))

    def pin_memory(self) -> "Batch":
        """Return a copy in memory that a GPU can read while the processor goes on."""
        return self._map(Tensor.pin_memory)

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device; from pinned memory, the copy runs in the background."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        pixels, masks, labels, alphas = map(
            change, (self.pixels, self.masks, self.labels, self.alphas)
        )
        return replace(self, pixels=pixels, masks=masks, labels=labels, alphas=alphas)


@dataclass(frozen=True, slots=True, eq=False)
class BatchDataset(Dataset[Batch]):
    """Batches by key (index, is_late).

    Attributes:
        samples: the photos to draw from.
        seed: for everything random.
        photos: number of photos in a batch of 320 x 320 pixels; batches of larger photos have
            fewer, those of smaller ones more.
        longest_side: of early batches; late ones are up to a third larger. Smaller than
            LONGEST_EARLY_SIDE only for quick trials.
        are_for_subject: whether the batches teach nothing but the subject.
    """

    samples: Sequence[Sample]
    seed: int
    photos: int
    longest_side: int = LONGEST_EARLY_SIDE
    are_for_subject: bool = False

    def __getitem__(self, key: tuple[int, bool]) -> Batch:
        """Make a batch."""
        index, is_late = key
        rng = np.random.default_rng((self.seed, index))
        sizes_hw = LATE_SIZES if is_late else EARLY_SIZES
        scale = self.longest_side / LONGEST_EARLY_SIDE
        height, width = (
            max(1, round(side * scale / MULTIPLE)) * MULTIPLE for side in rng.choice(sizes_hw)
        )
        count = max(1, round(self.photos * (320 * scale) ** 2 / (height * width)))
        pool = Pool(self.samples, sample_weights(self.samples), with_people(self.samples))
        mix = LATE_MIX if is_late else EARLY_MIX
        if self.are_for_subject:
            mix = SUBJECT_MIX
        photos = [make_augmented_photo(pool, (height, width), mix, rng) for _ in range(count)]
        pixels = np.stack([photo.rgb for photo in photos]).transpose(0, 3, 1, 2)
        unknown = np.full((height, width), IGNORED, np.uint8)
        alphas = [unknown if photo.alpha is None else photo.alpha for photo in photos]
        return Batch(
            index,
            torch.from_numpy(np.ascontiguousarray(pixels)),
            torch.from_numpy(np.concatenate([photo.masks for photo in photos])),
            torch.tensor([label for photo in photos for label in photo.labels], dtype=torch.int64),
            torch.from_numpy(np.stack(alphas)),
            tuple(len(photo.labels) for photo in photos),
            tuple(photo.is_annotated for photo in photos),
        )


def sample_weights(samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
    """The probability of each sample, float64 (n,); sums to 1."""
    weights = np.array([SOURCE_WEIGHTS.get(sample.source, 1.0) for sample in samples])
    normalised: npt.NDArray[np.float64] = weights / weights.sum()
    return normalised


def source_weights(samples: Sequence[Sample]) -> dict[str, float]:
    """The probability that a drawn photo is of a source, for each source."""
    by_source: dict[str, float] = defaultdict(float)
    for sample, weight in zip(samples, sample_weights(samples), strict=True):
        by_source[sample.source] += float(weight)
    return dict(by_source)


def batches_from(
    dataset: BatchDataset,
    start: int,
    is_late: Callable[[], bool],
    workers: int = 1,
    *,
    pinned: bool = False,
) -> Iterator[Batch]:
    """Make batches without end, in other processes.

    Args:
        dataset: makes the batches.
        start: index of the first batch.
        is_late: called for each batch when it is requested from another process.
        workers: number of processes; the order of the batches does not depend on it.
        pinned: whether the batches are for a GPU, see `Batch.pin_memory`.
    """
    return iter(
        DataLoader(
            dataset,
            batch_size=None,
            sampler=_Keys(start, is_late),
            num_workers=workers,
            pin_memory=pinned,
            prefetch_factor=3,
            worker_init_fn=_use_one_thread,
        )
    )


class _Keys:
    def __init__(self, start: int, is_late: Callable[[], bool]) -> None:
        self._next, self._is_late = start, is_late

    def __iter__(self) -> Iterator[tuple[int, bool]]:
        index = self._next
        while True:
            yield index, self._is_late()
            index += 1


def _use_one_thread(_: int) -> None:
    # The cores are for the training.
    cv2.setNumThreads(0)
