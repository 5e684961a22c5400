"""Write Mask2Former's transformer decoder with masked attention, and its two predictions.

Classes and full masks are computed after the last layer only. The attention masks between layers
are computed at the resolution at which they are used: scaling the mask features first gives the
same numbers as scaling the masks.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import Mask2FormerForUniversalSegmentation
from transformers.models.mask2former.modeling_mask2former import (
    Mask2FormerMaskedAttentionDecoder,
    Mask2FormerMaskedAttentionDecoderLayer,
)

from convert.graph.graph import Graph, Value, linear_weights
from convert.graph.levels import Level, sine_position
from convert.graph.subject_decoder import SubjectMask2Former
from segmentation.arrays import Float32

# What a masked cell's score is lowered by. exp(-60) is lost in a sum of larger terms, but it is no
# denormal number, with which softmax takes six times as long.
MASKED = -60.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The tokens of one level that the queries attend to.

    Attributes:
        values: tokens (cells, C), with the checkpoint's level embedding.
        keys: the same with the position encoding.
        mask_features: (C, cells), scaled down from stride 4.
    """

    values: Value
    keys: Value
    mask_features: Value


def mask_decoder(
    graph: Graph,
    model: Mask2FormerForUniversalSegmentation,
    tokens: list[Value],
    features: Value,
    levels: list[Level],
) -> tuple[Value, Value]:
    """Write the decoder.

    Args:
        graph: the graph to add to.
        model: the checkpoint's model.
        tokens: the tokens of the levels, (cells, C) each.
        features: mask features (1, C, H/4, W/4) before the checkpoint's `mask_projection`.
        levels: the sizes of the levels.

    Returns:
        class_queries_logits: (Q, labels + 1).
        masks_queries_logits: (Q, H/4 * W/4), with a last row for the subject if the model has a
            subject query.
    """
    module = model.model.transformer_module
    memories = [
        _memory(graph, model, index, tokens[index], features, level)
        for index, level in enumerate(levels)
    ]
    projection = model.model.pixel_level_module.decoder.mask_projection
    full = graph.reshape(features, features_width(model), -1)
    position = graph.const(module.queries_embedder.weight)
    queries = graph.const(module.queries_features.weight)
    stack = Stack(module.decoder, projection)
    queries = _run_layers(graph, stack, queries, position, memories)
    normed = stack.norm(graph, queries)
    classes = graph.linear_layer(model.class_predictor, normed)
    masks = stack.mask_logits(graph, normed, full)
    if not isinstance(model, SubjectMask2Former):
        return classes, masks
    subject = model.subject
    stack = Stack(subject.decoder, projection)
    queries = graph.op("Concat", queries, graph.const(subject.queries_features.weight), axis=0)
    position = graph.op("Concat", position, graph.const(subject.queries_embedder.weight), axis=0)
    queries = _run_layers(graph, stack, queries, position, memories)
    last = graph.op("Gather", queries, graph.ints(model.config.num_queries), axis=0)
    subject_mask = stack.mask_logits(graph, stack.norm(graph, last), full)
    return classes, graph.op("Concat", masks, subject_mask, axis=0)


def _run_layers(
    graph: Graph, stack: "Stack", queries: Value, position: Value, memories: list[Memory]
) -> Value:
    """The queries after all layers, before the norm."""
    for index, layer in enumerate(stack.decoder.layers):
        memory = memories[index % len(memories)]
        logits = stack.mask_logits(graph, stack.norm(graph, queries), memory.mask_features)
        queries = _decoder_layer(graph, layer, queries, position, memory, logits)
    return queries


def features_width(model: Mask2FormerForUniversalSegmentation) -> int:
    """Return the number of channels of the pixel decoder's maps."""
    width: int = model.config.feature_size
    return width


def _memory(
    graph: Graph,
    model: Mask2FormerForUniversalSegmentation,
    index: int,
    tokens: Value,
    features: Value,
    level: Level,
) -> Memory:
    module = model.model.transformer_module
    width = model.config.hidden_dim
    projection = module.input_projections[index]
    if isinstance(projection, nn.Conv2d):
        weight, bias = (part.detach().numpy() for part in projection.parameters())
        tokens = graph.linear(tokens, weight[:, :, 0, 0], bias)
    tokens = graph.op("Add", tokens, graph.const(module.level_embed.weight[index]))
    keys = graph.op("Add", tokens, sine_position(graph, level, width))
    # From stride 4 to stride 32, 16 or 8.
    scale = 2.0 ** (index - len(module.input_projections))
    scaled = graph.resize(features, scale)
    return Memory(tokens, keys, graph.reshape(scaled, features_width(model), -1))


@dataclass(frozen=True, slots=True)
class Stack:
    """Decoder layers with their norm and mask predictor.

    Attributes:
        decoder: the layers.
        projection: of the mask features, 1 x 1.
    """

    decoder: Mask2FormerMaskedAttentionDecoder
    projection: nn.Conv2d

    def norm(self, graph: Graph, queries: Value) -> Value:
        """Write the normalisation of queries (Q, C)."""
        norm = self.decoder.layernorm
        return graph.layer_norm(queries, norm.weight, norm.bias, norm.eps)

    def mask_logits(self, graph: Graph, normed: Value, mask_features: Value) -> Value:
        """Mask logits (Q, cells) of normalised queries (Q, C), as fine as the mask features.

        The last layer of the embedding absorbs the projection of the mask features, W f + b:
        e (W f + b) = (e W) f + e b, which multiplies W by 100 queries and not by all cells.
        """
        embedder = self.decoder.mask_predictor.mask_embedder
        first, second, last = (next(block.children()) for block in embedder.children())
        hidden = graph.op("Relu", graph.linear_layer(first, normed))
        hidden = graph.op("Relu", graph.linear_layer(second, hidden))
        with torch.no_grad():
            weight = self.projection.weight[:, :, 0, 0].double()
            bias = self.projection.get_parameter("bias").double()
            folded = torch.cat([weight, bias[:, None]], dim=1)
            embedding_weight = (folded.T @ last.weight.double()).float().numpy()
            embedding_bias = (folded.T @ last.bias.double()).float().numpy()
        embedding = graph.linear(hidden, embedding_weight[:-1], embedding_bias[:-1])
        offset = graph.linear(hidden, embedding_weight[-1:], embedding_bias[-1:])
        return graph.op("Add", graph.op("MatMul", embedding, mask_features), offset)


def _decoder_layer(
    graph: Graph,
    layer: Mask2FormerMaskedAttentionDecoderLayer,
    queries: Value,
    position: Value,
    memory: Memory,
    mask_logits: Value,
) -> Value:
    cross, self_ = layer.cross_attn, layer.self_attn
    weights = np.split(cross.in_proj_weight.detach().numpy(), 3)
    biases = np.split(cross.in_proj_bias.detach().numpy(), 3)
    attended = _attention(
        graph,
        Attention(
            cross.num_heads,
            (weights[0], biases[0]),
            (weights[1], biases[1]),
            (weights[2], biases[2]),
            linear_weights(cross.out_proj),
        ),
        (graph.op("Add", queries, position), memory.keys, memory.values),
        attention_bias(graph, mask_logits),
    )
    queries = _add_norm(graph, queries, attended, layer.cross_attn_layer_norm)
    placed_queries = graph.op("Add", queries, position)
    parts = (self_.q_proj, self_.k_proj, self_.v_proj, self_.out_proj)
    attended = _attention(
        graph,
        Attention(self_.num_heads, *(linear_weights(part) for part in parts)),
        (placed_queries, placed_queries, queries),
    )
    queries = _add_norm(graph, queries, attended, layer.self_attn_layer_norm)
    widened = graph.relu_feed_forward(layer.fc1, layer.fc2, queries)
    return _add_norm(graph, queries, widened, layer.final_layer_norm)


def _add_norm(graph: Graph, queries: Value, update: Value, norm: nn.LayerNorm) -> Value:
    return graph.layer_norm(graph.op("Add", queries, update), norm.weight, norm.bias, norm.eps)


def attention_bias(graph: Graph, mask_logits: Value) -> Value:
    """Compute what masked attention adds to the scores.

    A query attends to the cells that its mask covers, and to all cells if its mask covers none.
    sigmoid(x) < 0.5 is x < 0, so a mask covers no cell if no logit reaches 0.

    Returns:
        float32 (Q, cells): 0 where the query attends, `MASKED` elsewhere.
    """
    background = graph.op("Less", mask_logits, graph.floats(0))
    masked = graph.op("And", background, graph.any_non_negative(mask_logits, 1))
    masked = graph.op("Cast", masked, to=1)
    return graph.op("Mul", masked, graph.floats(MASKED))


Affine = tuple[Float32, Float32]
"""Weight (out, in) and bias (out,)."""


@dataclass(frozen=True, slots=True)
class Attention:
    """The projections of a multi-head attention."""

    heads: int
    query: Affine
    key: Affine
    value: Affine
    out: Affine


def _attention(
    graph: Graph,
    attention: Attention,
    inputs: tuple[Value, Value, Value],
    mask: Value | None = None,
) -> Value:
    """Write multi-head attention.

    The key's bias is omitted: it adds the same number to all scores of a query, which softmax
    ignores. The last projection absorbs the value's bias, as the mixture's weights add up to 1.

    Args:
        graph: the graph to add to.
        attention: the projections.
        inputs: queries (Q, C), keys (N, C) and values (N, C).
        mask: what to add to the scores (Q, N).

    Returns:
        Mixed values (Q, C).
    """
    heads = attention.heads
    queries, keys, values = inputs
    (q_weight, q_bias), (out_weight, out_bias) = attention.query, attention.out
    width = len(q_weight)
    scale = np.float32((width // heads) ** -0.5)

    def split(tokens: Value, *perm: int) -> Value:
        return graph.transpose(graph.reshape(tokens, -1, heads, width // heads), *perm)

    q = split(graph.linear(queries, q_weight * scale, q_bias * scale), 1, 0, 2)
    k = split(graph.linear(keys, attention.key[0]), 1, 2, 0)
    v = split(graph.linear(values, attention.value[0]), 1, 0, 2)
    scores = graph.op("MatMul", q, k)
    if mask is not None:
        scores = graph.op("Add", scores, mask)
    mixed = graph.op("MatMul", graph.op("Softmax", scores, axis=2), v)
    merged = graph.reshape(graph.transpose(mixed, 1, 0, 2), -1, width)
    bias = out_weight.astype(np.float64) @ attention.value[1] + out_bias
    return graph.linear(merged, out_weight, bias)
