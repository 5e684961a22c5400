"""Let one graph use the weights in another graph's file, so that a second graph costs little."""

from pathlib import Path

import onnx

# Smaller constants stay in the graph: a reference is about as large.
MIN_BYTES = 1024


def share_weights(model: onnx.ModelProto, path: Path) -> bool:
    """Replace the weights of a graph that another graph's file holds too by references to them.

    ONNX calls such references external data: the name of a file beside the graph, an offset and a
    length. The other file is not changed, and runs as before.

    Args:
        model: the graph, which is changed.
        path: the other graph's file, with its weights inside.

    Returns:
        Whether any weight is in the other file.
    """
    is_shared = False
    content = path.read_bytes()
    for tensor in model.graph.initializer:
        length = len(tensor.raw_data)
        offset = content.find(tensor.raw_data) if length >= MIN_BYTES else -1
        if offset < 0:
            continue
        is_shared = True
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", path.name), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
    return is_shared
