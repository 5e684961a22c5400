"""Write Swin (Liu et al. 2021) as a graph of one size.

Windows, shifts and padding are tables of row numbers. The rows are those of the projected tokens,
split by head: one Gather of rows (token, head) does the padding, the cyclic shift, the partition
into windows and the transposition to heads, and a second Gather reverses them.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers.models.swin.modeling_swin import (
    SwinAttention,
    SwinBackbone,
    SwinLayer,
    SwinStage,
)

from convert.graph.graph import Graph, Value, linear_weights
from segmentation.arrays import SizeHW
from segmentation.model_card import InputSpec

Rows = npt.NDArray[np.int32]
"""Row numbers."""


def swin(
    graph: Graph, backbone: SwinBackbone, spec: InputSpec, size_hw: SizeHW | None
) -> list[Value]:
    """Write the backbone.

    Args:
        graph: the graph to add to.
        backbone: the checkpoint's backbone.
        spec: the graph's input; the patch embedding absorbs the normalisation of uint8 NHWC.
        size_hw: input size; the sides are multiples of the patch size.

    Returns:
        The normalised maps named in the backbone's config, (C, cells) each.

    Raises:
        ValueError: no size is given.
    """
    if size_hw is None:
        raise ValueError("Swin needs a fixed size")
    tokens, (height, width) = _patch_embedding(graph, backbone, spec, size_hw)
    norms = backbone.hidden_states_norms  # of the maps that the config names
    maps = [_normed_map(graph, norms["stem"], tokens)] if "stem" in norms else []
    for index, stage in enumerate(backbone.swin.encoder.layers):
        for layer in stage.blocks:
            tokens = _layer(graph, layer, tokens, (height, width))
        if (name := f"stage{index + 1}") in norms:
            maps.append(_normed_map(graph, norms[name], tokens))
        if len(maps) == len(norms):
            break
        if stage.downsample is not None:
            tokens = _merge_patches(graph, stage, tokens, (height, width))
            height, width = height // 2, width // 2
    return maps


def _normed_map(graph: Graph, norm: nn.LayerNorm, tokens: Value) -> Value:
    """Normalise tokens (cells, C) and transpose them to a map (C, cells)."""
    return graph.transpose(graph.layer_norm(tokens, norm.weight, norm.bias, norm.eps), 1, 0)


def _patch_embedding(
    graph: Graph, backbone: SwinBackbone, spec: InputSpec, size_hw: SizeHW
) -> tuple[Value, SizeHW]:
    embeddings = backbone.swin.embeddings
    projection, norm = embeddings.patch_embeddings.projection, embeddings.norm
    patch, channels = projection.kernel_size[0], projection.out_channels
    height, width = size_hw[0] // patch, size_hw[1] // patch
    with torch.no_grad():
        weight, bias = projection.weight.double().permute(0, 2, 3, 1), projection.bias.double()
        if spec.normalised_inside:
            blocks = graph.reshape(spec.name, height, patch, width, patch * 3)
            blocks = graph.transpose(blocks, 0, 2, 1, 3)
            # W ((r x - mean) / std) + b, where x is 0..255 and r the rescale factor.
            mean, std = (torch.tensor(values).double() for values in (spec.mean, spec.std))
            bias = bias - (weight / std * mean).sum((1, 2, 3))
            weight = weight / std * spec.rescale_factor
        else:
            planes = graph.reshape(spec.name, 3, height, patch, width, patch)
            blocks = graph.transpose(planes, 1, 3, 2, 4, 0)
        weight = weight.reshape(channels, -1)
    patches = graph.reshape(blocks, height * width, patch * patch * 3)
    if spec.normalised_inside:
        patches = graph.op("Cast", patches, to=1)
    tokens = graph.linear(patches, weight.numpy(), bias.numpy())
    return graph.layer_norm(tokens, norm.weight, norm.bias, norm.eps), (height, width)


def _layer(graph: Graph, layer: SwinLayer, tokens: Value, size_hw: SizeHW) -> Value:
    before, after = layer.layernorm_before, layer.layernorm_after
    normed = graph.layer_norm(tokens, before.weight, before.bias, before.eps)
    tokens = graph.op("Add", tokens, _window_attention(graph, layer, normed, size_hw))
    normed = graph.layer_norm(tokens, after.weight, after.bias, after.eps)
    hidden = graph.gelu(graph.linear_layer(layer.mlp.fc1, normed))
    return graph.op("Add", tokens, graph.linear_layer(layer.mlp.fc2, hidden))


def _window_attention(graph: Graph, layer: SwinLayer, normed: Value, size_hw: SizeHW) -> Value:
    attention = layer.attention
    heads, head_dim = attention.num_attention_heads, attention.head_dim
    places = window_places(size_hw, layer.window_size, layer.shift_size)
    query, key, value = _project(graph, attention, normed, size_hw, places)
    scores = graph.op("MatMul", query, graph.transpose(key, 0, 1, 3, 2))
    scores = graph.op("Add", scores, graph.const(attention.relative_position_bias()[0]))
    if layer.shift_size:
        scores = graph.op("Add", scores, graph.const(_shift_mask(layer, size_hw)))
    mixed = graph.op("MatMul", graph.op("Softmax", scores, axis=3), value)
    rows = graph.const(inverse_rows(places, heads, size_hw[0] * size_hw[1]))
    merged = graph.op("Gather", graph.reshape(mixed, -1, head_dim), rows, axis=0)
    out_weight, out_bias = linear_weights(attention.o_proj)
    # The weights of the mixture add up to 1, so the value's bias may be added after mixing: here.
    _, v_bias = linear_weights(attention.v_proj)
    bias = out_weight.astype(np.float64) @ v_bias + out_bias
    return graph.linear(graph.reshape(merged, -1, heads * head_dim), out_weight, bias)


def _project(
    graph: Graph, attention: SwinAttention, normed: Value, size_hw: SizeHW, places: Rows
) -> tuple[Value, Value, Value]:
    """Project tokens (N, C) to the queries, keys and values of all windows.

    The key's bias is omitted: it adds the same number to all scores of a query, which softmax
    ignores. The value's bias is added after mixing.

    Returns:
        Three values (windows, heads, window * window, head_dim).
    """
    heads, head_dim = attention.num_attention_heads, attention.head_dim
    if int(places.max()) >= size_hw[0] * size_hw[1]:
        # Swin pads after the norm, so padding is a token of zeros and not a normalised one.
        zeros = graph.floats(np.zeros((1, heads * head_dim)))
        normed = graph.op("Concat", normed, zeros, axis=0)
    (q_weight, q_bias), (k_weight, _), (v_weight, _) = (
        linear_weights(part) for part in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    weight = np.concatenate([q_weight * attention.scaling, k_weight, v_weight])
    rows = graph.reshape(graph.linear(normed, weight), -1, head_dim)
    query, key, value = (
        graph.op("Gather", rows, graph.const(head_rows(places, heads, part)), axis=0)
        for part in range(3)
    )
    if q_bias.any():
        bias_by_head = (q_bias * attention.scaling).reshape(heads, 1, head_dim)
        query = graph.op("Add", query, graph.floats(bias_by_head))
    return query, key, value


def window_places(size_hw: SizeHW, window: int, shift: int) -> Rows:
    """Compute which token is at which place of which window.

    Args:
        size_hw: size of the map in tokens.
        window: side of a window; the map is padded to whole windows at the right and bottom.
        shift: number of tokens by which the padded map is rolled up and to the left.

    Returns:
        int32 (windows, window * window) token numbers; the number of tokens stands for padding.
    """
    height, width = size_hw
    padded_h, padded_w = (-(-side // window) * window for side in size_hw)
    grid = np.full((padded_h, padded_w), height * width, np.int32)
    grid[:height, :width] = np.arange(height * width, dtype=np.int32).reshape(height, width)
    grid = np.roll(grid, (-shift, -shift), (0, 1))
    blocks = grid.reshape(padded_h // window, window, padded_w // window, window)
    return blocks.transpose(0, 2, 1, 3).reshape(-1, window * window)


def head_rows(places: Rows, heads: int, part: int) -> Rows:
    """Compute the rows that make up the queries, keys or values of all windows.

    Args:
        places: int32 (windows, window * window) token numbers.
        heads: number of heads.
        part: 0 for queries, 1 for keys, 2 for values.

    Returns:
        int32 (windows, heads, window * window), numbers of rows ordered (token, part, head).
    """
    head = np.arange(heads, dtype=np.int32)[:, None]
    rows: Rows = (places[:, None, :] * 3 + part) * heads + head
    return rows


def inverse_rows(places: Rows, heads: int, tokens: int) -> Rows:
    """Compute the rows that bring the tokens of all windows back into the order of the map.

    Args:
        places: int32 (windows, window * window) token numbers.
        heads: number of heads.
        tokens: number of tokens of the map.

    Returns:
        int32 (tokens, heads), numbers of rows ordered (window, head, place).
    """
    windows, area = places.shape
    row = np.arange(windows * heads * area, dtype=np.int32).reshape(windows, heads, area)
    rows = np.empty((tokens + 1, heads), np.int32)
    rows[places.reshape(-1)] = row.transpose(0, 2, 1).reshape(-1, heads)
    return rows[:tokens]


def _shift_mask(layer: SwinLayer, size_hw: SizeHW) -> npt.NDArray[Any]:
    """-100 between tokens that are neighbours only because of the roll.

    Returns:
        float32 (windows, 1, area, area).
    """
    padded = [-(-side // layer.window_size) * layer.window_size for side in size_hw]
    mask = layer.get_attn_mask(*padded, dtype=torch.float32, device=torch.device("cpu"))
    return np.asarray(mask[:, None].numpy())


def _merge_patches(graph: Graph, stage: SwinStage, tokens: Value, size_hw: SizeHW) -> Value:
    height, width = size_hw
    merging = stage.downsample
    grid = np.arange(height * width, dtype=np.int32).reshape(height // 2, 2, width // 2, 2)
    # Four neighbours at a time, column by column, as the checkpoint's weights expect them.
    rows = grid.transpose(0, 2, 3, 1).reshape(-1, 4)
    merged = graph.op("Gather", tokens, graph.const(rows), axis=0)
    flat = graph.reshape(merged, rows.shape[0], merging.norm.normalized_shape[0])
    normed = graph.layer_norm(flat, merging.norm.weight, merging.norm.bias, merging.norm.eps)
    return graph.linear_layer(merging.reduction, normed)
