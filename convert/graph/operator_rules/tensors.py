"""Collect the dtypes, shapes and constants of a model's tensors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper, shape_inference


@dataclass(frozen=True, slots=True)
class Tensors:
    """What is known of a model's tensors, those of subgraphs included.

    Attributes:
        dtypes: onnx data types by name.
        shapes: shapes by name; None for an open side.
        constants: the values of initializers and Constant nodes by name.
        sources: names of inputs and initializers.
    """

    dtypes: dict[str, int]
    shapes: dict[str, tuple[int | None, ...]]
    constants: dict[str, npt.NDArray[Any]]
    sources: frozenset[str]


def collect_tensors(model: onnx.ModelProto) -> Tensors:
    """Collect what a model states about its tensors, and what shape inference adds."""
    dtypes: dict[str, int] = {}
    shapes: dict[str, tuple[int | None, ...]] = {}
    constants: dict[str, npt.NDArray[Any]] = {}
    sources: set[str] = set()
    for graph in _graphs(_infer(model).graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            if value.type.tensor_type.HasField("shape"):
                shapes[value.name] = dims_of(value)
            dtypes[value.name] = value.type.tensor_type.elem_type
        sources.update(tensor.name for tensor in (*graph.input, *graph.initializer))
        for initializer in graph.initializer:
            constants[initializer.name] = numpy_helper.to_array(initializer)
            dtypes[initializer.name] = initializer.data_type
            shapes[initializer.name] = tuple(initializer.dims)
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute:
                constants[node.output[0]] = _constant(node)
    return Tensors(dtypes, shapes, constants, frozenset(sources))


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes of a node by name."""
    return {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}


def dims_of(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    """Return the shape of a tensor; None for an open side."""
    return tuple(
        side.dim_value if side.HasField("dim_value") and side.dim_value >= 0 else None
        for side in value.type.tensor_type.shape.dim
    )


def _infer(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a model, with inferred dtypes and shapes of its inner tensors."""
    inferable = onnx.ModelProto()
    inferable.CopyFrom(model)
    imported = {entry.domain for entry in model.opset_import}
    used = {node.domain for graph in _graphs(model.graph) for node in graph.node}
    # The inference fails on a domain without an import, which `check` reports separately.
    inferable.opset_import.extend(onnx.helper.make_opsetid(name, 1) for name in used - imported)
    return shape_inference.infer_shapes(inferable)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and all its subgraphs."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graphs(attribute.g)


def _constant(node: onnx.NodeProto) -> npt.NDArray[Any]:
    value = onnx.helper.get_attribute_value(node.attribute[0])
    is_tensor = isinstance(value, onnx.TensorProto)
    return numpy_helper.to_array(value) if is_tensor else np.asarray(value)
