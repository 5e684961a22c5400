"""The guided filter with a colour image as guide.

He, Sun, Tang 2013, https://doi.org/10.1109/TPAMI.2012.213, equations 19 to 21. Our own code, since
only opencv-contrib has this filter, and without the linear model that is needed to apply it at
another resolution (He, Sun 2015, https://arxiv.org/abs/1505.00996). Channels are kept apart, since
NumPy is several times as fast on whole planes as on every third value.
"""

import cv2
import numpy as np

from segmentation.arrays import Float32
from segmentation.compositing.matting.multiscale import box_mean

# Regularisation, for colours in 0..1. This and GAIN of `alpha` gave the smallest error on objects
# of known alpha.
EPSILON = 2e-4


def fit_linear_model(guide: Float32, values: Float32, radius: int) -> Float32:
    """Fit, around each pixel, the affine map from colour to value.

    Args:
        guide: float32 (h, w, 3), colours in 0..1.
        values: float32 (h, w), what is to be filtered.
        radius: of the square window, in pixels.

    Returns:
        float32 (h, w, 4): three factors and an offset.
    """
    planes = [np.asarray(plane, np.float32) for plane in cv2.split(guide)]
    means = [box_mean(plane, radius) for plane in planes]
    mean_value = box_mean(values, radius)

    def covariance(first: int, second: int) -> Float32:
        product = box_mean(planes[first] * planes[second], radius)
        product -= means[first] * means[second]
        if first == second:
            product += np.float32(EPSILON)
        return product

    rr, rg, rb = (covariance(0, channel) for channel in range(3))
    gg, gb, bb = covariance(1, 1), covariance(1, 2), covariance(2, 2)
    # The inverse of a symmetric 3x3 matrix by cofactors: one pass, no loop over pixels.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * c_rr + rg * c_rg + rb * c_rb
    red, green, blue = (
        (box_mean(plane * values, radius) - mean * mean_value) / determinant
        for plane, mean in zip(planes, means, strict=True)
    )
    factors = (
        c_rr * red + c_rg * green + c_rb * blue,
        c_rg * red + c_gg * green + c_gb * blue,
        c_rb * red + c_gb * green + c_bb * blue,
    )
    offset = mean_value - sum(factor * mean for factor, mean in zip(factors, means, strict=True))
    return np.asarray(cv2.merge([box_mean(part, radius) for part in (*factors, offset)]))


def apply_linear_model(model: Float32, colours: Float32) -> Float32:
    """Map colours to values.

    Args:
        model: float32 (n, 4), pixels of that of `fit_linear_model`.
        colours: float32 (n, 3) in 0..1, of the same pixels.

    Returns:
        float32 (n,).
    """
    value = model[..., 3] + (model[..., :3] * colours).sum(axis=-1)
    return np.asarray(value, np.float32)
