"""Deformable attention by the Gather operator."""

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from convert.graph.graph import Graph, Value
from convert.graph.levels import Level, cell_centres, cell_counts
from convert.graph.sampling.base import attention_weights

if TYPE_CHECKING:
    from transformers.models.mask2former.modeling_mask2former import (
        Mask2FormerPixelDecoderEncoderMultiscaleDeformableAttention as DeformableAttention,
    )

Corner = tuple[Value, Value]
"""The int32 numbers of cells along an axis, and their float32 weights: (N, heads, L, points)."""


def sample_by_gather(
    graph: Graph,
    attention: "DeformableAttention",
    tokens: Value,
    queries: Value,
    levels: list[Level],
) -> Value:
    """Gather the four cells around each point, with basic operators that every run-time has.

    It is slower and takes more memory than the other forms on a CPU. It is for run-times that lack
    GridSample or compute it wrongly. Row numbers are integers, because half precision cannot hold
    them.

    Args:
        graph: the graph to add to.
        attention: the checkpoint's attention.
        tokens: tokens (N, C) of all levels, to sample from.
        queries: the tokens with their position encoding (N, C).
        levels: the sizes of the levels.

    Returns:
        Mixed tokens (N, C) before the output projection.
    """
    heads, points, width = attention.n_heads, attention.n_points, attention.d_model
    values = graph.linear_layer(attention.value_proj, tokens)
    rows = graph.reshape(values, -1, width // heads)
    weights = attention_weights(graph, attention, queries)
    offsets = graph.linear_layer(attention.sampling_offsets, queries)
    offsets = graph.reshape(offsets, -1, heads, len(levels), points, 2)
    sides = [
        graph.op("Concat", *[getattr(level, axis) for level in levels], axis=0)
        for axis in ("width", "height")
    ]
    columns, lines = _corners(graph, offsets, sides, cell_centres(graph, levels))
    first_cells = graph.op(
        "Sub",
        graph.op("CumSum", cell_counts(graph, levels), graph.const(np.int64(0))),
        cell_counts(graph, levels),
    )
    base = graph.reshape(graph.op("Cast", first_cells, to=TensorProto.INT32), 1, 1, -1, 1)
    head = graph.const(np.arange(heads, dtype=np.int32).reshape(1, -1, 1, 1))
    map_width = graph.reshape(graph.op("Cast", sides[0], to=TensorProto.INT32), 1, 1, -1, 1)
    mixed = []
    for x, x_weight in columns:
        for y, y_weight in lines:
            cell = graph.op("Add", graph.op("Add", graph.op("Mul", y, map_width), x), base)
            row = graph.op("Add", graph.op("Mul", cell, graph.const(np.int32(heads))), head)
            weight = graph.op("Mul", graph.op("Mul", x_weight, y_weight), weights)
            samples = graph.op("Gather", rows, graph.reshape(row, -1, heads, len(levels) * points))
            flat = graph.reshape(weight, -1, heads, 1, len(levels) * points)
            mixed.append(graph.op("MatMul", flat, samples))
    return graph.reshape(graph.op("Sum", *mixed), -1, width)


def _corners(
    graph: Graph, offsets: Value, sides: list[Value], centres: Value
) -> list[tuple[Corner, Corner]]:
    """For x and for y, the cells before and after each point with their bilinear weights."""
    corners = []
    for axis, side in enumerate(sides):
        length = graph.reshape(graph.op("Cast", side, to=TensorProto.FLOAT), 1, 1, -1, 1)
        centre = graph.op("Gather", centres, graph.const(np.int64(axis)), axis=1)
        start = graph.op("Mul", graph.reshape(centre, -1, 1, 1, 1), length)
        offset = graph.op("Gather", offsets, graph.const(np.int64(axis)), axis=4)
        position = graph.op("Add", graph.op("Sub", start, graph.floats(0.5)), offset)
        corners.append(corners_along(graph, position, length))
    return corners


def corners_along(graph: Graph, position: Value, length: Value) -> tuple[Corner, Corner]:
    """Find the cells before and after positions along an axis, with their bilinear weights.

    A cell outside the map is moved to the edge and gets the weight 0.

    Args:
        graph: the graph to add to.
        position: float32, in cells; 0 is the centre of the first cell.
        length: float32, number of cells along the axis.
    """
    before = graph.op("Floor", position)
    fraction = graph.op("Sub", position, before)
    last = graph.op("Sub", length, graph.floats(1))
    rest = graph.op("Sub", graph.floats(1), fraction)
    after = graph.op("Add", before, graph.floats(1))
    return _corner(graph, before, rest, last), _corner(graph, after, fraction, last)


def _corner(graph: Graph, number: Value, weight: Value, last: Value) -> Corner:
    """Clip cell numbers to 0..last, and set the weights of clipped cells to 0."""
    inside = graph.op("Max", graph.op("Min", number, last), graph.floats(0))
    distance = graph.op("Abs", graph.op("Sub", number, inside))
    kept = graph.op("Sub", graph.floats(1), graph.op("Min", distance, graph.floats(1)))
    index = graph.op("Cast", inside, to=TensorProto.INT32)
    return index, graph.op("Mul", weight, kept)
