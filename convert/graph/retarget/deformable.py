"""Rewrite the deformable convolutions of `sampling.deform_conv` as samples at points.

The convolutions' offsets lead from the places of an output grid to the sampled points. The constant
part of an offset and the place are added up beforehand, because half precision can hold a position
in a map but not its distance from a far place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from convert.graph.graph import Graph, Value
from convert.graph.operator_rules.tensors import attributes_of
from convert.graph.retarget.point_sampling import PointSampler


@dataclass(frozen=True, slots=True)
class _Level:
    """The parts of one convolution.

    Attributes:
        maps: the C channels in any shape, not padded.
        map_shape: (heads, C / heads, h, w).
        learned: the computed part of the offsets of all levels, (L, heads, 2 * points, places).
        fixed_yx: their constant part, (2 * points, places), with the place added.
        weights: (heads, 1, points, places).
        index: number of the level.
        tokens: number of places that hold a token.
    """

    maps: Value
    map_shape: tuple[int, int, int, int]
    learned: Value
    fixed_yx: np.ndarray
    weights: Value
    index: int
    tokens: int


def sample_levels(
    graph: Graph,
    convolutions: Sequence[tuple[onnx.NodeProto, Sequence[Value]]],
    sampler: PointSampler,
) -> Value:
    """Write the sum of the convolutions of all levels.

    Args:
        graph: the graph to add to, which holds what leads to the inputs.
        convolutions: the node of each level, with its inputs in the graph.
        sampler: the operator that samples.

    Returns:
        Mixed tokens (C, N).

    Raises:
        ValueError: a convolution has another form than `sampling.deform_conv` writes.
    """
    levels = [_read(graph, node, inputs) for node, inputs in convolutions]
    count = len(levels)
    offsets = graph.ops("Split", levels[0].learned, graph.ints(*[1] * count), outputs=count, axis=0)
    mixed = []
    for level in levels:
        heads, channels, *_ = level.map_shape
        points, tokens = len(level.fixed_yx) // 2, level.tokens
        samples = sampler(
            graph,
            graph.reshape(level.maps, *level.map_shape),
            _grid(graph, level, offsets[level.index]),
            level.map_shape,
        )
        weights = _first(graph, graph.reshape(level.weights, heads, points, -1), level)
        weights = graph.reshape(graph.transpose(weights, 0, 2, 1), heads, 1, tokens, points)
        mixed.append(graph.op("Mul", samples, weights))
    summed = graph.op("ReduceSum", graph.op("Sum", *mixed), graph.ints(3), keepdims=0)
    return graph.reshape(summed, heads * channels, -1)


def _grid(graph: Graph, level: _Level, offsets: Value) -> Value:
    """The points in GridSample's units, (heads, N, points, 2): x before y, -1..1."""
    heads, _, height, width = level.map_shape
    points, places = len(level.fixed_yx) // 2, level.fixed_yx.shape[1]
    cell_yx = np.array([[2 / height], [2 / width]])
    fixed_yx = level.fixed_yx.reshape(1, points, 2, places)[..., : level.tokens]
    # A position of 0 is the centre of the first cell; -1 is the map's edge.
    fixed_yx = (fixed_yx + 0.5) * cell_yx - 1
    moved = _first(graph, graph.reshape(offsets, heads, points, 2, -1), level)
    moved = graph.op("Mul", moved, graph.floats(cell_yx))
    grid_yx = graph.op("Add", moved, graph.floats(fixed_yx))
    grid_xy = graph.op("Gather", grid_yx, graph.ints(1, 0), axis=2)
    return graph.transpose(grid_xy, 0, 3, 1, 2)


def _first(graph: Graph, value: Value, level: _Level) -> Value:
    """Drop the places on the last axis that hold no token."""
    if level.fixed_yx.shape[1] == level.tokens:
        return value
    return graph.op(
        "Slice", value, graph.ints(0), graph.ints(level.tokens), graph.ints(-1), graph.ints(1)
    )


def _read(graph: Graph, node: onnx.NodeProto, inputs: Sequence[Value]) -> _Level:
    attributes = attributes_of(node)
    _, points = attributes["kernel_shape"]
    maps, _, offset, _, weight = inputs
    if (padding := graph.producer(maps)) is not None and padding.op_type == "Pad":
        maps = padding.input[0]  # zeros, as outside the map
    shaped_maps = _producer(graph, maps, "Reshape")
    count, channels, height, width = graph.known_constant(shaped_maps.input[1]).tolist()
    # Earlier versions of `export` wrote the heads as groups.
    heads = count * attributes["offset_group"]
    tokens = graph.known_constant(_producer(graph, shaped_maps.input[0], "Split").input[1]).sum()
    shaped = _producer(graph, offset, "Reshape")
    *_, rows, columns = graph.known_constant(shaped.input[1])
    split = _producer(graph, shaped.input[0], "Split")
    index = list(split.output).index(shaped.input[0])
    total = _producer(graph, split.input[0], "Add")
    learned, fixed = total.input
    place = np.arange(rows * columns)
    place_yx = np.stack([place // columns, place % columns])
    kernel_yx = np.zeros((points, 2, 1))
    kernel_yx[:, 1, 0] = np.arange(points) * attributes["dilations"][1]
    fixed_yx = graph.known_constant(fixed)[index].reshape(points, 2, -1) + place_yx + kernel_yx
    return _Level(
        maps=maps,
        map_shape=(heads, count * channels // heads, height, width),
        learned=learned,
        fixed_yx=fixed_yx.reshape(points * 2, -1),
        weights=_producer(graph, weight, "Reshape").input[0],
        index=index,
        tokens=int(tokens),
    )


def _producer(graph: Graph, value: Value, op_type: str) -> onnx.NodeProto:
    node = graph.producer(value)
    if node is None or node.op_type != op_type:
        raise ValueError(f"{value} does not come from {op_type}")
    return node
