"""The effect of brush strokes on an alpha: what is under them, with an edge that follows the photo.

The core of a stroke is decided. In its rim and a little beyond, alpha is solved as in `make_alpha`:
colour statistics of both sides, then a guided filter, on a reduced copy and applied to the photo.
"""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np

from segmentation.arrays import Float32, UInt8
from segmentation.compositing.matting.alpha import GAIN, colour_bins, colour_frequencies, sigmoid
from segmentation.compositing.matting.guided_filter import fit_linear_model
from segmentation.compositing.matting.multiscale import (
    average_blocks,
    box_mean,
    enlarge_tile,
    full_tile,
    reduction_factor,
    repeat_pixels,
    tiles,
    to_bytes,
    to_unit,
)
from segmentation.compositing.matting.stroke_masks import Correction
from segmentation.compositing.strokes import REACH, Window

# Depth (see `Stroke.depth`) from which a stroke decides alone. Between here and the rim, colours
# can decide against it: a stroke is rough, and half of its width may lie on the background.
CORE_DEPTH = 0.5
# Margin around a stroke whose colours count, in radii.
MARGIN = 1.5
# Least radius of a stroke in reduced pixels, where the photo has that many: thin strokes are solved
# on a finer grid than large ones.
REDUCED_RADIUS = 16
# Most pixels of the reduced copy: a stroke across a large photo shall take effect at once, too.
MAX_REDUCED_PIXELS = 300_000
# A colour moves a logit by at most this much. The stroke itself outweighs that at the core's border
# and where its reach ends, and says nothing at its rim.
MAX_EVIDENCE = 4.0
STROKE_LOGIT = 6.0
# The colour of a single pixel is weak evidence, so it is averaged within this share of the radius.
EVIDENCE_RADIUS = 0.08
# Radius of the guided filter, as a share of the stroke's radius, and at most in reduced pixels.
FILTER_RADIUS, MAX_FILTER_PIXELS = 0.3, 16


def apply_strokes(alpha: UInt8, rgb: UInt8, strokes: Sequence[Correction]) -> UInt8:
    """Correct an alpha by brush strokes, in order: a later stroke wins over an earlier one.

    A stroke that keeps only raises alpha, and one that erases only lowers it, up to a quarter of
    its radius beyond its rim. Everything else stays exactly as it is.

    Args:
        alpha: uint8 (H, W).
        rgb: uint8 (H, W, 3), the photo.
        strokes: see `Stroke`.

    Returns:
        uint8 (H, W); `alpha` itself if there are no strokes.

    Raises:
        ChoiceError: a mask file has another shape than the photo.
    """
    if strokes:
        alpha = alpha.copy()
    for stroke in strokes:
        _apply(alpha, rgb, stroke)
    return alpha


def _apply(alpha: UInt8, rgb: UInt8, stroke: Correction) -> None:
    """Correct an alpha (H, W) by one stroke, in place."""
    photo_hw = rgb.shape[0], rgb.shape[1]
    box_xyxy = stroke.box_in(photo_hw, MARGIN)
    if box_xyxy is None:
        return
    left, top, right, bottom = box_xyxy
    radius = stroke.radius_in(photo_hw)
    finest = ceil(sqrt((right - left) * (bottom - top) / MAX_REDUCED_PIXELS))
    factor = max(1, finest, min(reduction_factor(photo_hw), round(radius / REDUCED_RADIUS)))
    window = Window(photo_hw, box_xyxy, factor)
    colours = np.ascontiguousarray(rgb[top:bottom, left:right])
    part = alpha[top:bottom, left:right]
    # Erasing is keeping for the background.
    if stroke.mode == "keep":
        np.maximum(part, _keep(part, colours, stroke, window), out=part)
    else:
        background = 255 - part
        np.minimum(part, 255 - _keep(background, colours, stroke, window), out=part)


def _keep(alpha: UInt8, rgb: UInt8, stroke: Correction, window: Window) -> UInt8:
    """What a stroke adds to an alpha (H, W): 255 in its core, 0 beyond its reach."""
    factor = window.factor
    depth = stroke.depth(window)
    radius = stroke.radius_in(window.photo_hw) / factor
    guide = to_unit(average_blocks(rgb, factor))
    inside = _probabilities(depth, to_unit(average_blocks(alpha, factor)), guide, radius)
    filter_radius = max(2, round(min(FILTER_RADIUS * radius, MAX_FILTER_PIXELS)))
    values = np.empty((*depth.shape, 5), np.float32)
    values[..., :4] = fit_linear_model(guide, inside, filter_radius)
    values[..., 4] = depth
    core = (depth >= CORE_DEPTH).astype(np.uint8) * np.uint8(255)
    added = repeat_pixels(core, factor)[: rgb.shape[0], : rgb.shape[1]].copy()
    near = 1.5 / radius  # in depth: a reduced pixel, so that the borders are drawn at full size
    for tile in tiles((depth > -REACH - near) & (depth < CORE_DEPTH + near)):
        full = full_tile(tile, factor)
        tile_colours = to_unit(rgb[full])
        height, width = tile_colours.shape[:2]
        tile_values = enlarge_tile(values, tile, factor)[:height, :width]
        added[full] = to_bytes(_opacity(tile_values, tile_colours, radius * factor))
    return added


def _probabilities(depth: Float32, opacity: Float32, guide: Float32, radius: float) -> Float32:
    """Probability (h, w) of belonging to what the stroke keeps.

    Args:
        depth: float32 (h, w), see `Stroke.depth`.
        opacity: float32 (h, w) in 0..1, before the stroke.
        guide: float32 (h, w, 3), colours in 0..1.
        radius: of the stroke, in pixels of these arrays.
    """
    core = (depth >= CORE_DEPTH).astype(np.float32)
    outside = (1 - opacity) * (depth < -REACH)
    colours = colour_bins(guide)
    kept = colour_frequencies(colours, core)
    if opacity.any():  # the stroke's colours count as much as all others of the object
        kept = np.float32(0.5) * (kept + colour_frequencies(colours, opacity))
    ratio = np.log(kept / colour_frequencies(colours, outside))
    evidence = np.clip(ratio, -MAX_EVIDENCE, MAX_EVIDENCE)[colours].astype(np.float32)
    evidence = box_mean(evidence, round(EVIDENCE_RADIUS * radius))
    scaled = np.where(depth > 0, depth / CORE_DEPTH, depth / REACH)
    share = np.clip(scaled, -1, 1).astype(np.float32)
    inside = sigmoid(np.float32(STROKE_LOGIT) * share**3 + evidence)
    inside[depth >= CORE_DEPTH] = 1
    inside[depth < -REACH] = 0
    return np.maximum(inside, opacity)


def _opacity(values: Float32, colours: Float32, radius: float) -> Float32:
    """Opacity (h, w) that the stroke adds.

    Args:
        values: float32 (h, w, 5), the linear model and the depth.
        colours: float32 (h, w, 3) in 0..1.
        radius: of the stroke, in pixels of these arrays.
    """
    depth = values[..., 4]
    value = np.einsum("...c,...c", values[..., :3], colours) + values[..., 3]
    solved = np.clip((value - 0.5) * GAIN + 0.5, 0, 1)
    core = np.clip((depth - CORE_DEPTH) * radius + 0.5, 0, 1)
    # Fades out over the last third of the reach, so that no line is seen where it ends.
    fade = np.clip((depth + REACH) / (REACH / 3), 0, 1)
    return np.asarray(np.maximum(solved * fade, core), np.float32)
