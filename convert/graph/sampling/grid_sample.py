"""Deformable attention by the GridSample operator."""

from onnx import TensorProto
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerPixelDecoderEncoderMultiscaleDeformableAttention as DeformableAttention,
)

from convert.graph.graph import Graph, Value
from convert.graph.levels import Level, cell_centres, cell_counts
from convert.graph.sampling.base import attention_weights


def sample_by_grid_sample(
    graph: Graph,
    attention: DeformableAttention,
    tokens: Value,
    queries: Value,
    levels: list[Level],
) -> Value:
    """Sample with GridSample, for run-times without deformable convolution.

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
    level_values = graph.ops(
        "Split", values, cell_counts(graph, levels), outputs=len(levels), axis=0
    )
    weights = graph.transpose(attention_weights(graph, attention, queries), 2, 1, 0, 3)
    level_weights = graph.ops(
        "Split", weights, graph.ints(*[1] * len(levels)), outputs=len(levels), axis=0
    )
    level_offsets = _split_offsets(graph, attention, queries, levels)
    doubled = graph.op("Mul", cell_centres(graph, levels), graph.floats(2))
    centres = graph.op("Sub", doubled, graph.floats(1))
    centres = graph.reshape(graph.op("Concat", *[centres] * points, axis=1), 1, -1, points * 2)
    mixed = []
    for index, level in enumerate(levels):
        grid = graph.op("Add", level_offsets[index], centres)
        maps = graph.reshape(
            graph.transpose(level_values[index], 1, 0),
            heads,
            width // heads,
            level.height,
            level.width,
        )
        samples = graph.grid_sample(maps, graph.reshape(grid, heads, -1, points, 2))
        point_weights = graph.reshape(level_weights[index], heads, 1, -1, points)
        mixed.append(graph.op("Mul", samples, point_weights))
    summed = graph.op("ReduceSum", graph.op("Sum", *mixed), graph.ints(3), keepdims=0)
    return graph.transpose(graph.reshape(summed, width, -1), 1, 0)


def _split_offsets(
    graph: Graph, attention: DeformableAttention, queries: Value, levels: list[Level]
) -> tuple[Value, ...]:
    """The offsets of each level in GridSample's units, (heads, N, points * 2) each."""
    heads, points = attention.n_heads, attention.n_points
    # Scaled before the reshape: an operator is slow on a last axis of length 2.
    offsets = graph.linear_layer(attention.sampling_offsets, queries)
    offsets = graph.op("Mul", offsets, _cell_sizes(graph, levels, heads, points))
    return graph.ops(
        "Split",
        graph.transpose(graph.reshape(offsets, -1, heads, len(levels) * points * 2), 1, 0, 2),
        graph.ints(*[points * 2] * len(levels)),
        outputs=len(levels),
        axis=2,
    )


def _cell_sizes(graph: Graph, levels: list[Level], heads: int, points: int) -> Value:
    """The size of a cell in GridSample's units, in which a map's side has the length 2.

    Returns:
        float32 (heads * L * points * 2), in the order of the offsets.
    """
    sizes = []
    for level in levels:
        sides = graph.op("Concat", level.width, level.height, axis=0)
        size = graph.op("Div", graph.floats(2), graph.op("Cast", sides, to=TensorProto.FLOAT))
        sizes.append(graph.op("Tile", size, graph.ints(points)))
    return graph.op("Tile", graph.op("Concat", *sizes, axis=0), graph.ints(heads))
