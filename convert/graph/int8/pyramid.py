"""Write the last step of the pixel decoder for an int8 convolution, which wants channels last.

The float graph scales the finest tokens up, adds the finest map, projected and normalised, and
convolves the sum (see `pixel_decoder`). With the channels last, onnxruntime scales up four times as
fast and need not reorder what it convolves.

The normalisation is folded into the projection. Its statistics are those of a linear map y = W x of
few channels x, so they follow from the mean m and the covariance of x: the variance of a channel of
y is w' Cov(x) w, its mean w' m.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from convert.graph.int8.patterns import Pyramid, Weights
from convert.graph.int8.values import Constants, Range, to_int8, uint8_levels, whole_range
from convert.graph.operator_rules.tensors import attributes_of

CHANNELS_LAST = np.array([0, 2, 3, 1])


@dataclass(frozen=True, slots=True)
class _Writer:
    """Nodes and constants whose names begin with a prefix."""

    prefix: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: Constants = field(default_factory=dict)

    def const(self, array: Any) -> str:
        name = f"{self.prefix}_c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def ints(self, *values: int) -> str:
        return self.const(np.array(values, np.int64))

    def op(self, op_type: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = f"{self.prefix}_{op_type}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [output or name], name, **attributes))
        return output or name

    def mean(self, value: str, axis: int) -> str:
        return self.op("ReduceMean", value, self.ints(axis), keepdims=1)


def write_pyramid(
    pyramid: Pyramid, weights: Weights, ranges: Mapping[str, Range]
) -> tuple[list[onnx.NodeProto], Constants]:
    """Write the step, with its convolution in integers.

    Args:
        pyramid: the nodes that are replaced.
        weights: the constants of the float graph.
        ranges: measured ranges of the convolution's input and, by channel, of its output.

    Returns:
        The nodes that compute the convolution's output, and the constants that they take.
    """
    writer = _Writer(pyramid.convolution.name)
    centred, weight, shift = _fold_norm(writer, pyramid, weights)
    # Scaling up keeps what is the same in all cells.
    tokens = writer.op("Add", pyramid.tokens, shift)
    coarse = writer.op("Reshape", tokens, _channels_last(writer, pyramid.coarse_shape))
    scale_up = writer.const(numpy_helper.to_array(weights[pyramid.resize.input[2]])[CHANNELS_LAST])
    scaled = writer.op("Resize", coarse, "", scale_up, **attributes_of(pyramid.resize))
    width = weights[pyramid.projection].dims[0]
    scaled = writer.op("Reshape", scaled, writer.ints(-1, width))
    summed = writer.op("Gemm", centred, weight, scaled, transB=1)
    maps = writer.op("Reshape", summed, _channels_last(writer, pyramid.fine_shape))
    _convolve(writer, pyramid.convolution, maps, weights, ranges)
    return writer.nodes, writer.constants


def _channels_last(writer: _Writer, shape: str) -> str:
    return writer.op("Gather", shape, writer.const(CHANNELS_LAST), axis=0)


def _fold_norm(writer: _Writer, pyramid: Pyramid, weights: Weights) -> tuple[str, str, str]:
    """Fold the normalisation into the projection.

    Returns:
        The cells less their mean (N, in), the weight (C, in), and the shift (C,) of the cells'
        normalised projection: cells weight' + shift.
    """
    projection, groups = pyramid.projection, weights[pyramid.norm.input[1]].dims[0]
    cells = writer.op("Transpose", pyramid.finest, perm=[1, 0])
    mean = writer.mean(cells, 0)
    centred = writer.op("Sub", cells, mean)
    count = writer.op("Cast", writer.op("Shape", cells, start=0, end=1), to=onnx.TensorProto.FLOAT)
    products = writer.op("MatMul", writer.op("Transpose", centred, perm=[1, 0]), centred)
    covariance = writer.op("Div", products, count)
    variances = writer.op("Mul", writer.op("MatMul", projection, covariance), projection)

    def by_group(values: str) -> str:
        return writer.op("Reshape", values, writer.ints(groups, -1))

    variance = by_group(writer.op("ReduceSum", variances, writer.ints(1), keepdims=1))
    means = by_group(writer.op("Gemm", mean, projection, transB=1))
    offset = writer.op("Sub", means, writer.mean(means, 1))
    variance = writer.mean(writer.op("Add", variance, writer.op("Mul", offset, offset)), 1)
    epsilon = writer.const(np.float32(attributes_of(pyramid.norm)["epsilon"]))
    deviation = writer.op("Sqrt", writer.op("Add", variance, epsilon))
    scale = writer.op("Div", by_group(pyramid.scale), deviation)
    shift = writer.op("Add", writer.op("Mul", offset, scale), by_group(pyramid.shift))
    column = writer.op("Reshape", scale, writer.ints(-1, 1))
    weight = writer.op("Mul", projection, column)
    return centred, weight, writer.op("Reshape", shift, writer.ints(-1))


def _convolve(
    writer: _Writer,
    convolution: onnx.NodeProto,
    maps: str,
    weights: Weights,
    ranges: Mapping[str, Range],
) -> None:
    """Convolve maps (1, H, W, C), with a range of its own for each channel of the output.

    A convolution in integers has one step for all of its output. The scales of the kernel bring a
    channel's range to that step and a bias its zero point; the dequantisation undoes both.
    """
    source, target = convolution.input[0], convolution.output[0]
    kernel, scale = to_int8(numpy_helper.to_array(weights[convolution.input[1]]), axis=0)
    step, zero = uint8_levels(whole_range(ranges[source]))
    steps, zeros = uint8_levels(ranges[target])
    scale = scale / steps
    bias = np.rint(zeros / (step * scale)).astype(np.int32)
    levels = writer.const(step), writer.const(zero)
    rounded = writer.op("QuantizeLinear", maps, *levels)
    rounded = writer.op("Transpose", rounded, perm=[0, 3, 1, 2])
    inputs = (
        writer.op("DequantizeLinear", rounded, *levels),
        writer.op("DequantizeLinear", writer.const(kernel), writer.const(scale), axis=0),
        writer.op("DequantizeLinear", writer.const(bias), writer.const(step * scale), axis=0),
    )
    convolved = writer.op("Conv", *inputs, **attributes_of(convolution))
    unit = writer.const(np.float32(1)), writer.const(np.uint8(0))
    rounded = writer.op("QuantizeLinear", convolved, *unit)
    levels = writer.const(steps), writer.const(zeros)
    writer.op("DequantizeLinear", rounded, *levels, output=target, axis=1)
