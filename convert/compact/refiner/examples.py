"""Training examples of the mask refiner: changed crops with worse masks. All seeded."""

from dataclasses import dataclass

import cv2
import numpy as np

from convert.compact.data import IGNORED
from convert.compact.refiner.crops import ObjectCrop
from segmentation.arrays import Bool, Float32, SizeHW, UInt8
from segmentation.inference.mask_refiner import scale_logits, scale_photo

# Sizes of batches; a crop takes the one with the most similar aspect ratio.
SIZES_HW: tuple[SizeHW, ...] = ((256, 256), (256, 192), (192, 256), (256, 128), (128, 256))
# Longest side of a mask in cells.
CELLS = 96
# Probability that an example has a true mask with artificial damage instead of the model's.
DAMAGED = 0.1
# Weight of a pixel far from the outline, near it, and on thin parts. Widths are in pixels.
WEIGHT_INSIDE, WEIGHT_NEAR, WEIGHT_THIN = 0.5, 1.0, 0.6
NEAR_WIDTH, THIN_WIDTH = 9, 13


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One example, as float32 arrays.

    Attributes:
        photo: (3, H, W), as the network takes it.
        mask_logits: (1, H, W).
        truth: (1, H, W), the share of each pixel that belongs to the object.
        weight: (1, H, W), of each pixel in the loss.
    """

    photo: Float32
    mask_logits: Float32
    truth: Float32
    weight: Float32


def nearest_size(crop_hw: SizeHW) -> int:
    """The index of the size in SIZES_HW with the most similar aspect ratio."""
    ratio = crop_hw[0] / crop_hw[1]
    return int(np.argmin([abs(np.log(ratio * width / height)) for height, width in SIZES_HW]))


def make_example(crop: ObjectCrop, rng: np.random.Generator) -> Example:
    """Cut, mirror and degrade a crop, and make its mask a little worse.

    Args:
        crop: the crop.
        rng: the same state gives the same example.
    """
    size_hw = SIZES_HW[nearest_size(crop.target.shape)]
    rgb, target, mask_logits = _cut_and_mirror(crop.rgb, crop.target, _mask(crop, rng), rng)
    truth, decided = soft_truth(target, size_hw)
    photo = scale_photo(_lower_quality(rgb, rng), size_hw)[0]
    return Example(
        photo=_other_colours(photo, rng),
        mask_logits=scale_logits(mask_logits, size_hw)[0],
        truth=truth[None],
        weight=(pixel_weights(truth) * decided)[None],
    )


def soft_truth(target: UInt8, size_hw: SizeHW) -> tuple[Float32, Bool]:
    """Scale a target of 0, 1 and IGNORED.

    Returns:
        The share of each pixel that is inside, float32 (h, w); and which pixels are decided.
    """
    interpolation = cv2.INTER_AREA if size_hw[0] < target.shape[0] else cv2.INTER_LINEAR
    decided, inside = (
        cv2.resize(mask.astype(np.float32), size_hw[::-1], interpolation=interpolation)
        for mask in (target != IGNORED, target == 1)
    )
    share = np.where(decided > 0.5, inside / np.maximum(decided, 1e-3), 0)
    return np.asarray(np.clip(share, 0, 1), np.float32), np.asarray(decided > 0.5)


def pixel_weights(truth: Float32) -> Float32:
    """The weight of each pixel in the loss, by its distance from the outline and the width there.

    Args:
        truth: float32 (h, w).
    """
    mask = (truth > 0.5).astype(np.uint8)
    near = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((NEAR_WIDTH, NEAR_WIDTH), np.uint8))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (THIN_WIDTH, THIN_WIDTH))
    thin = mask - np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc), np.uint8)
    weights = WEIGHT_INSIDE + WEIGHT_NEAR * near + WEIGHT_THIN * thin
    return np.asarray(weights, np.float32)


def damage(mask: Float32, rng: np.random.Generator) -> Float32:
    """Make logits of a true mask with errors: lost thin parts, wavy outlines, blobs.

    Args:
        mask: float32 (h, w), 0 or 1.
        rng: the same state gives the same damage.

    Returns:
        float32, CELLS along the longer side.
    """
    scale = CELLS / max(mask.shape)
    height, width = (max(8, round(side * scale)) for side in mask.shape)
    small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    inside = (small > 0.5).astype(np.uint8)
    for operation, probability in ((cv2.MORPH_OPEN, 0.6), (cv2.MORPH_CLOSE, 0.3)):
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(rng.integers(3, 9)),) * 2)
        changed = np.asarray(cv2.morphologyEx(inside, operation, disc), np.uint8)
        if rng.random() < probability and changed.sum() > 0.4 * inside.sum():
            inside = changed
    logits = _signed_distance(inside) + rng.normal(0, 0.7)
    logits += _waves((height, width), int(rng.integers(4, 16)), rng) * rng.uniform(0.3, 1.5)
    rows, columns = np.mgrid[:height, :width]
    for _ in range(int(rng.integers(0, 3))):
        row, column = rng.integers(0, height), rng.integers(0, width)
        if abs(logits[row, column]) < 8:  # near the outline
            squared = (rows - row) ** 2 + (columns - column) ** 2
            blob = np.exp(-squared / (2 * rng.uniform(2, 6) ** 2))
            logits += blob * rng.choice([-1, 1]) * rng.uniform(2, 6)
    clipped = np.clip(logits * rng.uniform(0.8, 2.5), -9, 9).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(clipped, (0, 0), rng.uniform(0.5, 1.5)), np.float32)


def _mask(crop: ObjectCrop, rng: np.random.Generator) -> Float32:
    """Mask logits (H, W) of the crop's size: the model's with noise, or the true ones damaged."""
    if rng.random() < DAMAGED:
        mask_logits = damage((crop.target == 1).astype(np.float32), rng)
    else:
        mask_logits = crop.mask_logits.astype(np.float32) * np.float32(rng.uniform(0.8, 1.2))
        if rng.random() < 0.5:
            strength = np.float32(rng.uniform(0, 0.5))
            waves = _waves(mask_logits.shape, int(rng.integers(3, 12)), rng)
            mask_logits = mask_logits + waves * strength
    height, width = crop.target.shape
    scaled = cv2.resize(mask_logits, (width, height), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.3:
        shift_x, shift_y = rng.uniform(-1, 1, 2) * max(height, width) / CELLS
        shift = np.array([[1, 0, shift_x], [0, 1, shift_y]])
        scaled = cv2.warpAffine(scaled, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(scaled, np.float32)


def _cut_and_mirror(
    rgb: UInt8, target: UInt8, mask_logits: Float32, rng: np.random.Generator
) -> tuple[UInt8, UInt8, Float32]:
    """Cut up to 7 % off each side, and mirror half of the time; all (H, W, ...)."""
    height, width = target.shape
    if rng.random() < 0.6:
        top, bottom, left, right = (
            rng.uniform(0, 0.07, 4) * (height, height, width, width)
        ).astype(int)
        part = slice(top, height - bottom), slice(left, width - right)
        rgb, target, mask_logits = rgb[part], target[part], mask_logits[part]
    if rng.random() < 0.5:
        rgb, target, mask_logits = rgb[:, ::-1], target[:, ::-1], mask_logits[:, ::-1]
    return (
        np.ascontiguousarray(rgb),
        np.ascontiguousarray(target),
        np.ascontiguousarray(mask_logits),
    )


def _lower_quality(rgb: UInt8, rng: np.random.Generator) -> UInt8:
    """Blur or compress some photos (H, W, 3): the network must not rely on sharp ones."""
    height, width = rgb.shape[:2]
    if rng.random() < 0.3:
        scale = rng.uniform(0.4, 0.9)
        small_wh = max(8, int(width * scale)), max(8, int(height * scale))
        small = cv2.resize(rgb, small_wh, interpolation=cv2.INTER_AREA)
        rgb = np.asarray(cv2.resize(small, (width, height)), np.uint8)
    if rng.random() < 0.3:
        quality = int(rng.integers(25, 90))
        _, encoded = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])
        rgb = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return rgb


def _other_colours(photo: Float32, rng: np.random.Generator) -> Float32:
    """Change contrast, brightness and tint, remove colours or add noise; float32 (3, H, W)."""
    changed = photo.astype(np.float64)
    if rng.random() < 0.7:
        changed = changed * rng.uniform(0.7, 1.25) + rng.uniform(-0.2, 0.2)
        changed = changed * (1 + rng.uniform(-0.12, 0.12, (3, 1, 1)))
    if rng.random() < 0.15:
        changed = np.repeat(changed.mean(axis=0, keepdims=True), 3, axis=0)
    if rng.random() < 0.25:
        changed = changed + rng.standard_normal(changed.shape) * rng.uniform(0.01, 0.12)
    return np.clip(changed, -1.5, 1.5).astype(np.float32)


def _signed_distance(inside: UInt8) -> Float32:
    """The distance of each cell (h, w) from the outline, negative outside."""
    within, without = (cv2.distanceTransform(mask, cv2.DIST_L2, 5) for mask in (inside, 1 - inside))
    return np.asarray(within - without, np.float32)


def _waves(size_hw: SizeHW, cells: int, rng: np.random.Generator) -> Float32:
    """Smooth noise (h, w) of standard deviation 1, from a grid of cells x cells values."""
    values = rng.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(values, size_hw[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
