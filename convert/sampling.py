"""The inside of multi-scale deformable attention, in the forms different run-times are good at.

Zhu et al. 2021: every token looks, in every head, at a few points of every level, and mixes what
it finds there. All forms compute the same numbers: bilinear sampling with zeros outside.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from torch import nn
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerPixelDecoderEncoderMultiscaleDeformableAttention as DeformableAttention,
)

from convert.graph import Graph, Value, weights_of
from convert.levels import Level, cell_centres, cells_of

Sampler = Callable[[Graph, DeformableAttention, Value, Value, list[Level]], Value]
"""(graph, attention, tokens (N, C), queries (N, C), levels) to mixed tokens (N, C)."""


def by_deform_conv(
    graph: Graph,
    attention: DeformableAttention,
    tokens: Value,
    queries: Value,
    levels: list[Level],
) -> Value:
    """As one modulated deformable convolution per level (Zhu et al. 2019), heads as its groups.

    Its kernel is the points, its weight adds them up, its offsets lead from the place on an output
    grid of our choosing to where attention looks. Two thirds of the time of `by_grid_sample` on
    a CPU, for sizes known beforehand.
    """
    heads, points, width = attention.n_heads, attention.n_points, attention.d_model
    values = _channels_first(graph, attention.value_proj, tokens)
    weights = _weights_channels_first(graph, attention, queries)
    # Rows of the offsets: level, head, point, y before x.
    order = np.arange(attention.sampling_offsets.out_features)
    order = (
        order.reshape(heads, len(levels), points, 2).transpose(1, 0, 2, 3)[..., ::-1].reshape(-1)
    )
    offsets = _channels_first(graph, attention.sampling_offsets, queries, order)
    offsets = graph.reshape(offsets, len(levels), heads, points * 2, -1)
    sides = [(_known(graph, level.height), _known(graph, level.width)) for level in levels]
    columns = min(width for _, width in sides)
    rows = sum(height * width for height, width in sides) // columns
    offsets = graph.op("Add", offsets, _from_output_grid(graph, levels, sides, points, columns))
    kernel = np.tile(np.eye(width // heads)[:, :, None, None], (heads, 1, 1, points))
    values_of = graph.ops("Split", values, cells_of(graph, levels), outputs=len(levels), axis=1)
    offsets_of, weights_of = (
        graph.ops("Split", stacked, graph.ints(*[1] * len(levels)), outputs=len(levels), axis=axis)
        for stacked, axis in ((offsets, 0), (weights, 1))
    )
    mixed = [
        graph.op(
            "DeformConv",
            graph.reshape(values_of[index], 1, width, map_h, map_w),
            graph.floats(kernel),
            graph.reshape(offsets_of[index], 1, -1, rows, columns),
            "",
            graph.reshape(weights_of[index], 1, -1, rows, columns),
            group=heads,
            offset_group=heads,
            kernel_shape=[1, points],
            dilations=[1, columns],
            # Grow the map to an output of rows x columns.
            pads=[0, 0, rows - map_h, columns * points - map_w],
        )
        for index, (map_h, map_w) in enumerate(sides)
    ]
    return graph.transpose(graph.reshape(graph.op("Sum", *mixed), width, -1), 1, 0)


def _from_output_grid(
    graph: Graph, levels: list[Level], sides: list[tuple[int, int]], points: int, columns: int
) -> Value:
    """From each place of the deformable convolution to the token's own: (L, 1, points * 2, N)."""
    centres = graph.constant_value(cell_centres(graph, levels))
    if centres is None:
        raise ValueError("the deformable convolution needs a fixed size")
    row, column = np.divmod(np.arange(len(centres)), columns)
    place_yx = np.stack([[row, column + point * columns] for point in range(points)])
    steps = [(centres[:, ::-1] * side_hw - 0.5).T[None] - place_yx for side_hw in np.array(sides)]
    return graph.floats(np.stack(steps).reshape(len(levels), 1, points * 2, -1))


def by_grid_sample(
    graph: Graph,
    attention: DeformableAttention,
    tokens: Value,
    queries: Value,
    levels: list[Level],
) -> Value:
    """By the GridSample operator, for sizes that are free or a run-time that has nothing else."""
    heads, points, width = attention.n_heads, attention.n_points, attention.d_model
    values = graph.linear_layer(attention.value_proj, tokens)
    values_of = graph.ops("Split", values, cells_of(graph, levels), outputs=len(levels), axis=0)
    weights = graph.transpose(_weights(graph, attention, queries), 1, 0, 2, 3)
    offsets = graph.linear_layer(attention.sampling_offsets, queries)
    offsets = graph.reshape(offsets, -1, heads, len(levels) * points * 2)
    # Heads first: (heads, N, L * points * 2).
    offsets_of = graph.ops(
        "Split",
        graph.transpose(offsets, 1, 0, 2),
        graph.ints(*[points * 2] * len(levels)),
        outputs=len(levels),
        axis=2,
    )
    doubled = graph.op("Mul", cell_centres(graph, levels), graph.floats(2))
    centres = graph.reshape(graph.op("Sub", doubled, graph.floats(1)), 1, -1, 1, 2)
    sampled = []
    for index, level in enumerate(levels):
        # From cells to the sampling range -1..1, of which a map's side is two units long.
        sides = graph.op("Concat", level.width, level.height, axis=0)
        unit = graph.op("Div", graph.floats(2), graph.op("Cast", sides, to=1))
        steps = graph.reshape(offsets_of[index], heads, -1, points, 2)
        grid = graph.op("Add", graph.op("Mul", steps, unit), centres)
        map_of_heads = graph.reshape(
            graph.transpose(values_of[index], 1, 0),
            heads,
            width // heads,
            level.height,
            level.width,
        )
        sampled.append(graph.grid_sample(map_of_heads, grid))
    weights = graph.reshape(weights, heads, 1, -1, len(levels) * points)
    weighted = graph.op("Mul", graph.op("Concat", *sampled, axis=3), weights)
    summed = graph.op("ReduceSum", weighted, graph.ints(3), keepdims=0)
    return graph.transpose(graph.reshape(summed, width, -1), 1, 0)


def _weights(graph: Graph, attention: DeformableAttention, queries: Value) -> Value:
    """How much of each point goes into the mixture: (N, heads, L, points)."""
    heads, levels, points = attention.n_heads, attention.n_levels, attention.n_points
    logits = graph.linear_layer(attention.attention_weights, queries)
    shares = graph.op("Softmax", graph.reshape(logits, -1, heads, levels * points), axis=2)
    return graph.reshape(shares, -1, heads, levels, points)


def _weights_channels_first(graph: Graph, attention: DeformableAttention, queries: Value) -> Value:
    """The same as (heads, L, points, N), written out: Softmax is slow on any axis but the last."""
    heads, levels, points = attention.n_heads, attention.n_levels, attention.n_points
    logits = _channels_first(graph, attention.attention_weights, queries)
    logits = graph.reshape(logits, heads, levels * points, -1)
    greatest = graph.op("ReduceMax", logits, graph.ints(1), keepdims=1)
    raised = graph.op("Exp", graph.op("Sub", logits, greatest))
    total = graph.op("ReduceSum", raised, graph.ints(1), keepdims=1)
    return graph.reshape(graph.op("Div", raised, total), heads, levels, points, -1)


def _channels_first(
    graph: Graph, layer: nn.Linear, tokens: Value, order: npt.NDArray[np.int64] | None = None
) -> Value:
    weight, bias = weights_of(layer)
    if order is not None:
        weight, bias = weight[order], bias[order]
    return graph.op("Gemm", graph.const(weight), tokens, graph.const(bias[:, None]), transB=1)


def _known(graph: Graph, side: Value) -> int:
    value = graph.constant_value(side)
    if value is None:
        raise ValueError("the deformable convolution needs a fixed size")
    return int(value[0])
