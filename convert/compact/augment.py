"""From samples to training scenes: crops, flips, colours, pasted objects. All seeded."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from convert.compact.data import Sample, decode
from segmentation.arrays import Bool, UInt8

Generator = np.random.Generator
Box = tuple[int, int, int, int]

# An instance with fewer pixels than this in the crop cannot be learnt from.
LEAST_PIXELS = 48
# An instance of which a crop leaves less than this share is not the thing any more.
LEAST_SHARE = 0.15
# An instance of which a pasted one leaves less than this share would be a riddle.
LEAST_BEHIND = 0.3
# Of this source only one person in each photo is labelled: it is cropped around that one.
ONE_LABELLED = "cocop"
# How many instances are pasted at most: instances that touch are what few photos have labelled, and
# what is easily taken for one.
MOST_PASTED = 3
# What is cropped around has at least so many photo pixels along the sides: more enlarged it would
# be a blur that no photo shows.
LEAST_AROUND = 128
# How far whole photos are stretched to fill another aspect; what is over is cut off.
MOST_STRETCH = 1.3


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photo on its way into a batch.

    Attributes:
        rgb: uint8 (H, W, 3).
        masks: bool (n, H, W), one instance each, none over another.
        labels: of the n instances.
    """

    rgb: UInt8
    masks: Bool
    labels: tuple[int, ...]


def make_scene(
    samples: Sequence[Sample],
    weights: npt.NDArray[np.float64],
    size_hw: tuple[int, int],
    whole: float,
    pasted: float,
    rng: Generator,
) -> Scene:
    """Draw one photo, perhaps others to paste from, and augment them.

    Args:
        samples: what there is to draw from.
        weights: how likely each is to be drawn; sums to 1.
        size_hw: of the scene.
        whole: share of scenes that show the whole photo, not a crop.
        pasted: how likely one more instance is to be pasted, up to three.
        rng: the same state gives the same scene.
    """

    def draw() -> Scene:
        sample = samples[rng.choice(len(samples), p=weights)]
        rgb, ids = decode(sample)
        box = crop_box(sample, ids, size_hw, whole, rng)
        return view(rgb, ids, sample.labels, box, size_hw, rng)

    scene = draw()
    while not scene.labels:  # a crop of nothing
        scene = draw()
    for _ in range(MOST_PASTED):
        if rng.random() >= pasted:
            break
        scene = paste(scene, draw(), rng)
    return Scene(_recoloured(scene.rgb, rng), scene.masks, scene.labels)


def view(
    rgb: UInt8,
    ids: UInt8,
    labels: tuple[int, ...],
    box_xyxy: Box,
    size_hw: tuple[int, int],
    rng: Generator,
) -> Scene:
    """What a box of a photo shows, which may reach over its sides, mirrored half of the time.

    Args:
        rgb: uint8 (H, W, 3).
        ids: uint8 (H, W), instance ids, 0 background.
        labels: of instance 1, 2, ...
        box_xyxy: in photo pixels, ends excluded.
        size_hw: of the scene.
        rng: mirrors, and colours what lies outside of the photo.
    """
    x0, y0, x1, y1 = box_xyxy
    height, width = ids.shape
    inside = np.s_[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    over = max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0)
    colour = rng.integers(0, 256, 3).tolist()
    cut = cv2.copyMakeBorder(rgb[inside], *over, cv2.BORDER_CONSTANT, value=colour)
    cut_ids = cv2.copyMakeBorder(ids[inside], *over, cv2.BORDER_CONSTANT, value=0)
    grows = cut.shape[0] < size_hw[0] and cut.shape[1] < size_hw[1]
    # As the product scales its photos.
    flags = cv2.INTER_CUBIC if grows else cv2.INTER_AREA
    seen = cv2.resize(cut, size_hw[::-1], interpolation=flags)
    seen_ids = cv2.resize(cut_ids, size_hw[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    if rng.random() < 0.5:
        seen, seen_ids = seen[:, ::-1], seen_ids[:, ::-1]
    all_of = np.bincount(ids.ravel(), minlength=256)
    left = np.bincount(cut_ids.ravel(), minlength=256)
    pixels = np.bincount(seen_ids.ravel(), minlength=256)
    kept = [
        id_
        for id_ in range(1, len(labels) + 1)
        if pixels[id_] >= LEAST_PIXELS and left[id_] >= LEAST_SHARE * all_of[id_]
    ]
    masks = seen_ids == np.array(kept, np.uint8).reshape(-1, 1, 1)
    return Scene(np.asarray(seen, np.uint8), masks, tuple(labels[id_ - 1] for id_ in kept))


def crop_box(
    sample: Sample, ids: UInt8, size_hw: tuple[int, int], whole: float, rng: Generator
) -> Box:
    """A box to look at (x0, y0, x1, y1), in photo pixels: nearly all of it, or a part."""
    height, width = ids.shape
    aspect = size_hw[1] / size_hw[0] * float(np.exp(rng.uniform(-0.2, 0.2)))
    if sample.source == ONE_LABELLED and ids.any():
        return _around(ids > 0, aspect, rng)
    if rng.random() < whole:
        cut_w = min(width, round(height * aspect * MOST_STRETCH))
        cut_h = min(height, round(width / aspect * MOST_STRETCH))
    else:
        side = np.sqrt(height * width) * float(np.exp(rng.uniform(np.log(0.5), np.log(1.15))))
        cut_w, cut_h = round(side * np.sqrt(aspect)), round(side / np.sqrt(aspect))
    x, y = _within(width, cut_w, rng), _within(height, cut_h, rng)
    return x, y, x + cut_w, y + cut_h


def paste(scene: Scene, other: Scene, rng: Generator) -> Scene:
    """Put one instance of another scene in front (Ghiasi et al. 2021, Simple Copy-Paste).

    The scene stays as it is where that would hide one of its instances, or the instance is a speck.
    """
    if not other.labels:
        return scene
    index = int(rng.integers(len(other.labels)))
    size_hw = other.masks.shape[1:]
    scale = float(np.exp(rng.uniform(np.log(0.35), 0)))
    height, width = (max(1, round(side * scale)) for side in size_hw)
    y, x = _within(size_hw[0], height, rng), _within(size_hw[1], width, rng)
    place = np.s_[y : y + height, x : x + width]
    small = cv2.resize(other.rgb, (width, height), interpolation=cv2.INTER_AREA)
    share = cv2.resize(
        other.masks[index].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
    )
    front = np.zeros(size_hw, np.bool_)
    front[place] = share > 0.5
    behind = scene.masks & ~front
    hides = (behind.sum((1, 2)) < LEAST_BEHIND * scene.masks.sum((1, 2))).any()
    if hides or front.sum() < LEAST_PIXELS:
        return scene
    rgb = scene.rgb.copy()
    rgb[place] = np.rint(small * share[..., None] + rgb[place] * (1 - share[..., None]))
    masks = np.concatenate([behind, front[None]])
    return Scene(rgb, masks, (*scene.labels, other.labels[index]))


def _around(mask: Bool, aspect: float, rng: Generator) -> Box:
    x, y, box_w, box_h = cv2.boundingRect(mask.astype(np.uint8))
    height = max(box_h, box_w / aspect) * (1 + rng.uniform(0.05, 0.5))
    height = max(height, LEAST_AROUND, LEAST_AROUND / aspect)
    width = height * aspect
    x0 = round(x + (box_w - width) / 2 + rng.uniform(-0.1, 0.1) * width)
    y0 = round(y + (box_h - height) / 2 + rng.uniform(-0.1, 0.1) * height)
    return x0, y0, x0 + round(width), y0 + round(height)


def _within(length: int, part: int, rng: Generator) -> int:
    low, high = sorted((0, length - part))
    return int(rng.integers(low, high + 1))


def _recoloured(rgb: UInt8, rng: Generator) -> UInt8:
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
