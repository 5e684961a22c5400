"""Rewrite a graph for onnxruntime as one for atc, of one size, with the weights that it holds.

It needs neither the checkpoint nor torch: `AscendGraph` writes the nodes again, one by one, and
folds what depends on the size alone. Operators that atc lacks, and forms that only suit
onnxruntime, are replaced (`patterns`).
"""

import onnx
from onnx import helper, numpy_helper, shape_inference

from convert.graph.ascend_graph import AscendGraph
from convert.graph.graph import Value
from convert.graph.operator_rules.tensors import attributes_of, dims_of
from convert.graph.retarget.patterns import REWRITERS, Context, Source
from convert.graph.retarget.point_sampling import POINT_SAMPLERS
from segmentation.arrays import SizeHW
from segmentation.errors import ConversionError


def retarget(model: onnx.ModelProto, size_hw: SizeHW, sampling: str) -> onnx.ModelProto:
    """Rewrite a graph that `export` wrote.

    Args:
        model: the graph, for onnxruntime or for atc, with its weights.
        size_hw: the input size of the new graph.
        sampling: a key of POINT_SAMPLERS.

    Returns:
        A graph with the same inputs and outputs.

    Raises:
        ConversionError: the graph is not one of ours.
    """
    try:
        rewritten = _rewrite(_with_size(model, size_hw), sampling)
        # Shapes that the first pass made constant are folded by the second.
        return shape_inference.infer_shapes(_rewrite(rewritten, sampling))
    except (LookupError, ValueError) as error:
        raise ConversionError(
            f"The ONNX graph cannot be rewritten for atc ({error}). Export the model again with "
            "--target ascend.",
            f"无法将该 ONNX 改写为 atc 可用的图（{error}）。请用 --target ascend 重新导出模型。",
        ) from error


def _with_size(model: onnx.ModelProto, size_hw: SizeHW) -> onnx.ModelProto:
    """Copy a model with a fixed input size and outputs whose shapes are to be inferred."""
    sized = onnx.ModelProto()
    sized.CopyFrom(model)
    (image,) = sized.graph.input
    dims = dims_of(image)
    sides = (2, 3) if dims[1] == 3 else (1, 2)
    for axis, side in zip(sides, size_hw, strict=True):
        image.type.tensor_type.shape.dim[axis].dim_value = side
    return sized


def _rewrite(model: onnx.ModelProto, sampling: str) -> onnx.ModelProto:
    graph = AscendGraph()
    source = _source(model)
    values: dict[str, Value] = {
        name: graph.const(array) for name, array in source.constants.items()
    }
    values |= {image.name: image.name for image in model.graph.input} | {"": ""}
    context = Context(graph, source, values, POINT_SAMPLERS[sampling])
    for node in model.graph.node:
        rewriter = REWRITERS.get(node.op_type)
        inputs = [values[name] for name in node.input]
        written = rewriter(context, node) if rewriter else None
        if written is not None:
            values[node.output[0]] = written
            continue
        results = graph.ops(
            node.op_type,
            *inputs,
            outputs=len(node.output),
            domain=node.domain,
            **attributes_of(node),
        )
        values |= dict(zip(node.output, results, strict=True))
    outputs = [
        helper.make_tensor_value_info(output.name, output.type.tensor_type.elem_type, None)
        for output in model.graph.output
    ]
    logits = [values[output.name] for output in model.graph.output]
    return graph.model(list(model.graph.input), outputs, logits)


def _source(model: onnx.ModelProto) -> Source:
    inferred = shape_inference.infer_shapes(model, data_prop=True).graph
    tensors = (*inferred.input, *inferred.value_info, *inferred.output)
    return Source(
        producers={name: node for node in model.graph.node for name in node.output},
        constants={
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        },
        shapes={
            tensor.name: dims_of(tensor)
            for tensor in tensors
            if tensor.type.tensor_type.HasField("shape")
        },
    )
