"""Crops of training photos with their instances, scaled and mirrored. All seeded."""

from dataclasses import dataclass

import cv2
import numpy as np

from convert.compact.data import IGNORED, DecodedSample, resolve_ignored
from segmentation.arrays import Bool, BoxXYXY, SizeHW, UInt8

# An instance with fewer pixels than this in the crop is too small to learn from.
MIN_PIXELS = 48
# An instance of which a crop keeps less than this share is dropped.
MIN_SHARE_IN_CROP = 0.15
# A crop with less than this share of the subject may show something else as its subject.
MIN_SUBJECT_IN_CROP = 0.7
# This source annotates only one person in each photo, so its photos are cropped around that person.
SINGLE_PERSON_SOURCE = "cocop"
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
    ids = instance_ids(photo)
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
    left, top = random_start(width, crop_w, rng), random_start(height, crop_h, rng)
    return left, top, left + crop_w, top + crop_h


def random_start(length: int, part: int, rng: np.random.Generator) -> int:
    """Return where a part of a length starts, negative if the part is longer."""
    low, high = sorted((0, length - part))
    return int(rng.integers(low, high + 1))


def instance_ids(photo: DecodedSample) -> UInt8:
    """Return instance ids without ignored pixels; zeros if instances are not annotated."""
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
