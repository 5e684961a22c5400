"""Multi-scale deformable attention for training on CPUs, in less time than out of torch's parts.

`transformers` samples each level by grid_sample, stacks and weighs all samples: tensors of some
hundred megabytes, for sums of twelve numbers. Here each sum is made where it is needed, forward and
backward (Zhu et al. 2021, Deformable DETR, equation 3, https://arxiv.org/abs/2010.04159).
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
    """What `transformers`' multi_scale_deformable_attention gives, of the same arguments.

    Args:
        value: (B, S, heads, D), the cells of all levels, one level behind the other.
        value_spatial_shapes: (height, width) of the levels; their products sum to S.
        sampling_locations: (B, Q, heads, levels, points, 2), x and y, 0..1 inside of a level.
        attention_weights: (B, Q, heads, levels, points).

    Returns:
        Float32 (B, Q, heads * D). What lies outside of a level counts as zero.

    Raises:
        ValueError: the levels are not those of the cells.
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
    """Let `transformers`' Mask2Former use this deformable attention, inside of a block."""
    theirs = modeling_mask2former.multi_scale_deformable_attention
    modeling_mask2former.multi_scale_deformable_attention = deformable_attention
    try:
        yield
    finally:
        modeling_mask2former.multi_scale_deformable_attention = theirs


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, shapes: Tensor, locations: Tensor, weights: Tensor) -> Any:
        arrays = [of.detach().contiguous().numpy() for of in (value, shapes, locations, weights)]
        ctx.arrays = arrays
        batch, queries, heads = locations.shape[:3]
        output = np.zeros((batch, queries, heads, value.shape[3]), np.float32)
        _forward(*arrays, output)
        return torch.from_numpy(output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        value, shapes, locations, weights = ctx.arrays
        ours = [np.zeros_like(of) for of in (value, locations, weights)]
        _backward(value, shapes, locations, weights, gradient.contiguous().numpy(), *ours)
        of_value, of_locations, of_weights = map(torch.from_numpy, ours)
        return of_value, None, of_locations, of_weights


@numba.njit  # type: ignore[untyped-decorator]
def _cell(at: float, side: int) -> tuple[int, np.float32]:
    """The cell before a place 0..1, and how far behind that cell's centre the place is, 0..1."""
    place = np.float32(at * side - np.float32(0.5))
    # As far outside as that, it makes no difference how far.
    place = min(max(place, np.float32(-2)), np.float32(side + 1))
    before = int(np.floor(place))
    return before, place - np.float32(before)


@numba.njit  # type: ignore[untyped-decorator]
def _share(cell: int, before: int, behind: np.float32) -> tuple[np.float32, np.float32]:
    """A cell's part in a place, 0..1, and how it changes as the place moves on."""
    one = np.float32(1)
    return (behind, one) if cell > before else (one - behind, -one)


# Photos and heads share nothing, so that they may be at work at the same time.
@numba.njit(parallel=True, fastmath=True)  # type: ignore[untyped-decorator]
def _forward(
    value: Float32, shapes: Shapes, locations: Float32, weights: Float32, output: Float32
) -> None:
    batch, queries, heads, levels, points, _ = locations.shape
    for part in numba.prange(batch * heads):
        b, head = part // heads, part % heads
        for q in range(queries):
            start = 0
            for level in range(levels):
                height, width = shapes[level, 0], shapes[level, 1]
                for point in range(points):
                    left, x = _cell(locations[b, q, head, level, point, 0], width)
                    top, y = _cell(locations[b, q, head, level, point, 1], height)
                    weight = weights[b, q, head, level, point]
                    for row in range(max(top, 0), min(top + 2, height)):
                        y_share, _ = _share(row, top, y)
                        for column in range(max(left, 0), min(left + 2, width)):
                            x_share, _ = _share(column, left, x)
                            factor = weight * y_share * x_share
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
    of_value: Float32,
    of_locations: Float32,
    of_weights: Float32,
) -> None:
    batch, queries, heads, levels, points, _ = locations.shape
    for part in numba.prange(batch * heads):
        b, head = part // heads, part % heads
        for q in range(queries):
            start = 0
            for level in range(levels):
                height, width = shapes[level, 0], shapes[level, 1]
                for point in range(points):
                    left, x = _cell(locations[b, q, head, level, point, 0], width)
                    top, y = _cell(locations[b, q, head, level, point, 1], height)
                    weight = weights[b, q, head, level, point]
                    of_weight = of_x = of_y = np.float32(0)
                    for row in range(max(top, 0), min(top + 2, height)):
                        y_share, y_slope = _share(row, top, y)
                        for column in range(max(left, 0), min(left + 2, width)):
                            x_share, x_slope = _share(column, left, x)
                            factor = weight * y_share * x_share
                            cell = start + row * width + column
                            along = np.float32(0)
                            for c in range(value.shape[3]):
                                along += gradient[b, q, head, c] * value[b, cell, head, c]
                                of_value[b, cell, head, c] += factor * gradient[b, q, head, c]
                            of_weight += along * y_share * x_share
                            of_x += along * x_slope * y_share
                            of_y += along * y_slope * x_share
                    of_weights[b, q, head, level, point] = of_weight
                    of_locations[b, q, head, level, point, 0] = of_x * weight * width
                    of_locations[b, q, head, level, point, 1] = of_y * weight * height
                start += height * width
