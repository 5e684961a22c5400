"""The guided filter with a colour image as guide.

He, Sun, Tang 2013, https://doi.org/10.1109/TPAMI.2012.213, equations 19 to 21. Our own code, since
only opencv-contrib has this filter, and without the linear model that is needed to apply it at
another resolution (He, Sun 2015, https://arxiv.org/abs/1505.00996).
"""

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
    mean_guide = box_mean(guide, radius)
    mean_value = box_mean(values, radius)
    covariance = box_mean(guide * values[..., None], radius) - mean_guide * mean_value[..., None]
    products = box_mean(guide[..., (0, 0, 0, 1, 1, 2)] * guide[..., (0, 1, 2, 1, 2, 2)], radius)
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
    return box_mean(model, radius)


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
