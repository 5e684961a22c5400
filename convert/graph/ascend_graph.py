"""Write the graph with the operators that atc's parser accepts (see `operator_rules`)."""

import math
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from convert.graph.graph import Graph, Value, linear_weights

if TYPE_CHECKING:  # a graph is also rewritten on hosts without torch
    from torch import Tensor, nn

# The first opset with GridSample, and the newest at which all operators we need are registered.
ASCEND_OPSET = 16


class AscendGraph(Graph):
    """Writer of a graph for atc, which onnxruntime runs as well.

    Operators newer than opset 16 are written with older ones, in the forms that CANN documents for
    its fusions (hiascend.com, graphubfusionref). Whether they are fused shows in the fusion report
    beside the OM.
    """

    opset = ASCEND_OPSET
    norm_axes = 4  # the 310P's InstanceNorm takes no other number

    def linear(
        self, tokens: Value, weight: npt.NDArray[Any], bias: npt.NDArray[Any] | None = None
    ) -> Value:
        """Use Gemm, which adds the bias in float32 inside the matrix product.

        Args:
            tokens: float32 (N, in).
            weight: float32 (out, in).
            bias: float32 (out,); None adds nothing.
        """
        matrix = self.floats(weight.T)
        if bias is None or not bias.any():
            return self.op("MatMul", tokens, matrix)
        return self.op("Gemm", tokens, matrix, self.floats(bias))

    def relu_feed_forward(self, first: "nn.Linear", second: "nn.Linear", tokens: Value) -> Value:
        """Use Gemm and Relu, which atc fuses."""
        hidden = self.op("Relu", self.linear(tokens, *linear_weights(first)))
        return self.linear(hidden, *linear_weights(second))

    def layer_norm(
        self,
        tokens: Value,
        weight: "npt.ArrayLike | Tensor",
        bias: "npt.ArrayLike | Tensor",
        eps: float,
    ) -> Value:
        """Write ReduceMean, Sub, Pow, Sqrt and Div, which CANN's LayerNorm fusion recognises.

        The documented pattern has the exponent and epsilon as tensors of one axis.

        Args:
            tokens: float32 (..., C).
            weight, bias: float32 (C,).
            eps: added to the variance.
        """
        centred = self.op("Sub", tokens, self._mean(tokens))
        variance = self._mean(self.op("Pow", centred, self.floats([2])))
        deviation = self.op("Sqrt", self.op("Add", variance, self.floats([eps])))
        scaled = self.op("Mul", self.op("Div", centred, deviation), self.const(weight))
        return self.op("Add", scaled, self.const(bias))

    def gelu(self, value: Value) -> Value:
        """Write x (1 + erf(x / sqrt 2)) / 2."""
        error = self.op("Erf", self.op("Div", value, self.floats(math.sqrt(2))))
        doubled = self.op("Mul", value, self.op("Add", error, self.floats(1)))
        return self.op("Mul", doubled, self.floats(0.5))

    def softmax(self, value: Value, axis: int) -> Value:
        """Use the Softmax operator."""
        return self.op("Softmax", value, axis=axis)

    def any_non_negative(self, value: Value, axis: int) -> Value:
        """Use ReduceSum, the only reduction whose axes are an input at opset 16.

        For ReduceMax, newer parsers expect the axes as an input too, and ignore the attribute.
        """
        non_negative = self.op("Cast", self.op("GreaterOrEqual", value, self.floats(0)), to=1)
        total = self.op("ReduceSum", non_negative, self.ints(axis), keepdims=1)
        return self.op("Greater", total, self.floats(0))

    def grid_sample(self, maps: Value, grid: Value) -> Value:
        """Write out every attribute, because the parser does not apply defaults."""
        return self.op(
            "GridSample", maps, grid, mode="bilinear", padding_mode="zeros", align_corners=0
        )

    def _mean(self, value: Value) -> Value:
        attributes: dict[str, Any] = {"axes": [-1], "keepdims": 1}
        return self.op("ReduceMean", value, **attributes)
