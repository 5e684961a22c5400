"""Write an ONNX graph node by node, folding constants.

The graph is written, not traced, so it holds no node that we did not choose. A fixed input size
turns all values that depend on it into constants, and one description serves both run-times.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

if TYPE_CHECKING:  # a graph is also rewritten on hosts without torch
    from torch import Tensor, nn

Value = str
"""The name of a tensor in the graph."""

# The first opset with Gelu; a later one would need a newer onnxruntime and bring nothing.
OPSET = 20


class Graph:
    """Writer of an ONNX graph for onnxruntime.

    An operator whose inputs are all constants is evaluated at once and adds no node.
    """

    opset = OPSET
    # Axes of what InstanceNormalization gets; those between the groups and the last have length 1.
    norm_axes = 3

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._producers: dict[Value, onnx.NodeProto] = {}
        self._constants: dict[Value, npt.NDArray[Any]] = {}
        self._names: dict[tuple[str, tuple[int, ...], bytes], Value] = {}

    def const(self, array: "npt.ArrayLike | Tensor") -> Value:
        """Add a constant of the array's own dtype and shape; equal constants are stored once."""
        if hasattr(array, "detach"):  # a tensor of torch
            array = array.detach().numpy()
        array = np.asarray(array, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._names:
            self._names[key] = f"c{len(self._names)}"
            self._constants[self._names[key]] = array
        return self._names[key]

    def floats(self, array: npt.ArrayLike) -> Value:
        """Add a float32 constant."""
        return self.const(np.asarray(array, np.float32))

    def ints(self, *values: int) -> Value:
        """Add an int64 constant with one axis: a shape, axes, or sizes."""
        return self.const(np.array(values, np.int64))

    def constant_value(self, value: Value) -> npt.NDArray[Any] | None:
        """Return the array of a constant, of any dtype and shape; None for a value of run time."""
        return self._constants.get(value)

    def known_constant(self, value: Value) -> npt.NDArray[Any]:
        """Return the array of a constant, of any dtype and shape.

        Raises:
            ValueError: the value is computed at run time.
        """
        array = self.constant_value(value)
        if array is None:
            raise ValueError(f"{value} is not constant")
        return array

    def producer(self, value: Value) -> onnx.NodeProto | None:
        """Return the node that computes a value, or None for a constant or an input."""
        return self._producers.get(value)

    def op(self, op_type: str, *inputs: Value, domain: str = "", **attributes: Any) -> Value:
        """Add an operator with one output; an empty name stands for an omitted input."""
        return self.ops(op_type, *inputs, outputs=1, domain=domain, **attributes)[0]

    def ops(
        self, op_type: str, *inputs: Value, outputs: int, domain: str = "", **attributes: Any
    ) -> tuple[Value, ...]:
        """Add an operator with several outputs."""
        names = tuple(f"{op_type}_{len(self._nodes)}_{index}" for index in range(outputs))
        node = helper.make_node(
            op_type, inputs, names, f"{op_type}_{len(self._nodes)}", domain=domain, **attributes
        )
        if all(name in self._constants for name in inputs if name):
            feeds = {name: self._constants[name] for name in inputs if name}
            return tuple(self.const(array) for array in self._evaluate(node, feeds))
        self._nodes.append(node)
        self._producers.update(dict.fromkeys(names, node))
        return names

    def reshape(self, value: Value, *shape: int | Value) -> Value:
        """Reshape a value; each side is a number or an int64 value of shape (1,)."""
        sides = [self.ints(side) if isinstance(side, int) else side for side in shape]
        return self.op("Reshape", value, self.op("Concat", *sides, axis=0))

    def transpose(self, value: Value, *perm: int) -> Value:
        """Reorder the axes of a value."""
        return self.op("Transpose", value, perm=perm)

    def linear(
        self, tokens: Value, weight: npt.NDArray[Any], bias: npt.NDArray[Any] | None = None
    ) -> Value:
        """Multiply tokens by a weight and add a bias.

        Args:
            tokens: float32 (N, in).
            weight: float32 (out, in).
            bias: float32 (out,); None adds nothing.

        Returns:
            Tokens, float32 (N, out).
        """
        matrix = self.floats(weight.T)
        if bias is None or not bias.any():
            return self.op("MatMul", tokens, matrix)
        if weight.shape[0] <= weight.shape[1]:
            return self.op("Gemm", tokens, matrix, self.floats(bias))
        # onnxruntime's Gemm first copies the bias to its output on one thread. For a wide output
        # that is slower than a pass of its own, and an Add would be fused back into a Gemm.
        return self.op("Sub", self.op("MatMul", tokens, matrix), self.floats(-bias))

    def linear_layer(self, layer: "nn.Linear", tokens: Value) -> Value:
        """Apply a linear layer of the checkpoint, with or without bias, to tokens (N, in)."""
        return self.linear(tokens, *linear_weights(layer))

    def relu_feed_forward(self, first: "nn.Linear", second: "nn.Linear", tokens: Value) -> Value:
        """Apply two linear layers with a Relu between them to tokens (N, in).

        The wide middle takes one pass, not two: relu(x + b) = max(x, -b) + b, and the second
        layer's bias absorbs the constant b.
        """
        (weight, bias), (last_weight, last_bias) = linear_weights(first), linear_weights(second)
        hidden = self.op("Max", self.linear(tokens, weight), self.floats(-bias))
        moved = last_weight.astype(np.float64) @ bias + last_bias
        return self.linear(hidden, last_weight, moved)

    def layer_norm(
        self,
        tokens: Value,
        weight: "npt.ArrayLike | Tensor",
        bias: "npt.ArrayLike | Tensor",
        eps: float,
    ) -> Value:
        """Apply layer normalisation over the last axis.

        Args:
            tokens: float32 (..., C).
            weight, bias: float32 (C,).
            eps: added to the variance.
        """
        return self.op(
            "LayerNormalization", tokens, self.const(weight), self.const(bias), epsilon=eps
        )

    def instance_norm(self, value: Value, groups: int, eps: float) -> Value:
        """Normalise each group of channels of features (C, cells).

        Returns:
            Normalised features with the groups on the second axis, for a reshape to (C, cells).
        """
        return self.op(
            "InstanceNormalization",
            self.reshape(value, 1, groups, *[1] * (self.norm_axes - 3), -1),
            self.floats([1.0] * groups),
            self.floats([0.0] * groups),
            epsilon=eps,
        )

    def gelu(self, value: Value) -> Value:
        """Apply the exact Gelu (error function)."""
        return self.op("Gelu", value)

    def softmax(self, value: Value, axis: int) -> Value:
        """Apply softmax along an axis.

        Written out, because onnxruntime's Softmax is slow on any axis but the last.
        """
        greatest = self.op("ReduceMax", value, self.ints(axis), keepdims=1)
        raised = self.op("Exp", self.op("Sub", value, greatest))
        return self.op("Div", raised, self.op("ReduceSum", raised, self.ints(axis), keepdims=1))

    def any_non_negative(self, value: Value, axis: int) -> Value:
        """Test whether any element along an axis is at least 0; the axis is kept with length 1."""
        greatest = self.op("ReduceMax", value, self.ints(axis), keepdims=1)
        return self.op("GreaterOrEqual", greatest, self.floats(0))

    def resize(self, maps: Value, scale: float) -> Value:
        """Scale maps (1, C, H, W) by a power of two, bilinearly, with torch's coordinates."""
        return self.op(
            "Resize",
            maps,
            "",
            self.floats([1, 1, scale, scale]),
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def grid_sample(self, maps: Value, grid: Value) -> Value:
        """Sample maps (N, C, H, W) at a grid (N, h, w, 2) of x, y in -1..1.

        Returns:
            Samples (N, C, h, w), interpolated bilinearly, with zeros outside the maps.
        """
        return self.op(
            "GridSample", maps, grid, mode="linear", padding_mode="zeros", align_corners=0
        )

    def model(
        self,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
        results: Sequence[Value],
    ) -> onnx.ModelProto:
        """Build the model from the nodes that the results depend on.

        Args:
            inputs: names, dtypes and shapes of the inputs.
            outputs: names, dtypes and shapes of the outputs.
            results: the values to return, in the order of `outputs`.
        """
        for value, output in zip(results, outputs, strict=True):
            self._nodes.append(helper.make_node("Identity", [value], [output.name]))
        nodes = needed_nodes(self._nodes, {output.name for output in outputs})
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            "mask2former",
            list(inputs),
            list(outputs),
            [
                numpy_helper.from_array(array, name)
                for name, array in self._constants.items()
                if name in used
            ],
        )
        domains = {"": self.opset} | {node.domain: 1 for node in nodes if node.domain}
        return helper.make_model(
            graph,
            producer_name="koutu",
            opset_imports=[helper.make_opsetid(*item) for item in sorted(domains.items())],
            ir_version=helper.find_min_ir_version_for(
                [helper.make_opsetid("", self.opset)], ignore_unknown=True
            ),
        )

    def _evaluate(
        self, node: onnx.NodeProto, feeds: dict[str, npt.NDArray[Any]]
    ) -> list[npt.NDArray[Any]]:
        """Run one node on constants with onnx's reference implementation."""
        graph = helper.make_graph(
            [node],
            "known",
            [
                helper.make_tensor_value_info(
                    name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
                )
                for name, array in feeds.items()
            ],
            [onnx.ValueInfoProto(name=name) for name in node.output],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        return list(ReferenceEvaluator(model).run(None, feeds))


def needed_nodes(nodes: Sequence[onnx.NodeProto], names: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes that the named values depend on, in graph order."""
    kept: list[onnx.NodeProto] = []
    needed = set(names)
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    return kept[::-1]


def linear_weights(layer: "nn.Linear") -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the parameters of a linear layer.

    Returns:
        The weight, float32 (out, in), and the bias, float (out,): zeros if the layer has none.
    """
    weight = layer.weight.detach().numpy()
    bias = np.zeros(len(weight)) if layer.bias is None else layer.bias.detach().numpy()
    return weight, bias
