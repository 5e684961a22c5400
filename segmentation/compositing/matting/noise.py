"""The noise of a photo, which an edge amplifies where object and background differ little."""

import cv2
import numpy as np

from segmentation.arrays import Bool, Float32, UInt8

# Noise is filtered where it would change the opacity by more than this (standard deviation), with
# a Gaussian of this radius (standard deviation) in pixels: over about two pixels on each side.
MAX_SPECKLE = 0.1
RADIUS = 1.2
# Rows of a photo from which its noise is estimated.
ROWS = 64
# Median of the absolute second differences over the noise: the coefficients (1, -2, 1) in both
# directions have a norm of 6, and the median of a normal distribution is 0.6745.
MEDIAN_OVER_NOISE = 6 * 0.6745


def noise_level(rgb: UInt8) -> float:
    """Estimate the noise of a photo from the second differences of some of its rows.

    Immerkaer 1996, "Fast noise variance estimation", https://doi.org/10.1006/cviu.1996.0060, here
    with the median instead of the mean, so that edges do not count.

    Args:
        rgb: uint8 (H, W, 3).

    Returns:
        Standard deviation, for colours in 0..1; 0 for a photo of less than 3 x 3 pixels.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < 3:
        return 0.0
    rows = np.unique(np.linspace(1, height - 2, ROWS).astype(np.intp))
    above, row, below = (rgb[rows + offset].astype(np.int16) for offset in (-1, 0, 1))
    vertical = above - 2 * row + below
    both = vertical[:, :-2] - 2 * vertical[:, 1:-1] + vertical[:, 2:]
    return float(np.median(np.abs(both))) / MEDIAN_OVER_NOISE / 255


def smooth_noise(colours: Float32, where: Bool, factors: Float32, noise: float) -> Float32:
    """Filter noise as far as it would show in the opacity, like a Wiener filter.

    Args:
        colours: float32 (h, w, 3) in 0..1.
        where: bool (h, w), the n pixels that are asked for.
        factors: float32 (n, 3), change of their opacity with each channel.
        noise: standard deviation of the noise in the colours.

    Returns:
        float32 (n, 3), the colours of these pixels, filtered unless noise shows in none of them.
    """
    exact = colours[where]
    if noise * float(np.abs(factors).max(initial=0)) < MAX_SPECKLE / 4:
        return exact
    slope = np.hypot(np.hypot(factors[:, 0], factors[:, 1]), factors[:, 2])
    # The least value keeps squares above the smallest float.
    speckle = np.maximum(noise / MAX_SPECKLE * slope, np.float32(1e-6))[:, None]
    smooth = cv2.GaussianBlur(colours, (0, 0), RADIUS, borderType=cv2.BORDER_REFLECT)[where]
    return np.asarray(smooth + (exact - smooth) / (1 + speckle * speckle), np.float32)
