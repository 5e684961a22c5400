"""Multi-scale deformable attention for training on CPUs (Zhu et al. 2021, Deformable DETR, equation
3, https://arxiv.org/abs/2010.04159).

Own code because `transformers` samples each level with grid_sample and then stacks and weights all
samples: tensors of over a hundred megabytes for sums of twelve numbers. Here each sum is computed
in place, forward and backward.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from transformers.models.mask2former import modeling_mask2former

from segmentation.arrays import Float32

Shapes = npt.NDArray[np.int64]


def deformable_attention(
    value: Tensor,
    value_spatial_shapes: Tensor | list[tuple[int, int]],
    sampling_locations: Tensor,
    attention_weights: Tensor,
) -> Tensor:
    """Replace multi_scale_deformable_attention of `transformers`, with the same arguments.

    Args:
        value: float (B, S, heads, D), the cells of all levels, one level after the other.
        value_spatial_shapes: (height, width) of the levels; their products sum to S.
        sampling_locations: float (B, Q, heads, levels, points, 2), x and y, 0..1 inside a level.
        attention_weights: float (B, Q, heads, levels, points).

    Returns:
        Float32 (B, Q, heads * D). Outside a level the value is zero.

    Raises:
        ValueError: the shapes of the levels do not match the number of cells.
    """
    shapes = torch.as_tensor(value_spatial_shapes, dtype=torch.int64)
    if int(shapes.prod(1).sum()) != value.shape[1]:
        raise ValueError(f"levels of {shapes.tolist()} do not have {value.shape[1]} cells")
    output: Tensor = _Attention.apply(  # type: ignore[no-untyped-call]
        value.float(), shapes, sampling_locations.float(), attention_weights.float()
    )
    return output.flatten(2)


@contextmanager
def in_transformers() -> Iterator[None]:
    """Make Mask2Former of `transformers` use this deformable attention within a block."""
    original = modeling_mask2former.multi_scale_deformable_attention
    modeling_mask2former.multi_scale_deformable_attention = deformable_attention
    try:
        yield
    finally:
        modeling_mask2former.multi_scale_deformable_attention = original


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, shapes: Tensor, locations: Tensor, weights: Tensor) -> Any:
        tensors = value, shapes, locations, weights
        ctx.arrays = [tensor.detach().contiguous().numpy() for tensor in tensors]
        batch, queries, heads = locations.shape[:3]
        output = np.zeros((batch, queries, heads, value.shape[3]), np.float32)
        _forward(*ctx.arrays, output)
        return torch.from_numpy(output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        value, shapes, locations, weights = ctx.arrays
        gradients = [np.zeros_like(array) for array in (value, locations, weights)]
        incoming = gradient.contiguous().numpy()
        _backward(value, shapes, locations, weights, incoming, *gradients)
        value_grad, locations_grad, weights_grad = map(torch.from_numpy, gradients)
        return value_grad, None, locations_grad, weights_grad


@numba.njit  # type: ignore[untyped-decorator]
def _nearest_cells(location: float, side: int) -> tuple[int, np.float32]:
    """The cell before a location 0..1, and the distance from its centre to the location, 0..1."""
    position = np.float32(location * side - np.float32(0.5))
    # Beyond these limits no cell of the level is near, however far the location is.
    position = min(max(position, np.float32(-2)), np.float32(side + 1))
    before = int(np.floor(position))
    return before, position - np.float32(before)


@numba.njit  # type: ignore[untyped-decorator]
def _linear_weight(cell: int, before: int, distance: np.float32) -> tuple[np.float32, np.float32]:
    """The weight of a cell in linear interpolation, 0..1, and its derivative by the position."""
    one = np.float32(1)
    return (distance, one) if cell > before else (one - distance, -one)


# Photos and heads are independent, so they run in parallel.
@numba.njit(parallel=True, fastmath=True)  # type: ignore[untyped-decorator]
def _forward(
    value: Float32, shapes: Shapes, locations: Float32, weights: Float32, output: Float32
) -> None:
    batch, queries, heads, levels, points, _ = locations.shape
    for task in numba.prange(batch * heads):
        b, head = task // heads, task % heads
        for q in range(queries):
            start = 0
            for level in range(levels):
                height, width = shapes[level, 0], shapes[level, 1]
                for point in range(points):
                    left, x = _nearest_cells(locations[b, q, head, level, point, 0], width)
                    top, y = _nearest_cells(locations[b, q, head, level, point, 1], height)
                    weight = weights[b, q, head, level, point]
                    for row in range(max(top, 0), min(top + 2, height)):
                        y_weight, _ = _linear_weight(row, top, y)
                        for column in range(max(left, 0), min(left + 2, width)):
                            x_weight, _ = _linear_weight(column, left, x)
                            factor = weight * y_weight * x_weight
                            cell = start + row * width + column
                            for c in range(value.shape[3]):
                                output[b, q, head, c] += factor * value[b, cell, head, c]
                start += height * width


@numba.njit(parallel=True, fastmath=True)  # type: ignore[untyped-decorator]
def _backward(
    value: Float32,
    shapes: Shapes,
    locations: Float32,
    weights: Float32,
    gradient: Float32,
    value_grad: Float32,
    locations_grad: Float32,
    weights_grad: Float32,
) -> None:
    batch, queries, heads, levels, points, _ = locations.shape
    for task in numba.prange(batch * heads):
        b, head = task // heads, task % heads
        for q in range(queries):
            start = 0
            for level in range(levels):
                height, width = shapes[level, 0], shapes[level, 1]
                for point in range(points):
                    left, x = _nearest_cells(locations[b, q, head, level, point, 0], width)
                    top, y = _nearest_cells(locations[b, q, head, level, point, 1], height)
                    weight = weights[b, q, head, level, point]
                    weight_grad = x_grad = y_grad = np.float32(0)
                    for row in range(max(top, 0), min(top + 2, height)):
                        y_weight, y_slope = _linear_weight(row, top, y)
                        for column in range(max(left, 0), min(left + 2, width)):
                            x_weight, x_slope = _linear_weight(column, left, x)
                            factor = weight * y_weight * x_weight
                            cell = start + row * width + column
                            product = np.float32(0)
                            for c in range(value.shape[3]):
                                product += gradient[b, q, head, c] * value[b, cell, head, c]
                                value_grad[b, cell, head, c] += factor * gradient[b, q, head, c]
                            weight_grad += product * y_weight * x_weight
                            x_grad += product * x_slope * y_weight
                            y_grad += product * y_slope * x_weight
                    weights_grad[b, q, head, level, point] = weight_grad
                    locations_grad[b, q, head, level, point, 0] = x_grad * weight * width
                    locations_grad[b, q, head, level, point, 1] = y_grad * weight * height
                start += height * width
