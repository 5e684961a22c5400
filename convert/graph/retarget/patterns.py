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


Rewriter = Callable[
    [AscendGraph, Source, onnx.NodeProto, Mapping[str, Value], PointSampler], Value | None
]
"""(graph, source, node, values by source name, sampler) to the new value; None if the node is not
the end of the form."""


def _identity(
    _graph: AscendGraph,
    _source: Source,
    node: onnx.NodeProto,
    values: Mapping[str, Value],
    _sampler: PointSampler,
) -> Value:
    return values[node.input[0]]


def _shape(
    graph: AscendGraph,
    source: Source,
    node: onnx.NodeProto,
    _values: Mapping[str, Value],
    _sampler: PointSampler,
) -> Value | None:
    """Sides that are known."""
    attributes = attributes_of(node)
    dims = source.shapes.get(node.input[0])
    if dims is None:
        return None
    sides = dims[attributes.get("start", 0) : attributes.get("end", len(dims))]
    known = [side for side in sides if side is not None]
    return graph.ints(*known) if len(known) == len(sides) else None


def _layer_norm(
    graph: AscendGraph,
    source: Source,
    node: onnx.NodeProto,
    values: Mapping[str, Value],
    _sampler: PointSampler,
) -> Value:
    tokens, weight, bias = node.input
    return graph.layer_norm(
        values[tokens],
        source.constants[weight],
        source.constants[bias],
        attributes_of(node)["epsilon"],
    )


def _instance_norm(
    graph: AscendGraph,
    source: Source,
    node: onnx.NodeProto,
    values: Mapping[str, Value],
    _sampler: PointSampler,
) -> Value:
    groups = len(source.constants[node.input[1]])
    return graph.instance_norm(values[node.input[0]], groups, attributes_of(node)["epsilon"])


def _gelu(
    graph: AscendGraph,
    _source: Source,
    node: onnx.NodeProto,
    values: Mapping[str, Value],
    _sampler: PointSampler,
) -> Value:
    return graph.gelu(values[node.input[0]])


def _softmax(
    graph: AscendGraph,
    source: Source,
    node: onnx.NodeProto,
    values: Mapping[str, Value],
    _sampler: PointSampler,
) -> Value | None:
    """Exp(x - max) / sum."""
    raised, total = node.input
    exponential = source.producer(raised, "Exp")
    summed = source.producer(total, "ReduceSum")
    if exponential is None or summed is None or summed.input[0] != raised:
        return None
    difference = source.producer(exponential.input[0], "Sub")
    if difference is None or source.producer(difference.input[1], "ReduceMax") is None:
        return None
    (axis,) = source.constants[summed.input[1]]
    return graph.softmax(values[difference.input[0]], axis=int(axis))


def _any_non_negative(
    graph: AscendGraph,
    source: Source,
    node: onnx.NodeProto,
    values: Mapping[str, Value],
    _sampler: PointSampler,
) -> Value | None:
    """The greatest element is not negative."""
    greatest = source.producer(node.input[0], "ReduceMax")
    if greatest is None:
        return None
    (axis,) = source.constants[greatest.input[1]]
    return graph.any_non_negative(values[greatest.input[0]], int(axis))


def _linear(
    graph: AscendGraph,
    source: Source,
    node: onnx.NodeProto,
    values: Mapping[str, Value],
    _sampler: PointSampler,
) -> Value | None:
    """A product with a bias, and the second layer after max(x, -b), which was relu(x + b) - b."""
    product = source.producer(node.input[0], "MatMul") if node.op_type == "Sub" else node
    if product is None or product.input[1] not in source.constants:
        return None
    matrix = source.constants[product.input[1]]
    offset = source.constants.get(node.input[-1])
    if offset is None or offset.ndim != 1:
        return None
    bias = -offset if node.op_type == "Sub" else offset
    tokens = values[product.input[0]]
    hidden = source.producer(product.input[0], "Max")
    first = source.producer(hidden.input[0], "MatMul") if hidden is not None else None
    if hidden is not None and first is not None:
        below = source.constants[hidden.input[1]]
        tokens = graph.op(
            "Relu",
            graph.linear(values[first.input[0]], source.constants[first.input[1]].T, -below),
        )
        # The second bias had absorbed W b.
        bias = bias.astype(np.float64) + below @ matrix
    return graph.linear(tokens, matrix.T, bias)


def _deformable(
    graph: AscendGraph,
    source: Source,
    node: onnx.NodeProto,
    values: Mapping[str, Value],
    sampler: PointSampler,
) -> Value | None:
    """The sum of one convolution for each level."""
    nodes = [source.producer(name, "DeformConv") for name in node.input]
    found = [
        (convolution, [values[name] for name in convolution.input])
        for convolution in nodes
        if convolution is not None
    ]
    return sample_levels(graph, found, sampler) if found else None


def _grid_sample(
    graph: AscendGraph,
    source: Source,
    node: onnx.NodeProto,
    values: Mapping[str, Value],
    sampler: PointSampler,
) -> Value:
    maps, grid = node.input
    count, channels, height, width = (side or 0 for side in source.shapes[maps])
    return sampler(graph, values[maps], values[grid], (count, channels, height, width))


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
