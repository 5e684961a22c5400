"""Models of one node, short to write."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, DOUBLE, BOOL, INT64 = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.BOOL,
    TensorProto.INT64,
)
PHOTO = {"x": (FLOAT, (1, 3, 8, 8))}


def make_model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, Sequence[int | str] | None]],
    constants: dict[str, np.ndarray] | None = None,
    opsets: dict[str, int] | None = None,
) -> onnx.ModelProto:
    """A model whose nodes end in a float output of unknown shape called `y`."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, *spec) for name, spec in inputs.items()],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    imports = [helper.make_opsetid(*entry) for entry in (opsets or {"": 16}).items()]
    return helper.make_model(graph, opset_imports=imports)


def make_node(op_type: str, inputs: Sequence[str] = ("x",), **attributes: object) -> onnx.NodeProto:
    """A node with the output `y`."""
    return helper.make_node(op_type, inputs, ["y"], name="the_node", **attributes)
