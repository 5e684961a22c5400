"""What all forms of deformable attention share."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from convert.graph.graph import Graph, Value
from convert.graph.levels import Level

if TYPE_CHECKING:
    from transformers.models.mask2former.modeling_mask2former import (
        Mask2FormerPixelDecoderEncoderMultiscaleDeformableAttention as DeformableAttention,
    )

Sampler = Callable[[Graph, "DeformableAttention", Value, Value, list[Level]], Value]
"""(graph, attention, tokens (N, C), queries (N, C), levels) to mixed tokens (N, C)."""


def attention_weights(graph: Graph, attention: "DeformableAttention", queries: Value) -> Value:
    """Compute the weight of each sampling point in the mixture: (N, heads, L, points)."""
    heads, levels, points = attention.n_heads, attention.n_levels, attention.n_points
    logits = graph.linear_layer(attention.attention_weights, queries)
    weights = graph.op("Softmax", graph.reshape(logits, -1, heads, levels * points), axis=2)
    return graph.reshape(weights, -1, heads, levels, points)
