"""The objects' own colour along soft edges, without the colour of the old background."""

from collections.abc import Sequence

import cv2
import numpy as np

from segmentation.arrays import Bool, Float32, UInt8
from segmentation.compositing.matting.multiscale import (
    Tile,
    average_blocks,
    box_mean,
    enlarge_tile,
    full_tile,
    padded_box,
    reduction_factor,
    tiles,
    to_unit,
)
from segmentation.parallel.strips import map_parts

# Radii, in reduced pixels, of the neighbourhoods whose mean colour is taken, from the widest to the
# nearest.
NEIGHBOURHOOD_RADII = (24, 8, 3)
# Exponent of a pixel's opacity in the mean colour of the object: mixed pixels count for almost
# nothing.
PURITY_EXPONENT = 8
# Where fewer pixels than this share of a neighbourhood are pure, the wider neighbourhood counts.
MIN_PURE_SHARE = 0.003
# Weight of the mean colour against the pixel's own colour.
MEAN_WEIGHT = 0.01


def foreground(rgb: UInt8, alpha: UInt8) -> UInt8:
    """Estimate the object's colour in partly covered pixels, where the old background shows.

    For each such pixel, the mean colours of pure object F' and pure background B around it are
    taken on the reduced copy, from the nearest neighbourhood that has any, as in blur fusion (Forte
    2021, https://doi.org/10.1109/ICIP42928.2021.9506164). The pixel's own colour I then gives F, as
    the minimum of |alpha F + (1 - alpha) B - I|^2 + MEAN_WEIGHT |F - F'|^2.

    Args:
        rgb: uint8 (H, W, 3), as photographed.
        alpha: uint8 (H, W), the object's opacity.

    Returns:
        uint8 (H, W, 3), a copy that differs from `rgb` only where 0 < alpha < 255.
    """
    height, width = alpha.shape
    factor = reduction_factor((height, width))
    opacity = to_unit(average_blocks(alpha, factor))
    mixed = (opacity > 0) & (opacity < 1)
    colours = rgb.copy()
    if not mixed.any():
        return colours
    around = padded_box(mixed, margin=NEIGHBOURHOOD_RADII[0])
    reduced = average_blocks(rgb[full_tile(around, factor)], factor)
    planes = [np.asarray(plane, np.float32) for plane in cv2.split(reduced)]
    means = np.zeros((*opacity.shape, 6), np.float32)
    means[around] = cv2.merge(
        [
            *_nearby_means(planes, opacity[around] ** PURITY_EXPONENT),
            *_nearby_means(planes, (1 - opacity[around]) ** PURITY_EXPONENT),
        ]
    )

    def solve_tile(tile: Tile) -> tuple[Tile, Bool, UInt8]:
        """Solve the partly covered pixels of a tile: its place, the pixels, their colours."""
        full = full_tile(tile, factor)
        partly = (alpha[full] > 0) & (alpha[full] < 255)
        observed = rgb[full][partly].astype(np.float32)
        share = to_unit(alpha[full][partly])[:, None]
        tile_means = enlarge_tile(means, tile, factor)[: partly.shape[0], : partly.shape[1]][partly]
        object_mean, background_mean = tile_means[:, :3], tile_means[:, 3:]
        residual = observed - share * object_mean - (1 - share) * background_mean
        solved = object_mean + share / (share**2 + MEAN_WEIGHT) * residual
        return full, partly, np.rint(np.clip(solved, 0, 255)).astype(np.uint8)

    for full, partly, levels in map_parts(solve_tile, tiles(mixed)):
        colours[full][partly] = levels
    return colours


def _nearby_means(planes: Sequence[Float32], weight: Float32) -> Sequence[Float32]:
    """Weighted mean of each plane (h, w) around each pixel, from as near as there is any weight."""
    means = planes
    for radius in NEIGHBOURHOOD_RADII:
        total_weight = box_mean(weight, radius) + MIN_PURE_SHARE
        means = [
            (box_mean(plane * weight, radius) + MIN_PURE_SHARE * mean) / total_weight
            for plane, mean in zip(planes, means, strict=True)
        ]
    return means
