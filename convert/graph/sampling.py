"""The inside of multi-scale deformable attention, in the forms different run-times are good at.

Zhu et al. 2021: every token looks, in every head, at a few points of every level, and mixes what
it finds there. All forms compute the same numbers: bilinear sampling with zeros outside.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from onnx import TensorProto
from torch import nn
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerPixelDecoderEncoderMultiscaleDeformableAttention as DeformableAttention,
)

from convert.graph.graph import Graph, Value, weights_of
from convert.graph.levels import Level, cell_centres, cells_of

Sampler = Callable[[Graph, DeformableAttention, Value, Value, list[Level]], Value]
"""(graph, attention, tokens (N, C), queries (N, C), levels) to mixed tokens (N, C)."""


def by_deform_conv(
    graph: Graph,
    attention: DeformableAttention,
    tokens: Value,
    queries: Value,
    levels: list[Level],
) -> Value:
    """As one modulated deformable convolution per level (Zhu et al. 2019), heads as offset groups.

    Its kernel is the points, its weight adds them up within a channel, its offsets lead from the
    place on an output grid of our choosing to where attention looks. Less than half of the time of
    `by_grid_sample` on a CPU.
    """
    heads, points, width = attention.n_heads, attention.n_points, attention.d_model
    grid = _output_grid(graph, levels)
    values = _channels_first(graph, attention.value_proj, tokens)
    queries = _grown(graph, queries, grid.spare, graph.ints(0))
    weights = _weights_channels_first(graph, attention, queries)
    # Rows of the offsets: level, head, point, y before x.
    order = np.arange(attention.sampling_offsets.out_features)
    order = (
        order.reshape(heads, len(levels), points, 2).transpose(1, 0, 2, 3)[..., ::-1].reshape(-1)
    )
    offsets = _channels_first(graph, attention.sampling_offsets, queries, order)
    offsets = graph.reshape(offsets, len(levels), heads, points * 2, -1)
    offsets = graph.op("Add", offsets, _from_output_grid(graph, levels, grid, points))
    # One group a channel: a product with ones, where a group a head would multiply by mostly zeros.
    kernel = graph.floats(np.ones((width, 1, 1, points)))
    values_of = graph.ops("Split", values, cells_of(graph, levels), outputs=len(levels), axis=1)
    offsets_of, weights_of = (
        graph.ops("Split", stacked, graph.ints(*[1] * len(levels)), outputs=len(levels), axis=axis)
        for stacked, axis in ((offsets, 0), (weights, 1))
    )
    reach = graph.op("Add", grid.columns, graph.ints((points - 1) * grid.dilation))
    mixed = []
    for index, level in enumerate(levels):
        # Grow the map until the convolution's output is the grid: within the operator if it can be
        # told how much.
        over = [graph.op("Sub", grid.rows, level.height), graph.op("Sub", reach, level.width)]
        maps = graph.reshape(values_of[index], 1, width, level.height, level.width)
        pads = [graph.constant_value(side) for side in over]
        if any(side is None for side in pads):
            maps = _grown(graph, maps, graph.ints(0), graph.ints(0), *over)
            pads = [np.zeros(1, np.int64)] * 2
        mixed.append(
            graph.op(
                "DeformConv",
                maps,
                kernel,
                graph.reshape(offsets_of[index], 1, -1, grid.rows, grid.columns),
                "",
                graph.reshape(weights_of[index], 1, -1, grid.rows, grid.columns),
                group=width,
                offset_group=heads,
                kernel_shape=[1, points],
                dilations=[1, grid.dilation],
                pads=[0, 0, *(int(side[0]) for side in pads if side is not None)],
            )
        )
    found = graph.transpose(graph.reshape(graph.op("Sum", *mixed), width, -1), 1, 0)
    if _is_nothing(graph, grid.spare):
        return found
    return graph.op("Slice", found, graph.ints(0), graph.op("Shape", tokens, start=0, end=1))


@dataclass(frozen=True, slots=True)
class _OutputGrid:
    """Where a deformable convolution lays the tokens, row by row, and the spare places behind them.

    Each map, grown at its ends, has to be at least as large. Rows, columns and spare places are
    int64 values of shape (1,); the dilation is that of the convolution.
    """

    rows: Value
    columns: Value
    spare: Value
    dilation: int


def _output_grid(graph: Graph, levels: list[Level]) -> _OutputGrid:
    coarsest, finest = levels[0], levels[-1]
    cells = graph.op("ReduceSum", cells_of(graph, levels), graph.ints(0), keepdims=1)
    columns, dilation = graph.constant_value(coarsest.width), 1
    if columns is not None:
        # Without a place to spare; the dilation makes it wide enough for all maps.
        grid = graph.op("Div", cells, coarsest.width), coarsest.width
        dilation = int(columns[0])
    else:
        # 6 x 4 for the 1 + 4 + 16 cells of the levels: the fewest that hold the finest map.
        grid = graph.op("Mul", coarsest.height, graph.ints(6)), finest.width
    return _OutputGrid(*grid, graph.op("Sub", graph.op("Mul", *grid), cells), dilation)


def _from_output_grid(graph: Graph, levels: list[Level], grid: _OutputGrid, points: int) -> Value:
    """From each place of the deformable convolution to the token's own: (L, 1, points * 2, N)."""
    centres = _grown(graph, cell_centres(graph, levels), grid.spare, graph.ints(0))
    zero, one = graph.const(np.int64(0)), graph.const(np.int64(1))
    end = graph.op("Squeeze", graph.op("Mul", grid.rows, grid.columns))
    number = graph.op("Range", zero, end, one)
    row, column = (graph.op(step, number, grid.columns) for step in ("Div", "Mod"))
    places_xy = graph.op("Concat", *(graph.reshape(of, -1, 1) for of in (column, row)), axis=1)
    places_xy = graph.op("Add", graph.op("Cast", places_xy, to=1), graph.floats(0.5))
    point = np.arange(points) * grid.dilation
    along = graph.floats(np.stack([np.zeros(points), point], 1)[..., None])
    steps = []
    for level in levels:
        side_xy = graph.op("Concat", level.width, level.height, axis=0)
        inside = graph.op("Mul", centres, graph.op("Cast", side_xy, to=1))
        step = graph.transpose(graph.op("Sub", inside, places_xy), 1, 0)
        step_yx = graph.op("Gather", step, graph.ints(1, 0), axis=0)
        steps.append(graph.reshape(graph.op("Sub", step_yx, along), 1, 1, points * 2, -1))
    return graph.op("Concat", *steps, axis=0)


def _grown(graph: Graph, value: Value, *over: Value) -> Value:
    """Zeros behind the end of each axis, of its last ones where not all are named."""
    if all(_is_nothing(graph, of) for of in over):
        return value
    return graph.op("Pad", value, graph.op("Concat", graph.ints(*[0] * len(over)), *over, axis=0))


def _is_nothing(graph: Graph, count: Value) -> bool:
    known = graph.constant_value(count)
    return known is not None and not known.any()


def by_grid_sample(
    graph: Graph,
    attention: DeformableAttention,
    tokens: Value,
    queries: Value,
    levels: list[Level],
) -> Value:
    """By the GridSample operator, for a run-time that has no deformable convolution."""
    heads, points, width = attention.n_heads, attention.n_points, attention.d_model
    values = graph.linear_layer(attention.value_proj, tokens)
    values_of = graph.ops("Split", values, cells_of(graph, levels), outputs=len(levels), axis=0)
    weights = graph.transpose(_weights(graph, attention, queries), 2, 1, 0, 3)
    weights_of = graph.ops(
        "Split", weights, graph.ints(*[1] * len(levels)), outputs=len(levels), axis=0
    )
    # Scaling and shifting before the last axis is down to two numbers, which is slow to walk.
    offsets = graph.linear_layer(attention.sampling_offsets, queries)
    offsets = graph.op("Mul", offsets, _sampling_units(graph, levels, heads, points))
    offsets_of = graph.ops(
        "Split",
        graph.transpose(graph.reshape(offsets, -1, heads, len(levels) * points * 2), 1, 0, 2),
        graph.ints(*[points * 2] * len(levels)),
        outputs=len(levels),
        axis=2,
    )
    doubled = graph.op("Mul", cell_centres(graph, levels), graph.floats(2))
    centres = graph.op("Sub", doubled, graph.floats(1))
    centres = graph.reshape(graph.op("Concat", *[centres] * points, axis=1), 1, -1, points * 2)
    mixed = []
    for index, level in enumerate(levels):
        grid = graph.op("Add", offsets_of[index], centres)
        map_of_heads = graph.reshape(
            graph.transpose(values_of[index], 1, 0),
            heads,
            width // heads,
            level.height,
            level.width,
        )
        sampled = graph.grid_sample(map_of_heads, graph.reshape(grid, heads, -1, points, 2))
        shares = graph.reshape(weights_of[index], heads, 1, -1, points)
        mixed.append(graph.op("Mul", sampled, shares))
    summed = graph.op("ReduceSum", graph.op("Sum", *mixed), graph.ints(3), keepdims=0)
    return graph.transpose(graph.reshape(summed, width, -1), 1, 0)


def _sampling_units(graph: Graph, levels: list[Level], heads: int, points: int) -> Value:
    """From cells to the sampling range -1..1, of which a map's side is two units long.

    (heads * L * points * 2), as the offsets lie.
    """
    units = []
    for level in levels:
        sides = graph.op("Concat", level.width, level.height, axis=0)
        unit = graph.op("Div", graph.floats(2), graph.op("Cast", sides, to=TensorProto.FLOAT))
        units.append(graph.op("Tile", unit, graph.ints(points)))
    return graph.op("Tile", graph.op("Concat", *units, axis=0), graph.ints(heads))


def by_gather(
    graph: Graph,
    attention: DeformableAttention,
    tokens: Value,
    queries: Value,
    levels: list[Level],
) -> Value:
    """By gathering the four cells around each point: plain operators that every run-time has.

    Slower and hungrier than the others on a CPU; the way out where GridSample is not to be had or
    not to be trusted. Rows are counted in integers: half precision cannot hold their numbers.
    """
    heads, points, width = attention.n_heads, attention.n_points, attention.d_model
    shape = (-1, heads, len(levels), points)
    values = graph.linear_layer(attention.value_proj, tokens)
    rows = graph.reshape(values, -1, width // heads)
    weights = _weights(graph, attention, queries)
    offsets = graph.linear_layer(attention.sampling_offsets, queries)
    offsets = graph.reshape(offsets, *shape, 2)
    sides = [
        graph.op("Concat", *[getattr(level, axis) for level in levels], axis=0)
        for axis in ("width", "height")
    ]
    whole = _cell_around(graph, offsets, sides, cell_centres(graph, levels))
    first_cells = graph.op(
        "Sub",
        graph.op("CumSum", cells_of(graph, levels), graph.const(np.int64(0))),
        cells_of(graph, levels),
    )
    base = graph.reshape(graph.op("Cast", first_cells, to=TensorProto.INT32), 1, 1, -1, 1)
    head = graph.const(np.arange(heads, dtype=np.int32).reshape(1, -1, 1, 1))
    row_length = graph.reshape(graph.op("Cast", sides[0], to=TensorProto.INT32), 1, 1, -1, 1)
    mixed = []
    for right in (0, 1):
        for down in (0, 1):
            (x, x_share), (y, y_share) = whole[0][right], whole[1][down]
            cell = graph.op("Add", graph.op("Add", graph.op("Mul", y, row_length), x), base)
            row = graph.op("Add", graph.op("Mul", cell, graph.const(np.int32(heads))), head)
            share = graph.op("Mul", graph.op("Mul", x_share, y_share), weights)
            found = graph.op("Gather", rows, graph.reshape(row, -1, heads, len(levels) * points))
            flat = graph.reshape(share, -1, heads, 1, len(levels) * points)
            mixed.append(graph.op("MatMul", flat, found))
    return graph.reshape(graph.op("Sum", *mixed), -1, width)


def _cell_around(
    graph: Graph, offsets: Value, sides: list[Value], centres: Value
) -> list[list[tuple[Value, Value]]]:
    """For x and y: the cells before and behind each point, with the share each has in it.

    A cell outside the map is moved to its edge and has the share 0.
    """
    around = []
    for axis, side in enumerate(sides):
        length = graph.reshape(graph.op("Cast", side, to=TensorProto.FLOAT), 1, 1, -1, 1)
        centre = graph.op("Gather", centres, graph.const(np.int64(axis)), axis=1)
        start = graph.op("Mul", graph.reshape(centre, -1, 1, 1, 1), length)
        step = graph.op("Gather", offsets, graph.const(np.int64(axis)), axis=4)
        place = graph.op("Add", graph.op("Sub", start, graph.floats(0.5)), step)
        before = graph.op("Floor", place)
        past = graph.op("Sub", place, before)
        last = graph.op("Sub", length, graph.floats(1))
        cells = []
        for number, share in (
            (before, graph.op("Sub", graph.floats(1), past)),
            (graph.op("Add", before, graph.floats(1)), past),
        ):
            inside = graph.op("Max", graph.op("Min", number, last), graph.floats(0))
            beyond = graph.op("Abs", graph.op("Sub", number, inside))
            kept = graph.op("Sub", graph.floats(1), graph.op("Min", beyond, graph.floats(1)))
            index = graph.op("Cast", inside, to=TensorProto.INT32)
            cells.append((index, graph.op("Mul", share, kept)))
        around.append(cells)
    return around


SAMPLERS: Mapping[str, Sampler] = {
    "deform-conv": by_deform_conv,
    "grid-sample": by_grid_sample,
    "gather": by_gather,
}


def _weights(graph: Graph, attention: DeformableAttention, queries: Value) -> Value:
    """How much of each point goes into the mixture: (N, heads, L, points)."""
    heads, levels, points = attention.n_heads, attention.n_levels, attention.n_points
    logits = graph.linear_layer(attention.attention_weights, queries)
    shares = graph.op("Softmax", graph.reshape(logits, -1, heads, levels * points), axis=2)
    return graph.reshape(shares, -1, heads, levels, points)


def _weights_channels_first(graph: Graph, attention: DeformableAttention, queries: Value) -> Value:
    """The same as (heads, L, points, N)."""
    heads, levels, points = attention.n_heads, attention.n_levels, attention.n_points
    logits = _channels_first(graph, attention.attention_weights, queries)
    shares = graph.softmax(graph.reshape(logits, heads, levels * points, -1), axis=1)
    return graph.reshape(shares, heads, levels, points, -1)


def _channels_first(
    graph: Graph, layer: nn.Linear, tokens: Value, order: npt.NDArray[np.int64] | None = None
) -> Value:
    """A linear layer of tokens (N, in) as (out, N), its outputs reordered."""
    weight, bias = weights_of(layer)
    if order is not None:
        weight, bias = weight[order], bias[order]
    # Multiplying from the left would save the transposition and lose more: it is the right-hand
    # matrix that onnxruntime packs beforehand, and that becomes int8.
    return graph.transpose(graph.linear(tokens, weight, bias), 1, 0)
