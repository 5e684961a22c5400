"""A float graph of ours, rewritten to multiply 8-bit integers in onnxruntime."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from segmentation.arrays import Float32, UInt8

# Below this, the passes that quantise and restore cost more than the product.
LEAST_SIDE = 32
CONTRIB = "com.microsoft"
# Seven bits: without VNNI, a processor adds two products of 8 bits in 16 and cuts off what does not
# fit (onnxruntime's docs, "Quantize ONNX Models": U8S8, reduce_range). 2 x 255 x 64 just fits.
GREATEST = 64
# A bias is an int32 in units of the product it is added to, which needs room as well.
BIAS_LIMIT = 2.0**30
Range = tuple[float, float]


def quantize_graph(model: onnx.ModelProto, ranges: Mapping[str, Range]) -> onnx.ModelProto:
    """The graph with its products by constant matrices, and its measured convolutions, in 8 bits.

    Args:
        model: a float graph of ours; it is not changed.
        ranges: least and greatest value of the inputs and outputs of convolutions.
    """
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    weights = {of.name: of for of in model.graph.initializer}
    readers = readers_of(model)
    nodes: list[onnx.NodeProto] = []
    added: dict[str, npt.NDArray[Any]] = {}
    absorbed: set[str] = set()
    for node in model.graph.node:
        if node.name in absorbed:
            continue
        if (layer := feed_forward(node, readers, weights)) and layer.source in ranges:
            absorbed.update(of.name for of in (layer.relu, layer.second))
            parts, constants = _two_products(layer, weights, ranges)
            nodes += parts
        elif _is_wide_product(node, weights):
            bias = _bias_after(node, readers, weights)
            if bias is not None:
                absorbed.add(bias.name)
            product, constants = _product(node, bias, weights)
            nodes.append(product)
        elif is_wide_convolution(node, weights) and node.output[0] in ranges:
            parts, constants = _convolution(node, weights, ranges)
            nodes += parts
        else:
            nodes.append(node)
            continue
        added |= constants
    used = {name for node in nodes for name in node.input}
    del twin.graph.node[:], twin.graph.initializer[:]
    twin.graph.node.extend(nodes)
    twin.graph.initializer.extend(of for name, of in weights.items() if name in used)
    twin.graph.initializer.extend(numpy_helper.from_array(of, name) for name, of in added.items())
    twin.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    return twin


def readers_of(model: onnx.ModelProto) -> dict[str, list[onnx.NodeProto]]:
    """Which nodes take a value."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return readers


def _is_wide_product(node: onnx.NodeProto, weights: Mapping[str, onnx.TensorProto]) -> bool:
    if node.op_type not in ("MatMul", "Gemm") or node.input[1] not in weights:
        return False
    dims = weights[node.input[1]].dims
    return len(dims) == 2 and min(dims) >= LEAST_SIDE and not node.attribute


@dataclass(frozen=True, slots=True)
class FeedForward:
    """The three nodes of `Graph.relu_feed_forward`: max(x W1, -b1) W2 + (W2 b1 + b2)."""

    first: onnx.NodeProto
    relu: onnx.NodeProto
    second: onnx.NodeProto

    @property
    def source(self) -> str:
        """The tokens it takes."""
        return str(self.first.input[0])

    @property
    def middle(self) -> str:
        """What lies between the layers, less the first one's bias."""
        return str(self.relu.output[0])


def feed_forward(
    node: onnx.NodeProto,
    readers: Mapping[str, list[onnx.NodeProto]],
    weights: Mapping[str, onnx.TensorProto],
) -> FeedForward | None:
    """The feed-forward layer that starts with a node, if one does."""
    if node.op_type != "MatMul" or not _is_wide_product(node, weights):
        return None
    relu = readers[node.output[0]][0]
    if relu.op_type != "Max" or relu.input[1] not in weights:
        return None
    second = readers[relu.output[0]][0]
    return FeedForward(node, relu, second) if _is_wide_product(second, weights) else None


def _two_products(
    layer: FeedForward, weights: Mapping[str, onnx.TensorProto], ranges: Mapping[str, Range]
) -> tuple[list[onnx.NodeProto], dict[str, npt.NDArray[Any]]]:
    """Both products on integers; what the middle's uint8 cannot hold, below 0, is the Relu."""
    first, second = (
        numpy_helper.to_array(weights[node.input[1]]) for node in (layer.first, layer.second)
    )
    bias = -numpy_helper.to_array(weights[layer.relu.input[1]])
    # A bias of nothing but zeros is not in the graph.
    moved = [numpy_helper.to_array(weights[name]) for name in layer.second.input[2:]]
    last_bias = sum(moved, -bias @ second)
    step, zero = _uint8_levels(ranges[layer.source])
    # The bias was left out of the middle that was measured.
    _, high = ranges[layer.middle]
    middle_step, middle_zero = _uint8_levels((0.0, high + float(bias.max())))
    whole, scale = to_int8(first, axis=1, at_least=np.abs(bias) / (step * BIAS_LIMIT))
    last_whole, last_scale = to_int8(
        second, axis=1, at_least=np.abs(last_bias) / (middle_step * BIAS_LIMIT)
    )
    name, added = layer.first.name, dict[str, npt.NDArray[Any]]()

    def given(**arrays: npt.NDArray[Any]) -> list[str]:
        added.update({f"{name}_{key}": array for key, array in arrays.items()})
        return [f"{name}_{key}" for key in arrays]

    tokens = given(step=step, zero=zero)
    middle = given(middle_step=middle_step, middle_zero=middle_zero)
    first_weight = given(int8=whole, scale=scale, level=np.zeros(len(scale), np.int8))
    last_weight = given(
        last_int8=last_whole, last_scale=last_scale, last_level=np.zeros(len(last_scale), np.int8)
    )
    biases = given(
        bias=np.rint(bias / (step * scale)).astype(np.int32),
        last_bias=np.rint(last_bias / (middle_step * last_scale)).astype(np.int32),
    )
    rounded, between = f"{name}_tokens", f"{name}_middle"
    nodes = [
        helper.make_node("QuantizeLinear", [layer.source, *tokens], [rounded]),
        helper.make_node(
            "QGemm",
            [rounded, *tokens, *first_weight, biases[0], *middle],
            [between],
            domain=CONTRIB,
        ),
        helper.make_node(
            "QGemm",
            [between, *middle, *last_weight, biases[1]],
            [layer.second.output[0]],
            domain=CONTRIB,
        ),
    ]
    return nodes, added


def _bias_after(
    node: onnx.NodeProto,
    readers: Mapping[str, list[onnx.NodeProto]],
    weights: Mapping[str, onnx.TensorProto],
) -> onnx.NodeProto | None:
    """The Sub of a negated bias that the writer puts behind a wide product (`Graph.linear`)."""
    following = readers.get(node.output[0], [])
    if len(following) == 1 and following[0].op_type == "Sub":
        taken, subtracted = following[0].input
        if taken == node.output[0] and subtracted in weights:
            return following[0]
    return None


def _product(
    node: onnx.NodeProto, bias: onnx.NodeProto | None, weights: Mapping[str, onnx.TensorProto]
) -> tuple[onnx.NodeProto, dict[str, npt.NDArray[Any]]]:
    matrix = numpy_helper.to_array(weights[node.input[1]])
    whole, scale = to_int8(matrix, axis=1)
    name = node.input[1]
    added: dict[str, npt.NDArray[Any]] = {
        f"{name}_int8": whole,
        f"{name}_scale": scale,
        f"{name}_zero": np.zeros(len(scale), np.int8),
    }
    inputs = [node.input[0], *added]
    if bias is not None:
        added[f"{bias.input[1]}_bias"] = -numpy_helper.to_array(weights[bias.input[1]])
        inputs.append(f"{bias.input[1]}_bias")
    elif len(node.input) > 2:
        inputs.append(node.input[2])
    output = bias.output[0] if bias is not None else node.output[0]
    product = helper.make_node("DynamicQuantizeMatMul", inputs, [output], node.name, domain=CONTRIB)
    return product, added


def is_wide_convolution(node: onnx.NodeProto, weights: Mapping[str, onnx.TensorProto]) -> bool:
    """Whether a convolution is dense, spatial and wide: where nearly all of the work of one is."""
    if node.op_type != "Conv" or node.input[1] not in weights:
        return False
    dims = weights[node.input[1]].dims
    return bool(min(dims[:2]) >= LEAST_SIDE and dims[2] > 1)


def _convolution(
    node: onnx.NodeProto, weights: Mapping[str, onnx.TensorProto], ranges: Mapping[str, Range]
) -> tuple[list[onnx.NodeProto], dict[str, npt.NDArray[Any]]]:
    """The convolution between pairs that round and restore, which onnxruntime fuses into one."""
    kernel = numpy_helper.to_array(weights[node.input[1]])
    whole, scale = to_int8(kernel, axis=0)
    name = node.name
    added: dict[str, npt.NDArray[Any]] = {
        f"{name}_int8": whole,
        f"{name}_scale": scale,
        f"{name}_zero": np.zeros(len(scale), np.int8),
    }
    nodes = [helper.make_node("DequantizeLinear", list(added), [f"{name}_kernel"], axis=0)]

    def rounded(value: str, result: str, limits: Range) -> None:
        step = f"{value}_step", f"{value}_level"
        added.update(zip(step, _uint8_levels(limits), strict=True))
        nodes.append(helper.make_node("QuantizeLinear", [value, *step], [f"{value}_uint8"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{value}_uint8", *step], [result]))

    source, target = node.input[0], node.output[0]
    rounded(source, f"{source}_rounded", ranges[source])
    convolution = onnx.NodeProto()
    convolution.CopyFrom(node)
    convolution.input[0], convolution.input[1] = f"{source}_rounded", f"{name}_kernel"
    convolution.output[0] = f"{target}_exact"
    nodes.append(convolution)
    rounded(f"{target}_exact", target, ranges[target])
    return nodes, added


def to_int8(
    weight: Float32, axis: int, at_least: Float32 | float = 0.0
) -> tuple[npt.NDArray[np.int8], Float32]:
    """Round weights to -GREATEST..GREATEST with one scale for each index along `axis`.

    Args:
        weight: any shape.
        axis: of the scales.
        at_least: least scale of each, where a bias in its units must not run over.
    """
    others = tuple(of for of in range(weight.ndim) if of != axis)
    greatest = np.abs(weight).max(others)
    least = np.maximum(np.where(greatest > 0, greatest, 1) / GREATEST, at_least).astype(np.float32)
    scale = np.expand_dims(least, others)
    return np.rint(weight / scale).astype(np.int8), scale.reshape(-1)


def _uint8_levels(limits: Range) -> tuple[Float32, UInt8]:
    """Step and level of zero for values between two limits; zero itself is always exact."""
    low, high = min(limits[0], 0.0), max(limits[1], 0.0)
    step = (high - low) / 255 or 1.0
    return np.array(step, np.float32), np.array(round(-low / step), np.uint8)
