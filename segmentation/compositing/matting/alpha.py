"""Turn a coarse mask into an alpha whose edge follows the photo."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import Bool, Float32, SizeHW, UInt8
from segmentation.compositing.matting.guided_filter import apply_linear_model, fit_linear_model
from segmentation.compositing.matting.multiscale import (
    Tile,
    average_blocks,
    box_mean,
    enlarge_tile,
    full_tile,
    padded_box,
    reduction_factor,
    repeat_pixels,
    tiles,
    to_bytes,
    to_unit,
)
from segmentation.compositing.matting.noise import noise_level, smooth_noise
from segmentation.errors import ChoiceError
from segmentation.parallel.strips import map_parts

# Radius of the guided filter in mask cells: how far an outline can move to the photo's edge. 1 is
# better for perfect masks, 2 for masks from a model.
FILTER_RADIUS_CELLS = 2.0
# The same when looking for fine hair.
HAIR_RADIUS_CELLS = 4.0
# Alpha is solved in a band around the outline, as wide as the filter's radius. Where the mask is
# uncertain (absolute logit below this), the band is up to this many times as wide.
UNCERTAIN_LOGIT = 2.0
UNCERTAIN_RADII = 3
# The filter leaves a ramp as wide as its window; this steepens it to the width of a real edge.
GAIN = 3.7
# Factor of the mask logits: where the model is undecided, a clear edge looks better than a veil.
# A larger value gains nothing.
LOGIT_GAIN = np.float32(3)
# Bins of the colour histograms, per channel.
HISTOGRAM_BINS = 16
# Added to the frequency of every colour, so that colours that are rare on both sides do not count.
FREQUENCY_OFFSET = 1e-4
# A colour moves a logit by at most this much, however typical it is of one side.
MAX_EVIDENCE = 2.0
# Weight of the colours against the mask, which is based on them too: 1 would treat both as
# independent.
COLOUR_WEIGHT = 0.7
# A hole or speck of up to this many mask cells is an error of the model, not part of the photo.
# Larger specks are listed as objects (see MIN_AREA of `postprocess`).
PINHOLE_CELLS, SPECK_CELLS = 4, 2


@dataclass(frozen=True, slots=True)
class Edge:
    """Settings for the edge of a cut-out.

    Attributes:
        softness: -1 (hard) to 1 (soft); 0 is as wide as the photo's own edges.
        grow: moves the edge outwards, or inwards if negative, by this many thousandths of the
            photo's longest side; from -20 to 20.
        fine_hair: look for strands of the object's colour further outside its outline. A background
            of the same colour is then partly included.

    Raises:
        ChoiceError: softness or grow is out of range.
    """

    softness: float = 0.0
    grow: float = 0.0
    fine_hair: bool = False

    def __post_init__(self) -> None:
        if not (-1 <= self.softness <= 1 and -20 <= self.grow <= 20):
            raise ChoiceError(
                "The edge's softness goes from -1 to 1 and its growth from -20 to 20. Choose "
                "values in these ranges.",
                "边缘柔和度的范围是 -1 到 1，扩缩的范围是 -20 到 20，请在此范围内取值。",
            )

    @property
    def _gain(self) -> float:
        return float(GAIN * 4.0**-self.softness)

    @property
    def _radius_cells(self) -> float:
        return HAIR_RADIUS_CELLS if self.fine_hair else FILTER_RADIUS_CELLS


def make_alpha(rgb: UInt8, mask_logits: Float32, edge: Edge | None = None) -> UInt8:
    """Compute the opacity of the chosen objects: their mask, with its outline on the photo's edges.

    The mask's logits are combined with the colours by Bayes' rule. A guided filter with the photo
    as guide is solved on a reduced copy and applied to the full photo, in a band around the outline
    (see `guided_filter`).

    Args:
        rgb: uint8 (H, W, 3).
        mask_logits: float32 (h, w) over the same frame, at the model's resolution.
        edge: settings for the edge; None takes `Edge()`.

    Returns:
        uint8 (H, W): 255 inside, 0 outside, in between only near the outline.
    """
    edge = edge or Edge()
    size_hw = rgb.shape[0], rgb.shape[1]
    factor = reduction_factor(size_hw)
    guide = to_unit(average_blocks(rgb, factor))
    cell_size = size_hw[1] / factor / mask_logits.shape[1]
    logits = _enlarge_mask(mask_logits, size_hw, factor)
    logits = _fill_pinholes(logits, logits.size / mask_logits.size)
    band = _band_to_solve(logits, edge._radius_cells * cell_size)
    # A mean over factor x factor pixels has that much less noise.
    noise = noise_level(rgb)
    model, opacity = _solve(guide, logits, band, edge, cell_size, noise / factor)
    repeated = repeat_pixels(to_bytes(opacity), factor)[: size_hw[0], : size_hw[1]]
    alpha = np.ascontiguousarray(repeated)
    soft = band & (_boundary_band(opacity >= 1, radius=1) | ((opacity > 0) & (opacity < 1)))

    def solve_tile(tile: Tile) -> tuple[Tile, Bool, Float32]:
        """Solve the soft pixels of a tile: its place in the photo, the pixels, their opacity."""
        full = full_tile(tile, factor)
        colours = to_unit(rgb[full])
        height, width = colours.shape[:2]
        where = repeat_pixels(soft[tile].astype(np.uint8), factor)[:height, :width] > 0
        tile_model = enlarge_tile(model, tile, factor)[:height, :width]
        return full, where, _opacity(tile_model, colours, where, edge._gain, noise)

    for full, where, tile_opacity in map_parts(solve_tile, tiles(soft)):
        alpha[full][where] = to_bytes(tile_opacity)
    return grow_alpha(alpha, edge)


def grow_alpha(alpha: UInt8, edge: Edge) -> UInt8:
    """Move the outline of an alpha outwards or inwards by `edge.grow`.

    Args:
        alpha: uint8 (H, W), of the whole photo.
        edge: settings for the edge.

    Returns:
        uint8 (H, W); `alpha` itself if the outline does not move.
    """
    radius = round(edge.grow * max(alpha.shape) / 1000)
    if radius == 0:
        return alpha
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(radius) + 1,) * 2)
    return np.asarray((cv2.dilate if radius > 0 else cv2.erode)(alpha, kernel), np.uint8)


def _enlarge_mask(mask_logits: Float32, photo_hw: SizeHW, factor: int) -> Float32:
    """Mask logits on the reduced grid, with pixel centres exactly where the photo has them."""
    height, width = (-(-side // factor) for side in photo_hw)
    # Scales, not a size: the reduced grid may reach beyond the photo by part of a pixel.
    enlarged = cv2.resize(
        mask_logits,
        None,
        fx=photo_hw[1] / factor / mask_logits.shape[1],
        fy=photo_hw[0] / factor / mask_logits.shape[0],
        interpolation=cv2.INTER_CUBIC,
    )
    bottom, right = max(0, height - enlarged.shape[0]), max(0, width - enlarged.shape[1])
    enlarged = cv2.copyMakeBorder(enlarged, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(enlarged[:height, :width], np.float32)


def _fill_pinholes(logits: Float32, cell_area: float) -> Float32:
    """Flip the sign of tiny holes and specks to that of their surroundings."""
    for inside, cells in ((False, PINHOLE_CELLS), (True, SPECK_CELLS)):
        region = ((logits > 0) == inside).astype(np.uint8)
        _, components, stats, _ = cv2.connectedComponentsWithStats(region, connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] <= cells * cell_area
        small[0] = False  # component 0 is the other side of the outline
        if small.any():
            logits = np.where(small[components], -logits, logits)
    return logits


def _band_to_solve(logits: Float32, radius: float) -> Bool:
    inside = logits > 0
    wide_band = _boundary_band(inside, radius=round(UNCERTAIN_RADII * radius))
    uncertain = (np.abs(logits) < UNCERTAIN_LOGIT) & wide_band
    return uncertain | _boundary_band(inside, radius=round(radius))


def _boundary_band(inside: Bool, radius: int) -> Bool:
    """Pixels within `radius` of a border between inside and outside."""
    kernel = np.ones((2 * max(radius, 1) + 1,) * 2, np.uint8)
    band = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, kernel)
    return np.asarray(band > 0)


def _solve(
    guide: Float32, logits: Float32, band: Bool, edge: Edge, cell_size: float, noise: float
) -> tuple[Float32, Float32]:
    """Solve the reduced copy: the linear model (h, w, 4) and the opacity (h, w) in 0..1."""
    model = np.zeros((*logits.shape, 4), np.float32)
    opacity = (logits > 0).astype(np.float32)
    if band.any():
        radius = edge._radius_cells * cell_size
        around = padded_box(band, margin=round(2 * radius))
        combined = _add_colours(LOGIT_GAIN * logits[around], guide[around], round(cell_size))
        model[around] = fit_linear_model(guide[around], sigmoid(combined), radius=round(radius))
        where = band[around]
        solved = _opacity(model[around], guide[around], where, edge._gain, noise)
        opacity[around][where] = solved
    return model, opacity


def _add_colours(logits: Float32, guide: Float32, radius: int) -> Float32:
    """Logits (h, w) of being inside, given the mask's logits and the colours (h, w, 3) in 0..1.

    How often a colour occurs inside and outside of the mask is evidence for one side, as in the
    colour models of GrabCut (Rother, Kolmogorov, Blake 2004,
    https://doi.org/10.1145/1015706.1015720), here as smoothed histograms. The colour of a single
    pixel is weak evidence, so it is averaged within `radius`.
    """
    colours = colour_bins(guide)
    inside = sigmoid(logits)
    ratio = np.log(colour_frequencies(colours, inside) / colour_frequencies(colours, 1 - inside))
    evidence = np.clip(ratio, -MAX_EVIDENCE, MAX_EVIDENCE)[colours]
    return logits + np.float32(COLOUR_WEIGHT) * box_mean(evidence, radius)


def colour_bins(guide: Float32) -> npt.NDArray[np.intp]:
    """Number the colours of float32 (h, w, 3) in 0..1: the histogram bin (h, w) of each pixel."""
    red, green, blue = (
        np.minimum(plane * HISTOGRAM_BINS, HISTOGRAM_BINS - 1).astype(np.intp)
        for plane in cv2.split(guide)
    )
    return (red * HISTOGRAM_BINS + green) * HISTOGRAM_BINS + blue


def colour_frequencies(colours: npt.NDArray[np.intp], weights: Float32) -> Float32:
    """Each colour's share of the weight, smoothed over neighbouring colours.

    Args:
        colours: bins (h, w), see `colour_bins`.
        weights: float32 (h, w).

    Returns:
        float32 (HISTOGRAM_BINS ** 3,), all above 0.
    """
    flat = np.bincount(colours.ravel(), weights.ravel(), HISTOGRAM_BINS**3)
    counts = np.asarray(flat, np.float64)
    kernel = np.array([1, 2, 1]) / 4
    for _ in range(3):  # blur along one axis of the colour cube, then move the next axis there
        cube = counts.reshape(HISTOGRAM_BINS, -1)
        blurred = cv2.sepFilter2D(cube, -1, np.ones(1), kernel, borderType=cv2.BORDER_CONSTANT)
        counts = np.asarray(blurred, np.float64).T
    shares = counts.ravel() / max(float(counts.sum()), 1)
    return np.asarray(shares + FREQUENCY_OFFSET, np.float32)


def _opacity(model: Float32, colours: Float32, where: Bool, gain: float, noise: float) -> Float32:
    """Opacity in 0..1 of some pixels of a noisy image, by the linear model.

    Args:
        model: float32 (h, w, 4), see `fit_linear_model`.
        colours: float32 (h, w, 3) in 0..1.
        where: bool (h, w), the n pixels that are asked for.
        gain: steepens the opacity around 0.5.
        noise: see `smooth_noise`.

    Returns:
        float32 (n,).
    """
    factors = model[where]
    smooth = smooth_noise(colours, where, gain * factors[:, :3], noise)
    value = apply_linear_model(factors, smooth)
    return np.asarray(np.clip((value - 0.5) * gain + 0.5, 0, 1), np.float32)


def sigmoid(logits: Float32) -> Float32:
    """Probabilities float32 (h, w) from logits float32 (h, w)."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)
