"""The operators that atc accepts at opset 16, and the limits of each.

`check` names the sources that the rules refer to.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from convert.graph.operator_rules.tensors import Tensors, attributes_of

OPSET = 16
_FLOAT16_MAX = 65504.0

Finding = tuple[str, str]
"""A rule that is broken, and where the rule comes from."""
OperatorCheck = Callable[[onnx.NodeProto, Tensors], Iterator[Finding]]

# Operators with an ai.onnx::16 registration (plugins, 8.5.0), without the UNSUPPORTED ones. Conv,
# Gemm, ConvTranspose, MaxPool and AveragePool have no plugin in the public trees of 8.5.0; the
# operator pages list them, and the plugins of July 2026 accept what we write.
REGISTERED = frozenset(
    """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast
    CastLike Ceil Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum
    DepthToSpace Div Dropout Elu Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND
    Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GridSample GridSampleV2 HardSigmoid
    HardSwish Identity If InstanceNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max
    MaxPool Min Mod Mul Neg Not OneHot Or PRelu Pad Pow Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape
    Resize RoiAlign Round ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Sinh Slice Softmax
    Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh Tile TopK Transpose Trilu
    Unsqueeze Where
    """.split()  # noqa: SIM905
)

# Operators that only some chips have, with the beginnings of their names. On a 310P, GridSampleV2
# exists for float32 alone, and atc computes in float16 what it may.
CHIPS_OF_OPERATOR: dict[str, tuple[str, ...]] = {"GridSampleV2": ("Ascend910B", "Ascend910_93")}

UNSUPPORTED: dict[str, Finding] = {
    "Einsum": (
        "only 20 equations with two inputs are registered, and the mask product is not one of "
        "them; write it as Reshape and MatMul",
        "operator page atlasoxol_09_0052",
    ),
    "NonZero": (
        "its result has no fixed shape, which static memory and gears need; write the condition "
        "with Where",
        "plugins of ops-math; atc manual, dynamic_dims",
    ),
    "Loop": ("only If has a subgraph adapter; unroll it", "parser"),
    "Scan": ("only If has a subgraph adapter; unroll it", "parser"),
    "LayerNormalization": (
        f"not registered at opset {OPSET}; write it with ReduceMean, Sub, Pow, Sqrt and Div, "
        "which the graph fusion recognises",
        "plugins; operator page atlasoxol_09_0076",
    ),
    "GroupNormalization": (
        "not registered; write it as InstanceNormalization, Reshape, Mul and Add",
        "plugins",
    ),
    "Gelu": ("not registered; write it with Erf", "plugins"),
}


def check_constant(value: npt.NDArray[Any]) -> Iterator[Finding]:
    """Check that a constant is finite in float16.

    Args:
        value: any shape and dtype.
    """
    if value.dtype.kind == "f" and value.size and not np.abs(value).max() <= _FLOAT16_MAX:
        yield (
            "a constant is infinite, not a number or beyond float16; the 310P saturates and other "
            "back ends do not, so use a finite value such as -1e4",
            "saturation; precision_mode force_fp16",
        )


def _check_constant_node(node: onnx.NodeProto, tensors: Tensors) -> Iterator[Finding]:
    if (value := tensors.constants.get(node.output[0])) is not None:
        yield from check_constant(value)


def _check_constant_of_shape(node: onnx.NodeProto, _tensors: Tensors) -> Iterator[Finding]:
    for attribute in node.attribute:
        yield from check_constant(numpy_helper.to_array(attribute.t))


def _check_grid_sample(node: onnx.NodeProto, tensors: Tensors) -> Iterator[Finding]:
    source = "grid_sample_onnx_plugin.cpp of ops-cv; operator page atlasoxol_09_0071"
    attributes = attributes_of(node)
    required = ("mode", "padding_mode", "align_corners")
    if missing := [name for name in required if name not in attributes]:
        yield f"write out {', '.join(missing)}: the parser does not apply defaults", source
    if attributes.get("mode", b"bilinear") not in (b"bilinear", b"nearest"):
        yield "mode must be bilinear or nearest", source
    if attributes.get("padding_mode", b"zeros") not in (b"zeros", b"border", b"reflection"):
        yield "padding_mode must be zeros, border or reflection", source
    if attributes.get("scheduler_mode") and not attributes.get("channel_last"):
        yield "scheduler_mode 1 needs channel_last 1, and the data as NHWC", source
    for role, name in zip(("data", "grid"), node.input, strict=False):
        if tensors.dtypes.get(name) not in (None, onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
            dtype = onnx.TensorProto.DataType.Name(tensors.dtypes[name])
            yield f"the {role} is {dtype}; float32 or float16 is accepted", source
    if len(tensors.shapes.get(node.input[0], (1,) * 4)) != 4:
        yield "only 4-D input is accepted", source


def _check_resize(node: onnx.NodeProto, tensors: Tensors) -> Iterator[Finding]:
    source = "resize_onnx_plugin.cpp of ops-nn; operator page atlasoxol_09_0131"
    attributes = attributes_of(node)
    mode = attributes.get("mode", b"nearest")
    if mode not in (b"nearest", b"linear"):
        yield f"mode {mode.decode()} is not accepted; use linear or nearest", source
    if mode == b"nearest" and attributes.get("nearest_mode") != b"round_prefer_ceil":
        yield "set nearest_mode to round_prefer_ceil, which is used whatever it says", source
    if len(node.input) < 3:
        yield (
            "the parser reads roi and scales without counting the inputs; give all inputs, with "
            "empty names for those left out",
            source,
        )
    if any(name and name not in tensors.constants for name in node.input[2:]):
        yield "scales or sizes must be constants", source


def _check_scatter_nd(node: onnx.NodeProto, tensors: Tensors) -> Iterator[Finding]:
    source = "operator page atlasoxol_09_0140"
    dtype = tensors.dtypes.get(node.input[0])
    if dtype not in (None, onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
        yield (
            f"the data is {onnx.TensorProto.DataType.Name(dtype)}; only float32 and float16 are "
            "accepted, so mask with Where instead",
            source,
        )
    indices = tensors.constants.get(node.input[1])
    if indices is not None and (indices < 0).any():
        yield "indices must not count from the end", source


def _must_be_zero(attribute: str) -> OperatorCheck:
    """Make a check that an attribute is 0 or left out."""

    def check_attribute(node: onnx.NodeProto, _tensors: Tensors) -> Iterator[Finding]:
        if attributes_of(node).get(attribute, 0) != 0:
            yield f"{attribute} must be 0", f"{node.op_type} in the plugins of ops-math and ops-nn"

    return check_attribute


def _check_axes(node: onnx.NodeProto, _tensors: Tensors) -> Iterator[Finding]:
    if "axes" in attributes_of(node):
        yield (
            "newer parsers read the axes of opset 13 from a second input, which ONNX has from "
            "opset 18 on, and so reduce nothing or everything; use ReduceSum, whose axes are an "
            f"input at {OPSET}",
            "reduce_max_onnx_plugin.cpp and reduce_prod_onnx_plugin.cpp of ops-math, June 2026",
        )


OPERATOR_CHECKS: dict[str, OperatorCheck] = {
    "ArgMax": _must_be_zero("select_last_index"),
    "Constant": _check_constant_node,
    "ConstantOfShape": _check_constant_of_shape,
    "GatherND": _must_be_zero("batch_dims"),
    "GridSample": _check_grid_sample,
    "GridSampleV2": _check_grid_sample,
    "Mod": _must_be_zero("fmod"),
    "ReduceMax": _check_axes,
    "ReduceProd": _check_axes,
    "Resize": _check_resize,
    "ScatterND": _check_scatter_nd,
}
