"""The nodes of a graph for onnxruntime that `AscendGraph` writes in another way.

A rewriter looks back from the last node of a form to its first. What the form consisted of is
written as well, and dropped in the end because nothing uses it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from convert.graph.ascend_graph import AscendGraph
from convert.graph.graph import Value
from convert.graph.operator_rules.tensors import attributes_of
from convert.graph.retarget.deformable import sample_levels
from convert.graph.retarget.point_sampling import PointSampler


@dataclass(frozen=True, slots=True)
class Source:
    """The graph that is rewritten.

    Attributes:
        producers: nodes by the names of their outputs.
        constants: initializers by name.
        shapes: inferred shapes by name; None for an open side.
    """

    producers: Mapping[str, onnx.NodeProto]
    constants: Mapping[str, npt.NDArray[Any]]
    shapes: Mapping[str, tuple[int | None, ...]]

    def producer(self, name: str, op_type: str) -> onnx.NodeProto | None:
        """Return the node that computes a tensor if it is of this operator."""
        node = self.producers.get(name)
        return node if node is not None and node.op_type == op_type else None


@dataclass(frozen=True, slots=True)
class Context:
    """What a rewriter needs besides the node.

    Attributes:
        graph: the graph that is written.
        source: the graph that is rewritten.
        values: the values that are written, by their names in the source.
        sampler: the operator that samples at points.
    """

    graph: AscendGraph
    source: Source
    values: Mapping[str, Value]
    sampler: PointSampler


Rewriter = Callable[[Context, onnx.NodeProto], Value | None]
"""Returns the new value of a node's output; None if the node is not the end of the form."""


def _identity(context: Context, node: onnx.NodeProto) -> Value:
    return context.values[node.input[0]]


def _shape(context: Context, node: onnx.NodeProto) -> Value | None:
    """Sides that are known."""
    attributes = attributes_of(node)
    dims = context.source.shapes.get(node.input[0])
    if dims is None:
        return None
    sides = dims[attributes.get("start", 0) : attributes.get("end", len(dims))]
    known = [side for side in sides if side is not None]
    return context.graph.ints(*known) if len(known) == len(sides) else None


def _layer_norm(context: Context, node: onnx.NodeProto) -> Value:
    tokens, weight, bias = node.input
    return context.graph.layer_norm(
        context.values[tokens],
        context.source.constants[weight],
        context.source.constants[bias],
        attributes_of(node)["epsilon"],
    )


def _instance_norm(context: Context, node: onnx.NodeProto) -> Value:
    groups = len(context.source.constants[node.input[1]])
    return context.graph.instance_norm(
        context.values[node.input[0]], groups, attributes_of(node)["epsilon"]
    )


def _gelu(context: Context, node: onnx.NodeProto) -> Value:
    return context.graph.gelu(context.values[node.input[0]])


def _softmax(context: Context, node: onnx.NodeProto) -> Value | None:
    """Exp(x - max) / sum."""
    raised, total = node.input
    exponential = context.source.producer(raised, "Exp")
    summed = context.source.producer(total, "ReduceSum")
    if exponential is None or summed is None or summed.input[0] != raised:
        return None
    difference = context.source.producer(exponential.input[0], "Sub")
    if difference is None or context.source.producer(difference.input[1], "ReduceMax") is None:
        return None
    (axis,) = context.source.constants[summed.input[1]]
    return context.graph.softmax(context.values[difference.input[0]], axis=int(axis))


def _any_non_negative(context: Context, node: onnx.NodeProto) -> Value | None:
    """The greatest element is not negative."""
    greatest = context.source.producer(node.input[0], "ReduceMax")
    if greatest is None:
        return None
    (axis,) = context.source.constants[greatest.input[1]]
    return context.graph.any_non_negative(context.values[greatest.input[0]], int(axis))


def _linear(context: Context, node: onnx.NodeProto) -> Value | None:
    """A product with a bias, and the second layer after max(x, -b), which was relu(x + b) - b."""
    product = context.source.producer(node.input[0], "MatMul") if node.op_type == "Sub" else node
    if product is None or product.input[1] not in context.source.constants:
        return None
    matrix = context.source.constants[product.input[1]]
    offset = context.source.constants.get(node.input[-1])
    if offset is None or offset.ndim != 1:
        return None
    bias = -offset if node.op_type == "Sub" else offset
    tokens = context.values[product.input[0]]
    hidden = context.source.producer(product.input[0], "Max")
    first = context.source.producer(hidden.input[0], "MatMul") if hidden is not None else None
    if hidden is not None and first is not None:
        below = context.source.constants[hidden.input[1]]
        tokens = context.graph.op(
            "Relu",
            context.graph.linear(
                context.values[first.input[0]], context.source.constants[first.input[1]].T, -below
            ),
        )
        # The second bias had absorbed W b.
        bias = bias.astype(np.float64) + below @ matrix
    return context.graph.linear(tokens, matrix.T, bias)


def _deformable(context: Context, node: onnx.NodeProto) -> Value | None:
    """The sum of one convolution for each level."""
    nodes = [context.source.producer(name, "DeformConv") for name in node.input]
    convolutions = [
        (convolution, [context.values[name] for name in convolution.input])
        for convolution in nodes
        if convolution is not None
    ]
    return sample_levels(context.graph, convolutions, context.sampler) if convolutions else None


def _grid_sample(context: Context, node: onnx.NodeProto) -> Value:
    maps, grid = node.input
    count, channels, height, width = (side or 0 for side in context.source.shapes[maps])
    return context.sampler(
        context.graph, context.values[maps], context.values[grid], (count, channels, height, width)
    )


REWRITERS: Mapping[str, Rewriter] = {
    "Div": _softmax,
    "Gelu": _gelu,
    "Gemm": _linear,
    "GreaterOrEqual": _any_non_negative,
    "GridSample": _grid_sample,
    "Identity": _identity,
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    "Shape": _shape,
    "Sub": _linear,
    "Sum": _deformable,
}
