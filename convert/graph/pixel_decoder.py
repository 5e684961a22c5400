"""Write Mask2Former's pixel decoder, from feature maps to refined levels and mask features.

It applies multi-scale deformable attention (Zhu et al. 2021, Deformable DETR) to three levels, then
one step of a feature pyramid up to stride 4.
"""

from torch import nn
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerPixelDecoder,
    Mask2FormerPixelDecoderEncoderLayer,
)

from convert.graph.graph import Graph, Value
from convert.graph.levels import Level, cell_counts, sine_position
from convert.graph.sampling.base import Sampler
from convert.graph.separable_convolution import SeparableConv2d


def pixel_decoder(
    graph: Graph,
    decoder: Mask2FormerPixelDecoder,
    maps: list[Value],
    levels: list[Level],
    sampler: Sampler,
) -> tuple[list[Value], Value]:
    """Write the decoder.

    Args:
        graph: the graph to add to.
        decoder: the checkpoint's pixel decoder.
        maps: the backbone's maps (C, cells) at strides 4, 8, 16, 32.
        levels: the sizes at strides 32, 16, 8, in Mask2Former's order from coarse to fine.
        sampler: the form of deformable attention.

    Returns:
        tokens: the tokens of the three levels, (cells, C) each.
        features: (1, C, H/4, W/4) before `mask_projection`, which the mask embeddings absorb.
    """
    width = decoder.level_embed.shape[1]
    embeds, positions = [], []
    for index, level in enumerate(levels):
        conv, norm = decoder.input_projections[index]
        normed = _group_norm(graph, _pointwise(graph, conv, maps[3 - index]), norm)
        embeds.append(graph.transpose(normed, 1, 0))
        embedding = graph.const(decoder.level_embed[index])
        positions.append(graph.op("Add", sine_position(graph, level, width), embedding))
    tokens = graph.op("Concat", *embeds, axis=0)
    position = graph.op("Concat", *positions, axis=0)
    for layer in decoder.encoder.layers:
        tokens = _encoder_layer(graph, layer, tokens, position, levels, sampler)
    parts = graph.ops("Split", tokens, cell_counts(graph, levels), outputs=len(levels), axis=0)
    return list(parts), _pyramid(graph, decoder, maps[0], parts[-1], levels[-1])


def _pyramid(
    graph: Graph, decoder: Mask2FormerPixelDecoder, finest_map: Value, finest: Value, level: Level
) -> Value:
    """Add the finest tokens to the finest map: mask features (1, C, H/4, W/4)."""
    (lateral, lateral_norm), (output, output_norm, _) = decoder.adapter_1, decoder.layer_1
    width = lateral.out_channels
    doubled = [graph.op("Mul", side, graph.ints(2)) for side in (level.height, level.width)]
    narrow = _group_norm(graph, _pointwise(graph, lateral, finest_map), lateral_norm)
    coarse = graph.reshape(graph.transpose(finest, 1, 0), 1, width, level.height, level.width)
    summed = graph.op("Add", graph.reshape(narrow, 1, width, *doubled), graph.resize(coarse, 2))
    normed = _group_norm(graph, _convolution(graph, output, summed), output_norm)
    return graph.reshape(graph.op("Relu", normed), 1, width, *doubled)


def _convolution(graph: Graph, conv: nn.Conv2d | SeparableConv2d, features: Value) -> Value:
    """Write the 3 x 3 convolution of features (1, C, H, W), full or separable: (C, cells)."""
    pads = [1, 1, 1, 1]
    if isinstance(conv, SeparableConv2d):
        weight, groups = graph.const(conv.depthwise.weight), conv.depthwise.groups
        convolved = graph.op("Conv", features, weight, pads=pads, group=groups)
        return _pointwise(graph, conv.pointwise, graph.reshape(convolved, groups, -1))
    convolved = graph.op("Conv", features, graph.const(conv.weight), pads=pads)
    return graph.reshape(convolved, conv.out_channels, -1)


def _pointwise(graph: Graph, conv: nn.Conv2d, features: Value) -> Value:
    """Write a 1x1 convolution of features (C, cells)."""
    weight = graph.const(conv.weight[:, :, 0, 0])
    if conv.bias is None:
        return graph.op("MatMul", weight, features)
    return graph.op("Gemm", weight, features, graph.const(conv.bias[:, None]))


def _group_norm(graph: Graph, features: Value, norm: nn.GroupNorm) -> Value:
    """Write group normalisation of features (C, cells)."""
    normed = graph.instance_norm(features, norm.num_groups, norm.eps)
    scale, shift = (graph.const(part[:, None]) for part in (norm.weight, norm.bias))
    per_channel = graph.reshape(normed, norm.num_channels, -1)
    return graph.op("Add", graph.op("Mul", per_channel, scale), shift)


def _encoder_layer(
    graph: Graph,
    layer: Mask2FormerPixelDecoderEncoderLayer,
    tokens: Value,
    position: Value,
    levels: list[Level],
    sampler: Sampler,
) -> Value:
    attention = layer.self_attn
    first, last = layer.self_attn_layer_norm, layer.final_layer_norm
    mixed = sampler(graph, attention, tokens, graph.op("Add", tokens, position), levels)
    attended = graph.op("Add", tokens, graph.linear_layer(attention.output_proj, mixed))
    tokens = graph.layer_norm(attended, first.weight, first.bias, first.eps)
    widened = graph.op("Add", tokens, graph.relu_feed_forward(layer.fc1, layer.fc2, tokens))
    return graph.layer_norm(widened, last.weight, last.bias, last.eps)
