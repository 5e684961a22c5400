"""Round weights and activations to 8 bits."""

from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.arrays import Float32, UInt8

# Weights have seven bits: a processor without VNNI adds two 8-bit products in 16 bits, with
# saturation (onnxruntime's docs, "Quantize ONNX Models": U8S8, reduce_range). 2 x 255 x 64 fits.
WEIGHT_LIMIT = 64
# A bias is an int32 in units of the product it is added to. Half of its range is left to the sum.
BIAS_LIMIT = 2.0**30
Range = tuple[Float32, Float32]
"""The smallest and the largest element of a value, float32 () or one of each channel, (C,)."""
Constants = dict[str, npt.NDArray[Any]]
"""Constants of a graph by name."""


def to_int8(
    weight: Float32, axis: int, min_scale: Float32 | float = 0.0
) -> tuple[npt.NDArray[np.int8], Float32]:
    """Round weights to -WEIGHT_LIMIT..WEIGHT_LIMIT with one scale for each index along an axis.

    Args:
        weight: float32, any shape.
        axis: axis of the scales.
        min_scale: smallest scale, scalar or float32 (S,), so that a bias in units of the scale
            fits into an int32.

    Returns:
        int8 weights in the shape of `weight`, and float32 scales (S,), S being the length of the
        axis.
    """
    other_axes = tuple(index for index in range(weight.ndim) if index != axis)
    largest = np.abs(weight).max(other_axes)
    scales = np.maximum(np.where(largest > 0, largest, 1) / WEIGHT_LIMIT, min_scale)
    scale = np.expand_dims(scales.astype(np.float32), other_axes)
    return np.rint(weight / scale).astype(np.int8), scale.reshape(-1)


def int8_weight(name: str, weight: Float32, axis: int) -> Constants:
    """Make the constants of an int8 weight: integers, scales and zero points, in this order."""
    integers, scale = to_int8(weight, axis)
    return {
        f"{name}_int8": integers,
        f"{name}_scale": scale,
        f"{name}_zero": np.zeros(len(scale), np.int8),
    }


def uint8_levels(limits: Range) -> tuple[Float32, UInt8]:
    """Compute the step and the zero point of a range that is widened to include 0.

    0 stays exact.

    Returns:
        float32 and uint8, in the shape of the limits.
    """
    low, high = np.minimum(limits[0], 0.0), np.maximum(limits[1], 0.0)
    step = np.where(high > low, (high - low) / 255, 1.0)
    return step.astype(np.float32), np.rint(-low / step).astype(np.uint8)


def whole_range(limits: Range) -> Range:
    """Join the ranges of all channels."""
    return limits[0].min(), limits[1].max()
