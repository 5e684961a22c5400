"""Rewrite a float graph of ours to multiply 8-bit integers in onnxruntime."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from convert.graph.graph import needed_nodes
from convert.graph.int8.patterns import (
    Consumers,
    FeedForward,
    Producers,
    Weights,
    bias_after,
    consumers_by_value,
    feed_forward_at,
    is_wide_convolution,
    is_wide_product,
    producers_by_value,
    pyramid_at,
    query_products,
    sampling_products,
    weights_by_name,
)
from convert.graph.int8.pyramid import write_pyramid
from convert.graph.int8.values import (
    BIAS_LIMIT,
    Constants,
    Range,
    int8_weight,
    to_int8,
    uint8_levels,
    whole_range,
)

CONTRIB_DOMAIN = "com.microsoft"


@dataclass(frozen=True, slots=True)
class _Source:
    """The float graph.

    Attributes:
        producers, consumers, weights: see `patterns`.
        ranges: measured ranges of values, by name.
    """

    producers: Producers
    consumers: Consumers
    weights: Weights
    ranges: Mapping[str, Range]

    def array(self, name: str) -> npt.NDArray[Any]:
        """Return a constant."""
        array: npt.NDArray[Any] = numpy_helper.to_array(self.weights[name])
        return array


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

    Products over the queries and around sampling stay in float32, see `query_products` and
    `sampling_products`.

    Args:
        model: a float graph of ours; it is not changed.
        ranges: measured ranges of the values that `calibrated_values` names. A convolution
            without a range stays in float32; the two products of a feed-forward layer without one
            are quantised separately.

    Returns:
        The int8 graph, with the same inputs and outputs.
    """
    weights = weights_by_name(model)
    source = _Source(producers_by_value(model), consumers_by_value(model), weights, ranges)
    kept = query_products(model) | sampling_products(model)
    nodes: list[onnx.NodeProto] = []
    constants: Constants = {}
    absorbed: set[str] = set()
    for node in model.graph.node:
        if node.name in absorbed:
            continue
        if node.name in kept:
            nodes.append(node)
            continue
        replacement = _replace(source, node)
        nodes += replacement.nodes
        constants |= replacement.constants
        absorbed |= replacement.absorbed
    quantized = onnx.ModelProto()
    quantized.CopyFrom(model)
    nodes = needed_nodes(nodes, {output.name for output in model.graph.output})
    used = {name for node in nodes for name in node.input}
    del quantized.graph.node[:], quantized.graph.initializer[:]
    quantized.graph.node.extend(nodes)
    quantized.graph.initializer.extend(tensor for name, tensor in weights.items() if name in used)
    quantized.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in constants.items()
    )
    quantized.opset_import.append(helper.make_opsetid(CONTRIB_DOMAIN, 1))
    return quantized


def _replace(source: _Source, node: onnx.NodeProto) -> _Replacement:
    layer = feed_forward_at(node, source.consumers, source.weights)
    if layer and layer.source in source.ranges:
        return _quantize_feed_forward(source, layer)
    if is_wide_product(node, source.weights):
        return _quantize_product(source, node)
    if not (is_wide_convolution(node, source.weights) and node.output[0] in source.ranges):
        return _Replacement([node])
    if pyramid := pyramid_at(node, source.producers):
        written = write_pyramid(pyramid, source.weights, source.ranges)
        return _Replacement(*written)
    return _quantize_convolution(source, node)


def _quantize_feed_forward(source: _Source, layer: FeedForward) -> _Replacement:
    """Compute both products in integers.

    The middle is stored as uint8, which cannot hold values below 0: that is the Relu.
    """
    first, second = (source.array(node.input[1]) for node in (layer.first, layer.second))
    bias = -source.array(layer.relu.input[1])
    # The graph writer leaves a bias of zeros out.
    moved = [source.array(name) for name in layer.second.input[2:]]
    second_bias = sum(moved, -bias @ second)
    step, zero = uint8_levels(source.ranges[layer.source])
    # The middle was measured without the bias.
    low, high = source.ranges[layer.middle]
    middle_step, middle_zero = uint8_levels((np.zeros_like(low), high + bias.max()))
    first_int8, scale = to_int8(first, 1, np.abs(bias) / (step * BIAS_LIMIT))
    second_int8, second_scale = to_int8(second, 1, np.abs(second_bias) / (middle_step * BIAS_LIMIT))
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


def _quantize_product(source: _Source, node: onnx.NodeProto) -> _Replacement:
    """Replace a product, and the Sub of its negated bias if there is one."""
    name, bias = node.input[1], bias_after(node, source.consumers, source.weights)
    constants = int8_weight(name, source.array(name), 1)
    inputs = [node.input[0], *constants]
    if bias is not None:
        constants[f"{bias.input[1]}_bias"] = -source.array(bias.input[1])
        inputs.append(f"{bias.input[1]}_bias")
    elif len(node.input) > 2:
        inputs.append(node.input[2])
    output = bias.output[0] if bias is not None else node.output[0]
    product = helper.make_node(
        "DynamicQuantizeMatMul", inputs, [output], node.name, domain=CONTRIB_DOMAIN
    )
    return _Replacement([product], constants, frozenset((bias.name,) if bias is not None else ()))


def _quantize_convolution(source: _Source, node: onnx.NodeProto) -> _Replacement:
    """Put a convolution between quantise and dequantise nodes, which onnxruntime fuses into one."""
    name = node.name
    constants = int8_weight(name, source.array(node.input[1]), 0)
    nodes = [helper.make_node("DequantizeLinear", list(constants), [f"{name}_kernel"], axis=0)]

    def round_trip(value: str, result: str, limits: Range) -> None:
        step = f"{value}_step", f"{value}_level"
        constants.update(zip(step, uint8_levels(whole_range(limits)), strict=True))
        nodes.append(helper.make_node("QuantizeLinear", [value, *step], [f"{value}_uint8"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{value}_uint8", *step], [result]))

    taken, target = node.input[0], node.output[0]
    round_trip(taken, f"{taken}_rounded", source.ranges[taken])
    convolution = onnx.NodeProto()
    convolution.CopyFrom(node)
    convolution.input[0], convolution.input[1] = f"{taken}_rounded", f"{name}_kernel"
    convolution.output[0] = f"{target}_exact"
    nodes.append(convolution)
    round_trip(f"{target}_exact", target, source.ranges[target])
    return _Replacement(nodes, constants)
