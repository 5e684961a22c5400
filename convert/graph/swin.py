"""Swin as a graph of one size: every window, shift and padding is a table of row numbers.

Liu et al. 2021. A row of the projected tokens, split by head, is the unit that moves: gathering
rows (token, head) puts padding, cyclic shift, window partition and the transposition to heads into
one operator, and one more brings the result back.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers.models.swin.modeling_swin import SwinBackbone, SwinLayer, SwinStage

from convert.graph.graph import Graph, Value, weights_of
from segmentation.arrays import SizeHW
from segmentation.model_card import InputSpec

Rows = npt.NDArray[np.int32]


def swin(
    graph: Graph, backbone: SwinBackbone, spec: InputSpec, size_hw: SizeHW | None
) -> list[Value]:
    """The normed maps of the four stages, (C, cells) each.

    Args:
        graph: being written.
        backbone: the checkpoint's.
        spec: the graph's input, uint8 NHWC; its normalisation moves into the patch embedding.
        size_hw: sides that are multiples of the patch.
    """
    if size_hw is None:
        raise ValueError("Swin needs a fixed size")
    tokens, (height, width) = _patch_embedding(graph, backbone, spec, size_hw)
    maps = []
    for index, stage in enumerate(backbone.swin.encoder.layers):
        for layer in stage.blocks:
            tokens = _layer(graph, layer, tokens, (height, width))
        norm = backbone.hidden_states_norms[f"stage{index + 1}"]
        normed = graph.layer_norm(tokens, norm.weight, norm.bias, norm.eps)
        maps.append(graph.transpose(normed, 1, 0))
        if stage.downsample is not None:
            tokens = _merge_patches(graph, stage, tokens, (height, width))
            height, width = height // 2, width // 2
    return maps


def _patch_embedding(
    graph: Graph, backbone: SwinBackbone, spec: InputSpec, size_hw: SizeHW
) -> tuple[Value, SizeHW]:
    embeddings = backbone.swin.embeddings
    projection, norm = embeddings.patch_embeddings.projection, embeddings.norm
    patch, channels = projection.kernel_size[0], projection.out_channels
    height, width = size_hw[0] // patch, size_hw[1] // patch
    blocks = graph.reshape(spec.name, height, patch, width, patch * 3)
    patches = graph.reshape(graph.transpose(blocks, 0, 2, 1, 3), height * width, patch * patch * 3)
    # W ((x r - mean) / std) + b with the photo's x in 0..255.
    with torch.no_grad():
        mean, std = (torch.tensor(of, dtype=torch.float64) for of in (spec.mean, spec.std))
        weight = projection.weight.double().permute(0, 2, 3, 1) / std
        bias = projection.bias.double() - (weight * mean).sum((1, 2, 3))
        weight = weight.reshape(channels, -1) * spec.rescale_factor
    tokens = graph.linear(graph.op("Cast", patches, to=1), weight.numpy(), bias.numpy())
    return graph.layer_norm(tokens, norm.weight, norm.bias, norm.eps), (height, width)


def _layer(graph: Graph, layer: SwinLayer, tokens: Value, size_hw: SizeHW) -> Value:
    before, after = layer.layernorm_before, layer.layernorm_after
    normed = graph.layer_norm(tokens, before.weight, before.bias, before.eps)
    tokens = graph.op("Add", tokens, _window_attention(graph, layer, normed, size_hw))
    normed = graph.layer_norm(tokens, after.weight, after.bias, after.eps)
    hidden = graph.gelu(graph.linear_layer(layer.mlp.fc1, normed))
    return graph.op("Add", tokens, graph.linear_layer(layer.mlp.fc2, hidden))


def _window_attention(graph: Graph, layer: SwinLayer, normed: Value, size_hw: SizeHW) -> Value:
    attention, window = layer.attention, layer.window_size
    heads, head_dim = attention.num_attention_heads, attention.head_dim
    width = heads * head_dim
    places = window_places(size_hw, window, layer.shift_size)
    if int(places.max()) >= size_hw[0] * size_hw[1]:
        # Padding comes after the norm: it is a token of zeros, not a normed one.
        normed = graph.op("Concat", normed, graph.floats(np.zeros((1, width))), axis=0)
    (q_weight, q_bias), (k_weight, _), (v_weight, v_bias) = (
        weights_of(part) for part in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    # The key's bias adds the same to all scores of a query, which softmax ignores; the value's
    # moves behind the mixing, whose shares add up to 1, into the last projection.
    weight = np.concatenate([q_weight * attention.scaling, k_weight, v_weight])
    rows = graph.reshape(graph.linear(normed, weight), -1, head_dim)
    query, key, value = (
        graph.op("Gather", rows, graph.const(head_rows(places, heads, which)), axis=0)
        for which in range(3)
    )
    if q_bias.any():
        by_head = (q_bias * attention.scaling).reshape(heads, 1, head_dim)
        query = graph.op("Add", query, graph.floats(by_head))
    scores = graph.op("MatMul", query, graph.transpose(key, 0, 1, 3, 2))
    scores = graph.op("Add", scores, graph.const(attention.relative_position_bias()[0]))
    if layer.shift_size:
        scores = graph.op("Add", scores, graph.const(_shift_mask(layer, size_hw)))
    mixed = graph.op("MatMul", graph.op("Softmax", scores, axis=3), value)
    back = graph.const(rows_back(places, heads, size_hw[0] * size_hw[1]))
    merged = graph.op("Gather", graph.reshape(mixed, -1, head_dim), back, axis=0)
    out_weight, out_bias = weights_of(attention.o_proj)
    moved = out_weight.astype(np.float64) @ v_bias + out_bias
    return graph.linear(graph.reshape(merged, -1, width), out_weight, moved)


def window_places(size_hw: SizeHW, window: int, shift: int) -> Rows:
    """Which token stands where in which window.

    Args:
        size_hw: of the map, in tokens.
        window: side of a window; the map is padded to whole windows at the right and bottom.
        shift: how far the padded map is rolled up and to the left.

    Returns:
        (windows, window * window) token numbers; the number of tokens itself stands for padding.
    """
    height, width = size_hw
    padded_h, padded_w = (-(-side // window) * window for side in size_hw)
    grid = np.full((padded_h, padded_w), height * width, np.int32)
    grid[:height, :width] = np.arange(height * width, dtype=np.int32).reshape(height, width)
    grid = np.roll(grid, (-shift, -shift), (0, 1))
    blocks = grid.reshape(padded_h // window, window, padded_w // window, window)
    return blocks.transpose(0, 2, 1, 3).reshape(-1, window * window)


def head_rows(places: Rows, heads: int, which: int) -> Rows:
    """Rows of q (which=0), k (1) or v (2) in windows: (windows, heads, window * window).

    The source has a row for each (token, q|k|v, head).
    """
    head = np.arange(heads, dtype=np.int32)[:, None]
    rows: Rows = (places[:, None, :] * 3 + which) * heads + head
    return rows


def rows_back(places: Rows, heads: int, tokens: int) -> Rows:
    """The inverse: for each (token, head), its row among (window, head, place)."""
    windows, area = places.shape
    row = np.arange(windows * heads * area, dtype=np.int32).reshape(windows, heads, area)
    back = np.empty((tokens + 1, heads), np.int32)
    back[places.reshape(-1)] = row.transpose(0, 2, 1).reshape(-1, heads)
    return back[:tokens]


def _shift_mask(layer: SwinLayer, size_hw: SizeHW) -> npt.NDArray[Any]:
    """-100 between tokens that only the roll made neighbours: (windows, 1, area, area)."""
    padded = [-(-side // layer.window_size) * layer.window_size for side in size_hw]
    mask = layer.get_attn_mask(*padded, dtype=torch.float32, device=torch.device("cpu"))
    return np.asarray(mask[:, None].numpy())


def _merge_patches(graph: Graph, stage: SwinStage, tokens: Value, size_hw: SizeHW) -> Value:
    height, width = size_hw
    merging = stage.downsample
    grid = np.arange(height * width, dtype=np.int32).reshape(height // 2, 2, width // 2, 2)
    # The four neighbours column by column, as the checkpoint's weights expect them.
    rows = grid.transpose(0, 2, 3, 1).reshape(-1, 4)
    merged = graph.op("Gather", tokens, graph.const(rows), axis=0)
    flat = graph.reshape(merged, rows.shape[0], merging.norm.normalized_shape[0])
    normed = graph.layer_norm(flat, merging.norm.weight, merging.norm.bias, merging.norm.eps)
    return graph.linear_layer(merging.reduction, normed)
