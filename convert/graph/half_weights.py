"""Store the weights of a graph as float16, which halves its file.

The graph computes in float32 as before: a Cast follows each weight, and onnxruntime folds it when
it loads the graph.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Smaller constants stay as they are: a Cast is about as large, and they may be shapes or scales.
MIN_BYTES = 1024
SUFFIX = "_half"


def halve_weights(model: onnx.ModelProto) -> None:
    """Round the large float32 constants of a graph to float16, and add Casts back to float32.

    A constant with an element outside the range of float16 stays in float32.

    Args:
        model: a graph with its weights inside; it is changed.
    """
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.raw_data) < MIN_BYTES:
            continue
        array = numpy_helper.to_array(tensor)
        if np.abs(array).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), name + SUFFIX))
        casts.append(helper.make_node("Cast", [tensor.name], [name], name, to=TensorProto.FLOAT))
    _prepend(model, casts)


def load_graph(path: Path) -> onnx.ModelProto:
    """Load a graph that is to be rewritten, with all weights as float32.

    Raises:
        OSError: the file cannot be read.
    """
    model = onnx.load(path)
    _widen_weights(model)
    return model


def _widen_weights(model: onnx.ModelProto) -> None:
    """Undo `halve_weights`, except for the rounding."""
    halves = {
        tensor.name: tensor
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT16
    }
    nodes = []
    for node in model.graph.node:
        if node.op_type != "Cast" or node.input[0] not in halves:
            nodes.append(node)
            continue
        tensor = halves[node.input[0]]
        array = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(array, node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _prepend(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Add nodes before all others, since ONNX lists a node before those that take its output."""
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
