"""Augmentation of training photos: crops, pasted instances, colours. All seeded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from convert.compact.data import Sample, decode
from convert.compact.training.crop import AugmentedPhoto, crop_and_mirror, random_crop
from convert.compact.training.paste import PERSON, cut_out_person, paste_beside, paste_instance
from segmentation.arrays import SizeHW, UInt8

# Touching instances are rare in the annotated photos and easily merged, so up to this many are
# pasted.
MAX_PASTED = 3
# So many people are tried until one fits beside a person of the photo.
MAX_TRIES = 4
# Sources with good outlines of people, who are pasted beside others.
PEOPLE_SOURCES = frozenset({"voc", "ccp", "cocom"})


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The photos to draw from.

    Attributes:
        samples: the photos.
        weights: float64 (n,), the probability of each; sums to 1.
        people: the photos with people who may be pasted beside others.
    """

    samples: Sequence[Sample]
    weights: npt.NDArray[np.float64]
    people: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Mix:
    """How photos are changed.

    Attributes:
        whole: probability that a photo is shown whole.
        pasted: probability of each further pasted instance, up to MAX_PASTED.
        beside: probability of each further person beside one of the photo's, up to MAX_PASTED.
    """

    whole: float
    pasted: float
    beside: float


def with_people(samples: Sequence[Sample]) -> list[Sample]:
    """Return the photos with people who may be pasted beside others."""
    return [
        sample for sample in samples if sample.source in PEOPLE_SOURCES and PERSON in sample.labels
    ]


def make_augmented_photo(
    pool: Pool, size_hw: SizeHW, mix: Mix, rng: np.random.Generator
) -> AugmentedPhoto:
    """Draw a photo, crop it, paste instances of other photos and change its colours.

    Args:
        pool: the photos to draw from.
        size_hw: of the result.
        mix: how the photo is changed.
        rng: the same state gives the same result.
    """

    def draw() -> AugmentedPhoto:
        sample = pool.samples[rng.choice(len(pool.samples), p=pool.weights)]
        decoded = decode(sample)
        box_xyxy = random_crop(sample.source, decoded, size_hw, mix.whole, rng)
        return crop_and_mirror(decoded, sample.labels, box_xyxy, size_hw, rng)

    photo = draw()
    while not photo.labels and photo.alpha is None:  # the crop shows nothing to learn from
        photo = draw()
    for _ in range(MAX_PASTED):
        if rng.random() >= mix.pasted:
            break
        photo = paste_instance(photo, draw(), rng)
    for _ in range(MAX_PASTED):
        if not pool.people or PERSON not in photo.labels or rng.random() >= mix.beside:
            break
        photo = _paste_someone_beside(photo, pool.people, rng)
    return replace(photo, rgb=_recolour(photo.rgb, rng))


def _paste_someone_beside(
    photo: AugmentedPhoto, people: Sequence[Sample], rng: np.random.Generator
) -> AugmentedPhoto:
    """Paste the first of some random people who fits beside a person of the photo."""
    for _ in range(MAX_TRIES):
        sample = people[int(rng.integers(len(people)))]
        if person := cut_out_person(decode(sample), sample.labels, rng):
            pasted = paste_beside(photo, person, rng)
            if pasted is not photo:
                return pasted
    return photo


def _recolour(rgb: UInt8, rng: np.random.Generator) -> UInt8:
    """Change gamma, saturation, contrast, tint and brightness; sometimes add blur and noise."""
    pixels = rgb.astype(np.float32) / 255
    if rng.random() < 0.8:
        pixels = pixels ** np.float32(np.exp(rng.uniform(-0.3, 0.3)))
        grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
        saturation = 0.0 if rng.random() < 0.06 else float(rng.uniform(0.6, 1.4))
        pixels = grey[..., None] + (pixels - grey[..., None]) * np.float32(saturation)
        pixels = (pixels - 0.5) * np.float32(rng.uniform(0.75, 1.25)) + 0.5
        tint = rng.uniform(0.93, 1.07, 3).astype(np.float32)
        pixels = pixels * tint + np.float32(rng.uniform(-0.08, 0.08))
    if rng.random() < 0.15:
        blurred = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.2)))
        pixels = np.asarray(blurred, np.float32)
    if rng.random() < 0.15:
        noise = rng.standard_normal(pixels.shape, np.float32)
        pixels = pixels + noise * np.float32(rng.uniform(0.01, 0.04))
    return np.asarray(np.clip(np.rint(pixels * 255), 0, 255), np.uint8)
