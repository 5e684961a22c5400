"""Instances of other photos that are pasted in front of a photo's own. All seeded."""

from dataclasses import dataclass

import cv2
import numpy as np

from convert.compact.data import LABELS, DecodedSample
from convert.compact.training.crop import (
    MIN_PIXELS,
    AugmentedPhoto,
    instance_ids,
    random_start,
)
from segmentation.arrays import Bool, Float32, UInt8

# A pasted instance leaves at least this share of every other instance visible.
MIN_SHARE_VISIBLE = 0.3
PERSON = LABELS.index("person")
# Of a person who is pasted beside another, at least this share is inside the photo.
MIN_SHARE_INSIDE = 0.6
# Smaller people, in pixels, are too small for the outlines of another photo.
MIN_HEIGHT = 40
# Enlarged further, a person would be more blurred than the photo.
MAX_ENLARGEMENT = 1.5
# How far the shapes of neighbours' boxes differ; hands, and people who lie, are others.
MAX_SHAPE_RATIO = 1.7
# How far the heights of neighbours differ, as a logarithm.
HEIGHT_RANGE = 0.15
# The feet of who stands in front are up to this share of their height lower.
MAX_LOWER = 0.06
# How far neighbours overlap, as a share of the narrower one; those below 0 only touch.
OVERLAP_RANGE = -0.25, 0.6


@dataclass(frozen=True, slots=True, eq=False)
class CutOutPerson:
    """A person who is pasted into other photos.

    Attributes:
        rgb: uint8 (h, w, 3), the box around the person.
        mask: bool (h, w).
        is_cut_below: whether the frame of their photo cuts them off below.
    """

    rgb: UInt8
    mask: Bool
    is_cut_below: bool


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
    top = random_start(size_hw[0], height, rng)
    left = random_start(size_hw[1], width, rng)
    scaled, coverage = _scaled(other.rgb, other.masks[index], (width, height))
    return _in_front(photo, scaled, coverage, (top, left), other.labels[index])


def cut_out_person(
    photo: DecodedSample, labels: tuple[int, ...], rng: np.random.Generator
) -> CutOutPerson | None:
    """Cut out a random person who is whole, or cut off by the lower frame only.

    People who touch another instance are left out, since it may hide a part of them.

    Args:
        photo: the photo.
        labels: of instance 1, 2, ...
        rng: the same state gives the same person.

    Returns:
        The person; None if there is none.
    """
    ids = instance_ids(photo)
    cut_off = {*ids[0].tolist(), *ids[:, 0].tolist(), *ids[:, -1].tolist()}
    masks = [
        ids == number
        for number, label in enumerate(labels, 1)
        if label == PERSON and number not in cut_off
    ]
    alone = [
        mask for mask in masks if mask.any() and not (_dilated(mask) & ~mask & (ids > 0)).any()
    ]
    if not alone:
        return None
    mask = alone[int(rng.integers(len(alone)))]
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    box = np.s_[top : top + height, left : left + width]
    return CutOutPerson(photo.rgb[box], mask[box], bool(mask[-1].any()))


def paste_beside(
    photo: AugmentedPhoto, person: CutOutPerson, rng: np.random.Generator
) -> AugmentedPhoto:
    """Paste a person in front of a random person of the photo, beside them and touching.

    They are of similar height and stand on a similar line, or the frame cuts off both below. The
    photo is unchanged if that cannot be, and for the reasons of `paste_instance`.
    """
    partners = [
        mask
        for mask, label in zip(photo.masks, photo.labels, strict=True)
        if label == PERSON and _are_alike(mask, person)
    ]
    if not (partners and photo.is_annotated):
        return photo
    partner = partners[int(rng.integers(len(partners)))]
    _, top, _, partner_height = cv2.boundingRect(partner.astype(np.uint8))
    height = round(partner_height * float(np.exp(rng.uniform(-HEIGHT_RANGE, HEIGHT_RANGE))))
    lower = 0.0 if person.is_cut_below else float(rng.uniform(0, MAX_LOWER))
    overlap, is_left = float(rng.uniform(*OVERLAP_RANGE)), bool(rng.random() < 0.5)
    scale = height / len(person.mask)
    if scale > MAX_ENLARGEMENT:
        return photo
    size_wh = max(1, round(person.mask.shape[1] * scale)), height
    rgb, coverage = _scaled(person.rgb, person.mask, size_wh)
    top += partner_height - height + round(lower * height)
    left = place_beside(partner, coverage > 0.5, top, overlap, is_left=is_left)
    _, inside = _overlap(partner.shape, coverage.shape, (top, left))
    if coverage[inside].sum() < MIN_SHARE_INSIDE * coverage.sum():
        return photo
    return _in_front(photo, rgb, coverage, (top, left), PERSON)


def place_beside(partner: Bool, mask: Bool, top: int, overlap: float, *, is_left: bool) -> int:
    """Return the column at which a mask touches or overlaps another beside it.

    Args:
        partner: bool (H, W).
        mask: bool (h, w), of what is placed.
        top: its first row in the photo.
        overlap: how far it is moved over the partner from where both touch, as a share of the
            narrower one; below 0, they only touch.
        is_left: whether it comes from the left.
    """
    if is_left:
        mirrored = place_beside(partner[:, ::-1], mask[:, ::-1], top, overlap, is_left=False)
        return int(partner.shape[1]) - mirrored - int(mask.shape[1])
    rows, mask_rows = _common(len(partner), len(mask), top)
    beside, placed = partner[rows], mask[mask_rows]
    columns = partner.shape[1] - beside[:, ::-1].argmax(1) - placed.argmax(1)
    touching = columns.max(initial=-mask.shape[1], where=beside.any(1) & placed.any(1))
    _, _, partner_width, _ = cv2.boundingRect(partner.astype(np.uint8))
    narrower = min(partner_width, mask.shape[1])
    return int(touching) - int(max(overlap, 0.0) * narrower)


def _are_alike(partner: Bool, person: CutOutPerson) -> bool:
    """Whether someone in a photo, bool (H, W), is large enough and shown as a person is."""
    _, _, width, height = cv2.boundingRect(partner.astype(np.uint8))
    person_height, person_width = person.mask.shape
    ratio = (height / width) / (person_height / person_width)
    return (
        height >= MIN_HEIGHT
        and not partner[0].any()
        and bool(partner[-1].any()) == person.is_cut_below
        and 1 / MAX_SHAPE_RATIO <= ratio <= MAX_SHAPE_RATIO
    )


def _in_front(
    photo: AugmentedPhoto,
    rgb: UInt8,
    coverage: Float32,
    place_yx: tuple[int, int],
    label: int,
) -> AugmentedPhoto:
    """Put an instance in front of a photo; unchanged if that hides too much or shows too little."""
    place, inside = _overlap(photo.rgb.shape, coverage.shape, place_yx)
    front = np.zeros(photo.rgb.shape[:2], np.bool_)
    front[place] = coverage[inside] > 0.5
    visible = photo.masks & ~front
    hides = (visible.sum((1, 2)) < MIN_SHARE_VISIBLE * photo.masks.sum((1, 2))).any()
    if hides or front.sum() < MIN_PIXELS:
        return photo
    pixels, opacity = photo.rgb.copy(), coverage[inside][..., None]
    pixels[place] = np.rint(rgb[inside] * opacity + pixels[place] * (1 - opacity))
    masks = np.concatenate([visible, front[None]])
    return AugmentedPhoto(pixels, masks, (*photo.labels, label))


def _dilated(mask: Bool) -> Bool:
    """A mask with what is at most two pixels from it."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)), np.bool_)


def _scaled(rgb: UInt8, mask: Bool, size_wh: tuple[int, int]) -> tuple[UInt8, Float32]:
    """The pixels of an instance (h, w, 3), and the share of each that it covers (h, w)."""
    scaled = cv2.resize(rgb, size_wh, interpolation=cv2.INTER_AREA)
    coverage = cv2.resize(mask.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(scaled, np.uint8), np.asarray(coverage, np.float32)


def _overlap(
    photo_hw: tuple[int, ...], patch_hw: tuple[int, ...], place_yx: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of a photo that a patch covers, and the part of the patch inside the photo."""
    rows, patch_rows = _common(photo_hw[0], patch_hw[0], place_yx[0])
    columns, patch_columns = _common(photo_hw[1], patch_hw[1], place_yx[1])
    return (rows, columns), (patch_rows, patch_columns)


def _common(length: int, part: int, start: int) -> tuple[slice, slice]:
    """What a part that starts at some place has in common with a length, in both."""
    first, last = max(start, 0), max(min(start + part, length), max(start, 0))
    return slice(first, last), slice(first - start, last - start)
