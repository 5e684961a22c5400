"""From a coarse mask to an edge that follows the photo, and to colour without the old background.

Both work at two scales: a reduced copy of the photo decides, and the full photo is touched only in
the tiles an edge runs through. So a large photo costs what its outline costs, not what it weighs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import Bool, Float32, UInt8
from segmentation.errors import ChoiceError

# The reduced copy has at most this longest side: some ten pixels to a cell of the mask grid.
REDUCED_SIDE = 1024
# Side of a tile, in reduced pixels.
TILE = 48
# Radius of the guided filter in mask cells: how far it can move an outline to the photo's edge.
# 1 is better for perfect masks, 2 for masks that a model made.
REACH_CELLS = 2.0
# The same where strands are looked for.
HAIR_REACH_CELLS = 4.0
# The band in which alpha is solved reaches as far from the outline as the filter does, and where
# the mask is unsure (sigmoid of this logit) up to this many times as far.
UNSURE_LOGIT = 2.0
UNSURE_REACHES = 3
# Regularisation of the guided filter, for colours in 0..1. This and GAIN gave the least error on
# objects of known alpha.
EPSILON = 2e-4
# The filter leaves a ramp as wide as its window; this steepens it to the width of a real edge.
GAIN = 3.7
# Multiplies the mask logits: where the model is in two minds, a person wants a yes or a no, not a
# ghost. More than this gains nothing.
DECISIVENESS = np.float32(3)
# Colours are told apart in this many steps of each channel.
COLOUR_STEPS = 16
# Added to the share of every colour: what was hardly seen on either side says nothing.
RARE = 1e-4
# However typical colours are of one side, they move a logit no further than this.
MOST_EVIDENCE = 2.0
# What colours count against the mask, which has seen them too: 1 would be as if it had not.
TRUST_IN_COLOURS = 0.7
# A hole or speck of up to this many mask cells is the model's doubt, not a thing in the photo. Of
# specks, larger ones are listed as objects (see SPECK_AREA of `instances`).
PINHOLE_CELLS, SPECK_CELLS = 4, 2
# Radii, in reduced pixels, of the neighbourhoods of a colour, from the widest to the nearest.
COLOUR_RADII = (24, 8, 3)
# This power of its share makes a mixed pixel count for next to nothing in the mean of a side.
PURITY = 8
# A neighbourhood of less than this share of pure pixels leaves the word to the wider one.
FAINT = 0.003
# How much the mean colour counts against what the pixel itself shows.
TRUST_IN_MEAN = 0.01


@dataclass(frozen=True, slots=True)
class Edge:
    """How a person wants the edge.

    Attributes:
        softness: -1 (hard) to 1 (soft); 0 is as wide as the photo's own edges.
        grow: moves the edge outwards, or inwards if negative, by this many thousandths of the
            photo's longest side; from -20 to 20.
        fine_hair: look for strands of the object's colour further outside its outline; on a
            background of that colour it takes in some of that too.

    Raises:
        ChoiceError: softness or grow is beyond its range.
    """

    softness: float = 0.0
    grow: float = 0.0
    fine_hair: bool = False

    def __post_init__(self) -> None:
        if not (-1 <= self.softness <= 1 and -20 <= self.grow <= 20):
            raise ChoiceError(
                "The edge's softness goes from -1 to 1, its growth from -20 to 20.",
                "边缘柔和度范围为 -1 到 1，扩缩范围为 -20 到 20。",
            )

    @property
    def _gain(self) -> float:
        return float(GAIN * 4.0**-self.softness)

    @property
    def _reach_cells(self) -> float:
        return HAIR_REACH_CELLS if self.fine_hair else REACH_CELLS


def make_alpha(rgb: UInt8, mask_logits: Float32, edge: Edge | None = None) -> UInt8:
    """Opacity of the chosen objects: the mask's own outline, moved to the edges of the photo.

    What the mask says of a pixel is weighed with what its colour says, by Bayes' rule. A guided
    filter (He, Sun, Tang 2013, https://doi.org/10.1109/TPAMI.2012.213) with the photo's
    colours as guide is solved on the reduced copy and applied to the full photo (He, Sun 2015,
    https://arxiv.org/abs/1505.00996), within a band around the outline.

    Args:
        rgb: uint8 (H, W, 3).
        mask_logits: float32 (h, w) over the same frame, at the model's resolution.
        edge: how the edge is wanted; None takes `Edge()`.

    Returns:
        uint8 (H, W): 255 inside, 0 outside, between only near the outline.
    """
    edge = edge or Edge()
    factor = _factor(rgb)
    guide = _unit(_reduce(rgb, factor))
    cell = rgb.shape[1] / factor / mask_logits.shape[1]
    logits = _enlarge_mask(mask_logits, rgb, factor)
    logits = _without_pinholes(logits, logits.size / mask_logits.size)
    inside = logits > 0
    reach = edge._reach_cells * cell
    unsure = (np.abs(logits) < UNSURE_LOGIT) & _outline(
        inside, radius=round(UNSURE_REACHES * reach)
    )
    band = unsure | _outline(inside, radius=round(reach))
    around = _box_around(band, margin=round(2 * reach))
    model = np.zeros((*inside.shape, 4), np.float32)
    rough = inside.astype(np.float32)
    if band.any():
        weighed = _with_colours(DECISIVENESS * logits[around], guide[around], round(cell))
        model[around] = _linear_model(guide[around], _sigmoid(weighed), radius=round(reach))
        decided = _opacity(model[around], guide[around], edge._gain)
        rough[around][band[around]] = decided[band[around]]
    alpha = _repeat(_to_bytes(rough), factor)[: rgb.shape[0], : rgb.shape[1]].copy()
    soft = band & (_outline(rough >= 1, radius=1) | ((rough > 0) & (rough < 1)))
    for tile in _tiles(soft):
        model_here = _enlarge(model, tile, factor)
        full = _full(tile, factor)
        colours = _unit(rgb[full])
        height, width = colours.shape[:2]
        opacity = _opacity(model_here[:height, :width], colours, edge._gain)
        there = _repeat(soft[tile].astype(np.uint8), factor)[:height, :width] > 0
        np.copyto(alpha[full], _to_bytes(opacity), where=there)
    return grown(alpha, edge)


def grown(alpha: UInt8, edge: Edge) -> UInt8:
    """An alpha uint8 (H, W) of the whole photo with its outline moved as the edge says."""
    radius = round(edge.grow * max(alpha.shape) / 1000)
    if radius == 0:
        return alpha
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(radius) + 1,) * 2)
    return np.asarray((cv2.dilate if radius > 0 else cv2.erode)(alpha, kernel), np.uint8)


def foreground(rgb: UInt8, alpha: UInt8) -> UInt8:
    """The object's own colour where it is partly covered, so that no old background shines through.

    Near every such pixel the mean colour of what is wholly object, and of what is wholly not, is
    taken on the reduced copy; from the nearest neighbourhood that has some, as blur-fusion does
    (Forte 2021, https://doi.org/10.1109/ICIP42928.2021.9506164). Then the pixel's own colour I
    decides: F minimises |alpha F + (1 - alpha) B - I|^2 + TRUST_IN_MEAN |F - mean|^2.

    Args:
        rgb: uint8 (H, W, 3), what the camera saw.
        alpha: uint8 (H, W).

    Returns:
        uint8 (H, W, 3): changed only where 0 < alpha < 255.
    """
    factor = _factor(rgb)
    opacity = _unit(_reduce(alpha, factor))
    mixed = (opacity > 0) & (opacity < 1)
    colours = rgb.copy()
    if not mixed.any():
        return colours
    around = _box_around(mixed, margin=COLOUR_RADII[0])
    image = np.asarray(_reduce(rgb, factor)[around], np.float32)
    means = np.zeros((*opacity.shape, 6), np.float32)
    means[around][..., :3] = _nearby_mean(image, opacity[around] ** PURITY)
    means[around][..., 3:] = _nearby_mean(image, (1 - opacity[around]) ** PURITY)
    for tile in _tiles(mixed):
        full = _full(tile, factor)
        seen = rgb[full].astype(np.float32)
        share = _unit(alpha[full])[..., None]
        means_here = _enlarge(means, tile, factor)[: seen.shape[0], : seen.shape[1]]
        ours, theirs = means_here[..., :3], means_here[..., 3:]
        unexplained = seen - share * ours - (1 - share) * theirs
        solved = ours + share / (share**2 + TRUST_IN_MEAN) * unexplained
        there = (share > 0) & (share < 1)
        np.copyto(colours[full], np.rint(np.clip(solved, 0, 255)).astype(np.uint8), where=there)
    return colours


def _factor(rgb: UInt8) -> int:
    longest: int = max(rgb.shape[:2])
    return -(-longest // REDUCED_SIDE)


def _reduce(image: UInt8, factor: int) -> UInt8:
    """Means of factor x factor pixels; the last row and column are repeated to fill the grid."""
    height, width = (-(-side // factor) for side in image.shape[:2])
    bottom, right = height * factor - image.shape[0], width * factor - image.shape[1]
    padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(padded, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _enlarge_mask(mask_logits: Float32, rgb: UInt8, factor: int) -> Float32:
    """Mask logits on the reduced grid, pixel centres exactly where the photo has them."""
    height, width = (-(-side // factor) for side in rgb.shape[:2])
    # Scales, not a size: the reduced grid may reach beyond the photo by part of a pixel.
    grown = cv2.resize(
        mask_logits,
        None,
        fx=rgb.shape[1] / factor / mask_logits.shape[1],
        fy=rgb.shape[0] / factor / mask_logits.shape[0],
        interpolation=cv2.INTER_CUBIC,
    )
    bottom, right = max(0, height - grown.shape[0]), max(0, width - grown.shape[1])
    grown = cv2.copyMakeBorder(grown, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(grown[:height, :width], np.float32)


def _without_pinholes(logits: Float32, cell_area: float) -> Float32:
    """The mask with the sign of tiny holes and specks turned to that of what is around them."""
    for inside, cells in ((False, PINHOLE_CELLS), (True, SPECK_CELLS)):
        region = ((logits > 0) == inside).astype(np.uint8)
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(region, connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] <= cells * cell_area
        small[0] = False  # the other side of the outline
        logits = np.where(small[pieces], -logits, logits)
    return logits


def _outline(inside: Bool, radius: int) -> Bool:
    """Pixels within `radius` of a border between inside and outside."""
    kernel = np.ones((2 * max(radius, 1) + 1,) * 2, np.uint8)
    band = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, kernel)
    return np.asarray(band > 0)


def _box_around(region: Bool, margin: int) -> tuple[slice, slice]:
    left, top, width, height = cv2.boundingRect(region.astype(np.uint8))
    return (
        slice(max(top - margin, 0), top + height + margin),
        slice(max(left - margin, 0), left + width + margin),
    )


def _with_colours(logits: Float32, guide: Float32, radius: int) -> Float32:
    """Logits (h, w) of being inside, given the mask's logits and the colours (h, w, 3) in 0..1.

    How often a colour is found inside and outside of the mask tells for which side it speaks, as in
    the colour models of GrabCut (Rother, Kolmogorov, Blake 2004,
    https://doi.org/10.1145/1015706.1015720), here as smoothed histograms. One pixel's colour says
    little, so those within `radius` speak together.
    """
    steps = np.minimum(guide * COLOUR_STEPS, COLOUR_STEPS - 1).astype(np.intp)
    colours = np.ravel_multi_index(tuple(np.moveaxis(steps, -1, 0)), (COLOUR_STEPS,) * 3)
    inside = _sigmoid(logits)
    evidence = np.log(_shares(colours, inside) / _shares(colours, 1 - inside))
    said = np.clip(evidence, -MOST_EVIDENCE, MOST_EVIDENCE)[colours]
    return logits + np.float32(TRUST_IN_COLOURS) * _mean(said, radius)


def _shares(colours: npt.NDArray[np.intp], weights: Float32) -> Float32:
    """How much of the weight each colour has, a little of it spread to the colours beside it."""
    flat = np.bincount(colours.ravel(), weights.ravel(), COLOUR_STEPS**3)
    counts = np.asarray(flat, np.float64)
    beside = np.array([1, 2, 1]) / 4
    for _ in range(3):  # a blur along one axis of the colour cube, and the next axis to its place
        cube = counts.reshape(COLOUR_STEPS, -1)
        blurred = cv2.sepFilter2D(cube, -1, np.ones(1), beside, borderType=cv2.BORDER_CONSTANT)
        counts = np.asarray(blurred, np.float64).T
    return np.asarray(counts.ravel() / max(float(counts.sum()), 1) + RARE, np.float32)


def _linear_model(guide: Float32, values: Float32, radius: int) -> Float32:
    """Per pixel, the affine map from colour to value that the guided filter fits around it.

    Equations 19 to 21 of He, Sun, Tang 2013.

    Returns:
        float32 (h, w, 4): three factors and an offset, for colours in 0..1.
    """
    mean_guide = _mean(guide, radius)
    mean_value = _mean(values, radius)
    covariance = _mean(guide * values[..., None], radius) - mean_guide * mean_value[..., None]
    products = _mean(guide[..., (0, 0, 0, 1, 1, 2)] * guide[..., (0, 1, 2, 1, 2, 2)], radius)
    products -= mean_guide[..., (0, 0, 0, 1, 1, 2)] * mean_guide[..., (0, 1, 2, 1, 2, 2)]
    products[..., (0, 3, 5)] += EPSILON
    rr, rg, rb, gg, gb, bb = (products[..., channel] for channel in range(6))
    # The inverse of a symmetric 3x3 matrix by cofactors: one pass, no loop over pixels.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * c_rr + rg * c_rg + rb * c_rb
    red, green, blue = (covariance[..., channel] / determinant for channel in range(3))
    model = np.empty((*values.shape, 4), np.float32)
    model[..., 0] = c_rr * red + c_rg * green + c_rb * blue
    model[..., 1] = c_rg * red + c_gg * green + c_gb * blue
    model[..., 2] = c_rb * red + c_gb * green + c_bb * blue
    model[..., 3] = mean_value - (model[..., :3] * mean_guide).sum(axis=-1)
    return _mean(model, radius)


def _opacity(model: Float32, colours: Float32, gain: float) -> Float32:
    """What the model makes of colours (h, w, 3) in 0..1: opacity in 0..1."""
    value = model[..., 3] + (model[..., :3] * colours).sum(axis=-1)
    return np.asarray(np.clip((value - 0.5) * gain + 0.5, 0, 1), np.float32)


def _nearby_mean(image: Float32, weight: Float32) -> Float32:
    """Weighted mean colour (h, w, 3) around each pixel, from as near as there is any weight."""
    mean = image
    for radius in COLOUR_RADII:
        total = _mean(image * weight[..., None], radius)
        mean = (total + FAINT * mean) / (_mean(weight, radius)[..., None] + FAINT)
    return mean


def _mean(values: Float32, radius: int) -> Float32:
    size = 2 * max(radius, 1) + 1
    return np.asarray(cv2.blur(values, (size, size), borderType=cv2.BORDER_REFLECT), np.float32)


def _sigmoid(logits: Float32) -> Float32:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)


def _unit(values: UInt8) -> Float32:
    return np.asarray(values * np.float32(1 / 255), np.float32)


def _to_bytes(opacity: Float32) -> UInt8:
    return np.rint(opacity * 255).astype(np.uint8)


def _tiles(region: Bool) -> Iterator[tuple[slice, slice]]:
    """The tiles of a reduced grid that touch a region."""
    height, width = region.shape
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            tile = slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width))
            if region[tile].any():
                yield tile


def _full(tile: tuple[slice, slice], factor: int) -> tuple[slice, slice]:
    """The same tile of the full photo; slicing with it stops at the photo's end."""
    rows, columns = tile
    return (
        slice(rows.start * factor, rows.stop * factor),
        slice(columns.start * factor, columns.stop * factor),
    )


def _enlarge(values: Float32, tile: tuple[slice, slice], factor: int) -> Float32:
    """A tile of reduced values (h, w, C) at full resolution, without seams to its neighbours."""
    rows, columns = (
        np.clip(np.arange(side.start - 1, side.stop + 1), 0, length - 1)
        for side, length in zip(tile, values.shape, strict=False)
    )
    ringed = values[np.ix_(rows, columns)]
    height, width = (side * factor for side in ringed.shape[:2])
    grown = cv2.resize(ringed, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown[factor:-factor, factor:-factor], np.float32)


def _repeat(image: UInt8, factor: int) -> UInt8:
    height, width = (side * factor for side in image.shape)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
