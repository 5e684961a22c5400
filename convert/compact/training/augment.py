"""Augmentation of training photos: crops, mirroring, colours, pasted instances. All seeded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from convert.compact.data import IGNORED, DecodedSample, Sample, decode, resolve_ignored
from segmentation.arrays import Bool, BoxXYXY, SizeHW, UInt8

# An instance with fewer pixels than this in the crop is too small to learn from.
MIN_PIXELS = 48
# An instance of which a crop keeps less than this share is dropped.
MIN_SHARE_IN_CROP = 0.15
# A crop with less than this share of the subject may show something else as its subject.
MIN_SUBJECT_IN_CROP = 0.7
# A pasted instance leaves at least this share of every other instance visible.
MIN_SHARE_VISIBLE = 0.3
# This source annotates only one person in each photo, so its photos are cropped around that person.
SINGLE_PERSON_SOURCE = "cocop"
# Touching instances are rare in the annotated photos and easily merged, so up to this many are
# pasted.
MAX_PASTED = 3
# A crop around an instance has at least this many photo pixels along its sides: enlarged further,
# it would be more blurred than any photo.
MIN_CROP_SIDE = 128
# How far whole photos are stretched to another aspect ratio; what is over is cut off.
MAX_STRETCH = 1.3


@dataclass(frozen=True, slots=True, eq=False)
class AugmentedPhoto:
    """A photo of a batch.

    Attributes:
        rgb: uint8 (H, W, 3).
        masks: bool (n, H, W), one for each instance, without overlap.
        labels: of the n instances.
        is_annotated: whether all instances are annotated.
        alpha: uint8 (H, W), opacity of the subject as in `DecodedSample`; None if it is unknown.
    """

    rgb: UInt8
    masks: Bool
    labels: tuple[int, ...]
    is_annotated: bool = True
    alpha: UInt8 | None = None


def make_augmented_photo(
    samples: Sequence[Sample],
    weights: npt.NDArray[np.float64],
    size_hw: SizeHW,
    whole: float,
    pasted: float,
    rng: np.random.Generator,
) -> AugmentedPhoto:
    """Draw a photo, crop it, paste instances of other photos and change its colours.

    Args:
        samples: the photos to draw from.
        weights: float64 (n,), the probability of each sample; sums to 1.
        size_hw: of the result.
        whole: probability that the photo is shown whole.
        pasted: probability of each further pasted instance, up to MAX_PASTED.
        rng: the same state gives the same result.
    """

    def draw() -> AugmentedPhoto:
        sample = samples[rng.choice(len(samples), p=weights)]
        decoded = decode(sample)
        box_xyxy = random_crop(sample.source, decoded, size_hw, whole, rng)
        return crop_and_mirror(decoded, sample.labels, box_xyxy, size_hw, rng)

    photo = draw()
    while not photo.labels and photo.alpha is None:  # the crop shows nothing to learn from
        photo = draw()
    for _ in range(MAX_PASTED):
        if rng.random() >= pasted:
            break
        photo = paste_instance(photo, draw(), rng)
    return replace(photo, rgb=_recolour(photo.rgb, rng))


def crop_and_mirror(
    photo: DecodedSample,
    labels: tuple[int, ...],
    box_xyxy: BoxXYXY,
    size_hw: SizeHW,
    rng: np.random.Generator,
) -> AugmentedPhoto:
    """Scale a crop of a photo, and mirror it half of the time.

    Args:
        photo: the photo.
        labels: of instance 1, 2, ...
        box_xyxy: the crop in photo pixels; it may reach beyond the photo.
        size_hw: of the result.
        rng: decides on mirroring, and on the colour outside the photo.
    """
    ids = _instance_ids(photo)
    colour = rng.integers(0, 256, 3).tolist()
    crop, crop_ids = _crop_padded(photo.rgb, box_xyxy, colour), _crop_padded(ids, box_xyxy, 0)
    enlarges = crop.shape[0] < size_hw[0] and crop.shape[1] < size_hw[1]
    # The same interpolation as `preprocess`.
    interpolation = cv2.INTER_CUBIC if enlarges else cv2.INTER_AREA
    scaled = cv2.resize(crop, size_hw[::-1], interpolation=interpolation)
    scaled_ids = cv2.resize(crop_ids, size_hw[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    alpha = _crop_alpha(photo.alpha, box_xyxy, size_hw)
    if rng.random() < 0.5:
        scaled, scaled_ids = scaled[:, ::-1], scaled_ids[:, ::-1]
        alpha = None if alpha is None else alpha[:, ::-1]
    photo_areas, crop_areas, scaled_areas = (
        np.bincount(array.ravel(), minlength=256) for array in (ids, crop_ids, scaled_ids)
    )
    kept = [
        id_
        for id_ in range(1, len(labels) + 1)
        if scaled_areas[id_] >= MIN_PIXELS
        and crop_areas[id_] >= MIN_SHARE_IN_CROP * photo_areas[id_]
    ]
    masks = scaled_ids == np.array(kept, np.uint8).reshape(-1, 1, 1)
    kept_labels = tuple(labels[id_ - 1] for id_ in kept)
    is_annotated = photo.ids is not None
    return AugmentedPhoto(np.asarray(scaled, np.uint8), masks, kept_labels, is_annotated, alpha)


def random_crop(
    source: str, photo: DecodedSample, size_hw: SizeHW, whole: float, rng: np.random.Generator
) -> BoxXYXY:
    """Choose a crop of nearly all of a photo, or of a part.

    Args:
        source: the data set that the photo is from.
        photo: the photo.
        size_hw: the crop has about this aspect ratio.
        whole: probability of nearly the whole photo.
        rng: the same state gives the same crop.

    Returns:
        The box in photo pixels; it may reach beyond the photo.
    """
    height, width, _ = photo.rgb.shape
    aspect = size_hw[1] / size_hw[0] * float(np.exp(rng.uniform(-0.2, 0.2)))
    if source == SINGLE_PERSON_SOURCE and photo.ids is not None and photo.ids.any():
        return _crop_around(photo.ids > 0, aspect, rng)
    if rng.random() < whole:
        crop_w = min(width, round(height * aspect * MAX_STRETCH))
        crop_h = min(height, round(width / aspect * MAX_STRETCH))
    else:
        side = np.sqrt(height * width) * float(np.exp(rng.uniform(np.log(0.5), np.log(1.15))))
        crop_w, crop_h = round(side * np.sqrt(aspect)), round(side / np.sqrt(aspect))
    left, top = _random_start(width, crop_w, rng), _random_start(height, crop_h, rng)
    return left, top, left + crop_w, top + crop_h


def paste_instance(
    photo: AugmentedPhoto, other: AugmentedPhoto, rng: np.random.Generator
) -> AugmentedPhoto:
    """Paste a random instance of another photo in front (Ghiasi et al. 2021, Simple Copy-Paste).

    The photo is unchanged if that would hide one of its instances, if the instance is too small, or
    if not all instances are annotated. What its subject is afterwards is unknown.
    """
    if not (other.labels and photo.is_annotated):
        return photo
    index = int(rng.integers(len(other.labels)))
    size_hw = other.masks.shape[1:]
    scale = float(np.exp(rng.uniform(np.log(0.35), 0)))
    height, width = (max(1, round(side * scale)) for side in size_hw)
    top = _random_start(size_hw[0], height, rng)
    left = _random_start(size_hw[1], width, rng)
    place = np.s_[top : top + height, left : left + width]
    scaled = cv2.resize(other.rgb, (width, height), interpolation=cv2.INTER_AREA)
    coverage = cv2.resize(
        other.masks[index].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
    )
    front = np.zeros(size_hw, np.bool_)
    front[place] = coverage > 0.5
    visible = photo.masks & ~front
    hides = (visible.sum((1, 2)) < MIN_SHARE_VISIBLE * photo.masks.sum((1, 2))).any()
    if hides or front.sum() < MIN_PIXELS:
        return photo
    rgb = photo.rgb.copy()
    rgb[place] = np.rint(scaled * coverage[..., None] + rgb[place] * (1 - coverage[..., None]))
    masks = np.concatenate([visible, front[None]])
    return AugmentedPhoto(rgb, masks, (*photo.labels, other.labels[index]))


def _instance_ids(photo: DecodedSample) -> UInt8:
    """Instance ids without ignored pixels; zeros if instances are not annotated."""
    return (
        np.zeros(photo.rgb.shape[:2], np.uint8) if photo.ids is None else resolve_ignored(photo.ids)
    )


def _crop_alpha(alpha: UInt8 | None, box_xyxy: BoxXYXY, size_hw: SizeHW) -> UInt8 | None:
    """A crop of the subject's opacity, scaled; None if the crop shows too little of the subject."""
    if alpha is None:
        return None
    crop = _crop_padded(alpha, box_xyxy, 0)
    amount, amount_in_crop = (
        np.sum(pixels, where=pixels != IGNORED, dtype=np.float64) for pixels in (alpha, crop)
    )
    if amount_in_crop < MIN_SUBJECT_IN_CROP * amount:
        return None
    # A mean of neighbours would mix ignored pixels with others.
    scaled = cv2.resize(crop, size_hw[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(scaled, np.uint8)


def _crop_padded(pixels: UInt8, box_xyxy: BoxXYXY, colour: int | list[int]) -> UInt8:
    """A crop of an image, with one colour outside the image."""
    left, top, right, bottom = box_xyxy
    height, width = pixels.shape[:2]
    inside = np.s_[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    padding = max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)
    crop = cv2.copyMakeBorder(pixels[inside], *padding, cv2.BORDER_CONSTANT, value=colour)
    return np.asarray(crop, np.uint8)


def _crop_around(mask: Bool, aspect: float, rng: np.random.Generator) -> BoxXYXY:
    left, top, box_w, box_h = cv2.boundingRect(mask.astype(np.uint8))
    height = max(box_h, box_w / aspect) * (1 + rng.uniform(0.05, 0.5))
    height = max(height, MIN_CROP_SIDE, MIN_CROP_SIDE / aspect)
    width = height * aspect
    left = round(left + (box_w - width) / 2 + rng.uniform(-0.1, 0.1) * width)
    top = round(top + (box_h - height) / 2 + rng.uniform(-0.1, 0.1) * height)
    return left, top, left + round(width), top + round(height)


def _random_start(length: int, part: int, rng: np.random.Generator) -> int:
    """Where a part of a length starts; negative if the part is longer."""
    low, high = sorted((0, length - part))
    return int(rng.integers(low, high + 1))


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
