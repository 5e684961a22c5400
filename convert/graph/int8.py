"""Rewrite a float graph of ours to multiply 8-bit integers in onnxruntime."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from convert.graph.int8_patterns import (
    Consumers,
    FeedForward,
    Weights,
    bias_after,
    consumers_by_value,
    feed_forward_at,
    is_wide_convolution,
    is_wide_product,
    query_products,
    weights_by_name,
)
from segmentation.arrays import Float32, UInt8

CONTRIB_DOMAIN = "com.microsoft"
# Weights have seven bits: a processor without VNNI adds two 8-bit products in 16 bits, with
# saturation (onnxruntime's docs, "Quantize ONNX Models": U8S8, reduce_range). 2 x 255 x 64 fits.
WEIGHT_LIMIT = 64
# A bias is an int32 in units of the product it is added to. Half of its range is left to the sum.
BIAS_LIMIT = 2.0**30
Range = tuple[float, float]
"""The smallest and the largest element of a value."""
Constants = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Replacement:
    """What replaces one or more nodes of the float graph.

    Attributes:
        nodes: the new nodes.
        constants: the constants that the new nodes take, by name.
        absorbed: names of later nodes of the float graph that the new nodes replace as well.
    """

    nodes: list[onnx.NodeProto]
    constants: Constants = field(default_factory=dict)
    absorbed: frozenset[str] = frozenset()


def quantize_graph(model: onnx.ModelProto, ranges: Mapping[str, Range]) -> onnx.ModelProto:
    """Compute products by constant matrices, and what was calibrated, in 8 bits.

    Products over the queries stay in float32, see `query_products`.

    Args:
        model: a float graph of ours; it is not changed.
        ranges: measured ranges of the values that `calibrated_values` names. A convolution
            without a range stays in float32; the two products of a feed-forward layer without one
            are quantised separately.

    Returns:
        The int8 graph, with the same inputs and outputs.
    """
    weights, consumers = weights_by_name(model), consumers_by_value(model)
    over_queries = query_products(model)
    nodes: list[onnx.NodeProto] = []
    constants: Constants = {}
    absorbed: set[str] = set()
    for node in model.graph.node:
        if node.name in absorbed:
            continue
        if node.name in over_queries:
            nodes.append(node)
            continue
        replacement = _replace(node, consumers, weights, ranges)
        nodes += replacement.nodes
        constants |= replacement.constants
        absorbed |= replacement.absorbed
    used = {name for node in nodes for name in node.input}
    quantized = onnx.ModelProto()
    quantized.CopyFrom(model)
    del quantized.graph.node[:], quantized.graph.initializer[:]
    quantized.graph.node.extend(nodes)
    quantized.graph.initializer.extend(tensor for name, tensor in weights.items() if name in used)
    quantized.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in constants.items()
    )
    quantized.opset_import.append(helper.make_opsetid(CONTRIB_DOMAIN, 1))
    return quantized


def _replace(
    node: onnx.NodeProto, consumers: Consumers, weights: Weights, ranges: Mapping[str, Range]
) -> _Replacement:
    layer = feed_forward_at(node, consumers, weights)
    if layer and layer.source in ranges:
        return _quantize_feed_forward(layer, weights, ranges)
    if is_wide_product(node, weights):
        return _quantize_product(node, bias_after(node, consumers, weights), weights)
    if is_wide_convolution(node, weights) and node.output[0] in ranges:
        return _quantize_convolution(node, weights, ranges)
    return _Replacement([node])


def _quantize_feed_forward(
    layer: FeedForward, weights: Weights, ranges: Mapping[str, Range]
) -> _Replacement:
    """Compute both products in integers.

    The middle is stored as uint8, which cannot hold values below 0: that is the Relu.
    """
    first, second = (
        numpy_helper.to_array(weights[node.input[1]]) for node in (layer.first, layer.second)
    )
    bias = -numpy_helper.to_array(weights[layer.relu.input[1]])
    # The graph writer leaves a bias of zeros out.
    moved = [numpy_helper.to_array(weights[name]) for name in layer.second.input[2:]]
    second_bias = sum(moved, -bias @ second)
    step, zero = _uint8_levels(ranges[layer.source])
    # The middle was measured without the bias.
    _, high = ranges[layer.middle]
    middle_step, middle_zero = _uint8_levels((0.0, high + float(bias.max())))
    first_int8, scale = to_int8(first, axis=1, min_scale=np.abs(bias) / (step * BIAS_LIMIT))
    second_int8, second_scale = to_int8(
        second, axis=1, min_scale=np.abs(second_bias) / (middle_step * BIAS_LIMIT)
    )
    name, constants = layer.first.name, Constants()

    def add(**arrays: npt.NDArray[Any]) -> list[str]:
        """Add constants and return their names."""
        constants.update({f"{name}_{key}": array for key, array in arrays.items()})
        return [f"{name}_{key}" for key in arrays]

    tokens = add(step=step, zero=zero)
    middle = add(middle_step=middle_step, middle_zero=middle_zero)
    first_weight = add(int8=first_int8, scale=scale, level=np.zeros(len(scale), np.int8))
    second_weight = add(
        last_int8=second_int8,
        last_scale=second_scale,
        last_level=np.zeros(len(second_scale), np.int8),
    )
    biases = add(
        bias=np.rint(bias / (step * scale)).astype(np.int32),
        last_bias=np.rint(second_bias / (middle_step * second_scale)).astype(np.int32),
    )
    rounded, between = f"{name}_tokens", f"{name}_middle"
    output = layer.second.output[0]
    nodes = [
        helper.make_node("QuantizeLinear", [layer.source, *tokens], [rounded]),
        _qgemm([rounded, *tokens, *first_weight, biases[0], *middle], between),
        _qgemm([between, *middle, *second_weight, biases[1]], output),
    ]
    return _Replacement(nodes, constants, frozenset((layer.relu.name, layer.second.name)))


def _qgemm(inputs: list[str], output: str) -> onnx.NodeProto:
    return helper.make_node("QGemm", inputs, [output], domain=CONTRIB_DOMAIN)


def _quantize_product(
    node: onnx.NodeProto, bias: onnx.NodeProto | None, weights: Weights
) -> _Replacement:
    """Replace a product, and the Sub of its negated bias if there is one."""
    name = node.input[1]
    constants = _int8_weight(name, numpy_helper.to_array(weights[name]), axis=1)
    inputs = [node.input[0], *constants]
    if bias is not None:
        constants[f"{bias.input[1]}_bias"] = -numpy_helper.to_array(weights[bias.input[1]])
        inputs.append(f"{bias.input[1]}_bias")
    elif len(node.input) > 2:
        inputs.append(node.input[2])
    output = bias.output[0] if bias is not None else node.output[0]
    product = helper.make_node(
        "DynamicQuantizeMatMul", inputs, [output], node.name, domain=CONTRIB_DOMAIN
    )
    return _Replacement([product], constants, frozenset((bias.name,) if bias is not None else ()))


def _quantize_convolution(
    node: onnx.NodeProto, weights: Weights, ranges: Mapping[str, Range]
) -> _Replacement:
    """Put a convolution between quantise and dequantise nodes, which onnxruntime fuses into one."""
    name = node.name
    constants = _int8_weight(name, numpy_helper.to_array(weights[node.input[1]]), axis=0)
    nodes = [helper.make_node("DequantizeLinear", list(constants), [f"{name}_kernel"], axis=0)]

    def round_trip(value: str, result: str, limits: Range) -> None:
        step = f"{value}_step", f"{value}_level"
        constants.update(zip(step, _uint8_levels(limits), strict=True))
        nodes.append(helper.make_node("QuantizeLinear", [value, *step], [f"{value}_uint8"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{value}_uint8", *step], [result]))

    source, target = node.input[0], node.output[0]
    round_trip(source, f"{source}_rounded", ranges[source])
    convolution = onnx.NodeProto()
    convolution.CopyFrom(node)
    convolution.input[0], convolution.input[1] = f"{source}_rounded", f"{name}_kernel"
    convolution.output[0] = f"{target}_exact"
    nodes.append(convolution)
    round_trip(f"{target}_exact", target, ranges[target])
    return _Replacement(nodes, constants)


def _int8_weight(name: str, weight: Float32, axis: int) -> Constants:
    """The constants that stand for an int8 weight: integers, scales and zero points, in order."""
    integers, scale = to_int8(weight, axis)
    return {
        f"{name}_int8": integers,
        f"{name}_scale": scale,
        f"{name}_zero": np.zeros(len(scale), np.int8),
    }


def to_int8(
    weight: Float32, axis: int, min_scale: Float32 | float = 0.0
) -> tuple[npt.NDArray[np.int8], Float32]:
    """Round weights to -WEIGHT_LIMIT..WEIGHT_LIMIT with one scale for each index along an axis.

    Args:
        weight: float32, any shape.
        axis: axis of the scales.
        min_scale: smallest scale, scalar or float32 (S,), so that a bias in units of the scale
            fits into an int32.

    Returns:
        int8 weights in the shape of `weight`, and float32 scales (S,), S being the length of the
        axis.
    """
    other_axes = tuple(index for index in range(weight.ndim) if index != axis)
    largest = np.abs(weight).max(other_axes)
    scales = np.maximum(np.where(largest > 0, largest, 1) / WEIGHT_LIMIT, min_scale)
    scale = np.expand_dims(scales.astype(np.float32), other_axes)
    return np.rint(weight / scale).astype(np.int8), scale.reshape(-1)


def _uint8_levels(limits: Range) -> tuple[Float32, UInt8]:
    """The step and the zero point of a range that is widened to include 0, which stays exact."""
    low, high = min(limits[0], 0.0), max(limits[1], 0.0)
    step = (high - low) / 255 or 1.0
    return np.array(step, np.float32), np.array(round(-low / step), np.uint8)
