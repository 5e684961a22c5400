"""The same graph in the words atc's parser knows; the rules are in `operator_rules`."""

import math
from typing import Any

from torch import Tensor

from convert.graph.graph import Graph, Value

# The newest opset all needed operators are registered at, and the first with GridSample.
ASCEND_OPSET = 16


class AscendGraph(Graph):
    """Writes operators that came after opset 16 out in older ones; onnxruntime runs it as well."""

    opset = ASCEND_OPSET

    def layer_norm(self, tokens: Value, weight: Tensor, bias: Tensor, eps: float) -> Value:
        """As ReduceMean, Sub, Pow, Sqrt and Div, which CANN's LayerNorm fusion recognises."""
        centred = self.op("Sub", tokens, self._mean(tokens))
        variance = self._mean(self.op("Pow", centred, self.floats(2)))
        deviation = self.op("Sqrt", self.op("Add", variance, self.floats(eps)))
        scaled = self.op("Mul", self.op("Div", centred, deviation), self.const(weight))
        return self.op("Add", scaled, self.const(bias))

    def gelu(self, value: Value) -> Value:
        """x (1 + erf(x / sqrt 2)) / 2."""
        error = self.op("Erf", self.op("Div", value, self.floats(math.sqrt(2))))
        doubled = self.op("Mul", value, self.op("Add", error, self.floats(1)))
        return self.op("Mul", doubled, self.floats(0.5))

    def softmax(self, value: Value, axis: int) -> Value:
        """Shares along an axis, by the operator."""
        return self.op("Softmax", value, axis=axis)

    def reaches_zero(self, value: Value, axis: int) -> Value:
        """By a sum, the only reduction that takes its axes as an input at this opset.

        Newer parsers look for them there for ReduceMax as well, and find none in an attribute.
        """
        reached = self.op("Cast", self.op("GreaterOrEqual", value, self.floats(0)), to=1)
        total = self.op("ReduceSum", reached, self.ints(axis), keepdims=1)
        return self.op("Greater", total, self.floats(0))

    def grid_sample(self, maps: Value, grid: Value) -> Value:
        """With every attribute written out: the parser reads no defaults."""
        return self.op(
            "GridSample", maps, grid, mode="bilinear", padding_mode="zeros", align_corners=0
        )

    def _mean(self, value: Value) -> Value:
        attributes: dict[str, Any] = {"axes": [-1], "keepdims": 1}
        return self.op("ReduceMean", value, **attributes)
