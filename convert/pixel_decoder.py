"""Mask2Former's pixel decoder: feature maps in, refined levels and mask features out.

Multi-scale deformable attention (Zhu et al. 2021, Deformable DETR) over three levels, then one
step of a feature pyramid up to stride 4.
"""

import math
from dataclasses import dataclass

import numpy as np
from torch import nn
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerPixelDecoder,
    Mask2FormerPixelDecoderEncoderLayer,
    Mask2FormerPixelDecoderEncoderMultiscaleDeformableAttention,
)

from convert.graph import Graph, Value

GROUPS = 32
POINTS = 4


@dataclass(frozen=True, slots=True)
class Level:
    """A feature map's size, as int64 values of shape (1,), and its number of cells."""

    height: Value
    width: Value
    cells: Value


def sine_position(graph: Graph, level: Level, channels: int) -> Value:
    """The sine position encoding of a level as tokens (cells, channels), y half first.

    Carion et al. 2020 (DETR), normalised to 2 pi, temperature 10000.
    """
    half = channels // 2
    frequency = 10000 ** (-np.arange(0, half, 2, dtype=np.float64) / half)

    def waves(side: Value) -> Value:
        count = graph.op("Squeeze", side)
        index = graph.op("Range", graph.const(np.int64(0)), count, graph.const(np.int64(1)))
        place = graph.op("Add", graph.op("Cast", index, to=1), graph.floats(1))
        whole = graph.op("Add", graph.op("Cast", count, to=1), graph.floats(1e-6))
        turn = graph.op("Mul", graph.op("Div", place, whole), graph.floats(2 * math.pi))
        angle = graph.op(
            "Mul", graph.reshape(turn, -1, 1, 1), graph.floats(frequency.reshape(1, -1, 1))
        )
        pairs = graph.op("Concat", graph.op("Sin", angle), graph.op("Cos", angle), axis=2)
        return graph.reshape(pairs, -1, half)

    sides = [level.height, level.width, graph.ints(half)]
    grid = graph.op("Concat", *sides, axis=0)
    rows = graph.op("Expand", graph.reshape(waves(level.height), -1, 1, half), grid)
    columns = graph.op("Expand", graph.reshape(waves(level.width), 1, -1, half), grid)
    return graph.reshape(graph.op("Concat", rows, columns, axis=2), -1, channels)


def group_norm(graph: Graph, features: Value, norm: nn.GroupNorm, *shape: int | Value) -> Value:
    """Group normalisation of channels-first features of any rank; the result has `shape`."""
    groups = graph.reshape(features, 1, norm.num_groups, -1)
    ones, zeros = np.ones(norm.num_groups), np.zeros(norm.num_groups)
    normed = graph.op(
        "InstanceNormalization",
        groups,
        graph.floats(ones),
        graph.floats(zeros),
        epsilon=norm.eps,
    )
    per_channel = (-1, *[1] * (len(shape) - 2))
    scale = graph.const(norm.weight.detach().reshape(per_channel))
    shift = graph.const(norm.bias.detach().reshape(per_channel))
    return graph.op("Add", graph.op("Mul", graph.reshape(normed, *shape), scale), shift)


def pixel_decoder(
    graph: Graph, decoder: Mask2FormerPixelDecoder, maps: list[Value], levels: list[Level]
) -> tuple[list[Value], Value]:
    """Refine the backbone's maps.

    Args:
        graph: being written.
        decoder: the checkpoint's.
        maps: (1, C, H, W) at strides 4, 8, 16, 32.
        levels: the sizes at strides 32, 16, 8, coarse to fine as Mask2Former orders them.

    Returns:
        tokens: of the three levels, each (cells, C).
        features: (1, C, H/4, W/4) before `mask_projection`, which the mask embeddings absorb.
    """
    width = decoder.level_embed.shape[1]
    embeds, positions = [], []
    for index, level in enumerate(levels):
        conv, norm = decoder.input_projections[index]
        projected = graph.op(
            "Conv", maps[3 - index], graph.const(conv.weight), graph.const(conv.bias)
        )
        normed = group_norm(graph, projected, norm, 1, width, -1)
        embeds.append(graph.transpose(graph.reshape(normed, width, -1), 1, 0))
        embedding = graph.const(decoder.level_embed[index])
        positions.append(graph.op("Add", sine_position(graph, level, width), embedding))
    tokens = graph.op("Concat", *embeds, axis=0)
    position = graph.op("Concat", *positions, axis=0)
    reference = _reference_grid(graph, levels)
    for layer in decoder.encoder.layers:
        tokens = _encoder_layer(graph, layer, tokens, position, reference, levels)
    counts = graph.op("Concat", *[level.cells for level in levels], axis=0)
    parts = list(graph.ops("Split", tokens, counts, outputs=len(levels), axis=0))
    return parts, _pyramid(graph, decoder, maps[0], parts[-1], levels[-1])


def _pyramid(
    graph: Graph, decoder: Mask2FormerPixelDecoder, finest_map: Value, finest: Value, level: Level
) -> Value:
    (lateral, lateral_norm), (output, output_norm, _) = decoder.adapter_1, decoder.layer_1
    width = lateral.out_channels
    shape = (
        1,
        width,
        *(graph.op("Mul", side, graph.ints(2)) for side in (level.height, level.width)),
    )
    narrow = group_norm(
        graph, graph.op("Conv", finest_map, graph.const(lateral.weight)), lateral_norm, *shape
    )
    coarse = graph.reshape(graph.transpose(finest, 1, 0), 1, width, level.height, level.width)
    raised = graph.op(
        "Resize",
        coarse,
        "",
        graph.floats([1, 1, 2, 2]),
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    summed = graph.op("Add", narrow, raised)
    convolved = graph.op("Conv", summed, graph.const(output.weight), pads=[1, 1, 1, 1])
    return graph.op("Relu", group_norm(graph, convolved, output_norm, *shape))


def _encoder_layer(
    graph: Graph,
    layer: Mask2FormerPixelDecoderEncoderLayer,
    tokens: Value,
    position: Value,
    reference: Value,
    levels: list[Level],
) -> Value:
    attended = _deformable_attention(graph, layer.self_attn, tokens, position, reference, levels)
    first, last = layer.self_attn_layer_norm, layer.final_layer_norm
    tokens = graph.layer_norm(
        graph.op("Add", tokens, attended), first.weight, first.bias, first.eps
    )
    hidden = graph.op("Relu", linear(graph, layer.fc1, tokens))
    widened = graph.op("Add", tokens, linear(graph, layer.fc2, hidden))
    return graph.layer_norm(widened, last.weight, last.bias, last.eps)


def linear(graph: Graph, layer: nn.Linear, tokens: Value) -> Value:
    """A linear layer on tokens (N, in)."""
    return graph.linear(tokens, layer.weight.detach().numpy(), layer.bias.detach().numpy())


def _deformable_attention(
    graph: Graph,
    attention: Mask2FormerPixelDecoderEncoderMultiscaleDeformableAttention,
    tokens: Value,
    position: Value,
    reference: Value,
    levels: list[Level],
) -> Value:
    heads, width = attention.n_heads, attention.d_model
    samples = len(levels) * POINTS
    queries = graph.op("Add", tokens, position)
    value = linear(graph, attention.value_proj, tokens)
    weights = linear(graph, attention.attention_weights, queries)
    weights = graph.op("Softmax", graph.reshape(weights, -1, heads, samples), axis=2)
    weights = graph.reshape(graph.transpose(weights, 1, 0, 2), heads, 1, -1, samples)
    offsets = graph.reshape(
        linear(graph, attention.sampling_offsets, queries), -1, heads, len(levels), POINTS * 2
    )
    counts = graph.op("Concat", *[level.cells for level in levels], axis=0)
    values = graph.ops("Split", value, counts, outputs=len(levels), axis=0)
    sampled = []
    for index, level in enumerate(levels):
        # From cells to the sampling range -1..1, of which a map's side is two units long.
        sides = graph.op("Concat", level.width, level.height, axis=0)
        unit = graph.op("Div", graph.floats(2), graph.op("Cast", sides, to=1))
        offset = graph.op("Gather", offsets, graph.const(np.int64(index)), axis=2)
        offset = graph.reshape(graph.transpose(offset, 1, 0, 2), heads, -1, POINTS, 2)
        grid = graph.op("Add", graph.op("Mul", offset, unit), reference)
        map_of_heads = graph.reshape(
            graph.transpose(values[index], 1, 0), heads, width // heads, level.height, level.width
        )
        sampled.append(
            graph.op(
                "GridSample",
                map_of_heads,
                grid,
                mode="linear" if graph.opset >= 20 else "bilinear",
                padding_mode="zeros",
                align_corners=0,
            )
        )
    weighted = graph.op("Mul", graph.op("Concat", *sampled, axis=3), weights)
    summed = graph.op("ReduceSum", weighted, graph.ints(3), keepdims=0)
    merged = graph.transpose(graph.reshape(summed, width, -1), 1, 0)
    return linear(graph, attention.output_proj, merged)


def _reference_grid(graph: Graph, levels: list[Level]) -> Value:
    """Where each token lies in the photo, in the sampling range -1..1: (1, N, 1, 2), x first."""
    points = []
    for level in levels:
        grid = graph.op("Concat", level.height, level.width, graph.ints(1), axis=0)

        def centres(side: Value) -> Value:
            count = graph.op("Squeeze", side)
            index = graph.op("Range", graph.const(np.int64(0)), count, graph.const(np.int64(1)))
            doubled = graph.op("Mul", graph.op("Cast", index, to=1), graph.floats(2))
            odd = graph.op("Add", doubled, graph.floats(1))
            return graph.op(
                "Sub", graph.op("Div", odd, graph.op("Cast", count, to=1)), graph.floats(1)
            )

        x = graph.op("Expand", graph.reshape(centres(level.width), 1, -1, 1), grid)
        y = graph.op("Expand", graph.reshape(centres(level.height), -1, 1, 1), grid)
        points.append(graph.reshape(graph.op("Concat", x, y, axis=2), 1, -1, 1, 2))
    return graph.op("Concat", *points, axis=1)
