"""What atc's ONNX parser accepts, as a check on any ONNX file.

The rules are read from the sources and manuals of CANN 8.5.0; none was tried on hardware:

- parser: `parser/parser/onnx/onnx_parser.cc` of github.com/hicann/ge, branch 8.5.0
- plugins: `*_onnx_plugin.cpp` of github.com/hicann/{ops-math,ops-nn,ops-cv}, branch 8.5.0
- operator pages: hiascend.com, CANN 8.5 operator list, atlasoxol_09_NNNN
- saturation: hiascend.com, runtime API aclcppdevg_03_1389
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference

OPSET = 16
LONGEST_NAME = 127
_FLOAT16_MAX = 65504.0
_ROI = ("Resize", 1)

# Operators with an ai.onnx::16 registration (plugins, 8.5.0), less those ruled out below.
_REGISTERED = frozenset(
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

_RULED_OUT = {
    "Einsum": (
        "only 20 two-input equations are registered and the mask product is not among them; "
        "write it as Reshape and MatMul",
        "operator page atlasoxol_09_0052",
    ),
    "NonZero": (
        "its result has no fixed shape, which forbids static memory and gears; "
        "write the condition with Where",
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


@dataclass(frozen=True, slots=True)
class Offence:
    """One thing in a graph that atc would refuse or get wrong.

    Attributes:
        node: the node's name, else its first output's; the tensor's name where no node is to blame.
        op_type: the operator; empty where no node is to blame.
        rule: what is asked instead.
        source: where the rule comes from.
    """

    node: str
    op_type: str
    rule: str
    source: str

    def __str__(self) -> str:
        where = f"{self.op_type} {self.node}" if self.op_type else self.node
        return f"{where}: {self.rule} [{self.source}]"


@dataclass(frozen=True, slots=True)
class _Graph:
    """What the rules ask about tensors, gathered once per model."""

    dtypes: dict[str, int]
    shapes: dict[str, tuple[int | None, ...]]
    constants: dict[str, np.ndarray[Any, np.dtype[Any]]]
    sources: frozenset[str]


_Findings = Iterator[tuple[str, str]]


def check(model: onnx.ModelProto, *, open_sides: bool = False) -> tuple[Offence, ...]:
    """Name everything in `model` that atc's parser or the chip's operators would trip over.

    Args:
        model: any ONNX model, with its weights inside.
        open_sides: whether inputs may have open sides because atc will be told their lengths.

    Returns:
        The offences in graph order; empty for a graph that may be converted.
    """
    return (
        *_check_opsets(model),
        *_check_tensors(model.graph, open_sides),
        *_check_nodes(model.graph, _gather(model)),
    )


def _check_opsets(model: onnx.ModelProto) -> Iterator[Offence]:
    domains = [entry.domain or "ai.onnx" for entry in model.opset_import]
    if len(domains) != 1:
        yield Offence(
            "opset_import",
            "",
            f"exactly one import is accepted (E16005), found {', '.join(domains) or 'none'}",
            "parser, ConstructOriType",
        )
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version != OPSET:
            yield Offence(
                "opset_import",
                "",
                f"opset {entry.version}: operators are looked up under the exact opset, and all "
                f"this model needs are registered at {OPSET}",
                "parser, ConstructOriType; plugins",
            )


def _check_tensors(graph: onnx.GraphProto, open_sides: bool) -> Iterator[Offence]:
    inputs = {value.name for value in graph.input}
    for value in (*graph.input, *graph.output):
        dims = _dims(value)
        is_ranked = value.type.tensor_type.HasField("shape") or value.name not in inputs
        if len(value.name) > LONGEST_NAME:
            yield Offence(
                value.name,
                "",
                f"the name has {len(value.name)} characters; beyond {LONGEST_NAME} the OM shows "
                "a mangled one",
                "acl model API, aclmdlGetTensorRealName",
            )
        if not is_ranked or (None in dims and not open_sides):
            yield Offence(
                value.name,
                "",
                f"the shape {_shape_text(dims) if is_ranked else '?'} is open; give every side a "
                "number, one graph per size",
                "atc manual, input_shape: an open side makes a range-dynamic OM",
            )


def _check_nodes(graph: onnx.GraphProto, facts: _Graph) -> Iterator[Offence]:
    for initializer in graph.initializer:
        for rule, source in _check_constant(facts.constants[initializer.name]):
            yield Offence(initializer.name, "", rule, source)
    for node in graph.node:
        name = node.name or next(iter(node.output), "")
        for rule, source in _check_node(node, facts):
            yield Offence(name, node.op_type, rule, source)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _check_nodes(attribute.g, facts)


def _check_node(node: onnx.NodeProto, facts: _Graph) -> _Findings:
    if node.domain not in ("", "ai.onnx"):
        yield f"domain {node.domain} is not ai.onnx", "parser, ConstructOriType"
    elif node.op_type in _RULED_OUT:
        yield _RULED_OUT[node.op_type]
    elif node.op_type not in _REGISTERED:
        yield f"no ai.onnx::{OPSET}::{node.op_type} is known to be registered", "plugins"
    elif node.op_type in _LIMITS:
        yield from _LIMITS[node.op_type](node, facts)
    # An empty roi is how a Resize leaves its second input out.
    given = (name for index, name in enumerate(node.input) if (node.op_type, index) != _ROI)
    for name in (*node.output, *(name for name in given if name in facts.sources)):
        if 0 in facts.shapes.get(name, ()):
            yield "a side of length 0 is refused", "parser"


def _check_constant(value: np.ndarray[Any, np.dtype[Any]]) -> _Findings:
    if value.dtype.kind == "f" and value.size and not np.abs(value).max() <= _FLOAT16_MAX:
        yield (
            "a constant is infinite, not a number or beyond float16; the 310P saturates and other "
            "back ends do not, so use a finite value such as -1e4",
            "saturation; precision_mode force_fp16",
        )


def _check_constant_node(node: onnx.NodeProto, facts: _Graph) -> _Findings:
    if (value := facts.constants.get(node.output[0])) is not None:
        yield from _check_constant(value)


def _check_constant_of_shape(node: onnx.NodeProto, _facts: _Graph) -> _Findings:
    for attribute in node.attribute:
        yield from _check_constant(numpy_helper.to_array(attribute.t))


def _check_grid_sample(node: onnx.NodeProto, facts: _Graph) -> _Findings:
    source = "grid_sample_onnx_plugin.cpp of ops-cv; operator page atlasoxol_09_0071"
    given = _attributes(node)
    missing = [name for name in ("mode", "padding_mode", "align_corners") if name not in given]
    if missing:
        yield f"write out {', '.join(missing)}: the parser reads no defaults", source
    if given.get("mode", b"bilinear") not in (b"bilinear", b"nearest"):
        yield "mode must be bilinear or nearest", source
    if given.get("padding_mode", b"zeros") not in (b"zeros", b"border", b"reflection"):
        yield "padding_mode must be zeros, border or reflection", source
    if given.get("scheduler_mode") and not given.get("channel_last"):
        yield "scheduler_mode 1 needs channel_last 1, and the data as NHWC", source
    for which, name in zip(("data", "grid"), node.input, strict=False):
        if facts.dtypes.get(name) not in (None, onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
            dtype = onnx.TensorProto.DataType.Name(facts.dtypes[name])
            yield f"the {which} is {dtype}; float32 or float16 is accepted", source
    if len(facts.shapes.get(node.input[0], (1,) * 4)) != 4:
        yield "only 4-D input is accepted", source


def _check_resize(node: onnx.NodeProto, facts: _Graph) -> _Findings:
    source = "resize_onnx_plugin.cpp of ops-nn; operator page atlasoxol_09_0131"
    given = _attributes(node)
    mode = given.get("mode", b"nearest")
    if mode not in (b"nearest", b"linear"):
        yield f"mode {mode.decode()} is not accepted; linear or nearest is", source
    if mode == b"nearest" and given.get("nearest_mode") != b"round_prefer_ceil":
        yield "nearest rounds by round_prefer_ceil whatever nearest_mode says; say so", source
    if len(node.input) < 3:
        yield "roi and scales are read uncounted; give all inputs, empty names allowed", source
    if any(name and name not in facts.constants for name in node.input[2:]):
        yield "scales or sizes must be constants", source


def _check_scatter_nd(node: onnx.NodeProto, facts: _Graph) -> _Findings:
    dtype = facts.dtypes.get(node.input[0])
    if dtype not in (None, onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
        yield (
            f"the data is {onnx.TensorProto.DataType.Name(dtype)}; only float32 and float16 are "
            "accepted, so mask with Where instead",
            "operator page atlasoxol_09_0140",
        )
    indices = facts.constants.get(node.input[1])
    if indices is not None and (indices < 0).any():
        yield "indices must not count from the end", "operator page atlasoxol_09_0140"


def _must_be_zero(attribute: str) -> Callable[[onnx.NodeProto, _Graph], _Findings]:
    def check_attribute(node: onnx.NodeProto, _facts: _Graph) -> _Findings:
        if _attributes(node).get(attribute, 0) != 0:
            yield f"{attribute} must be 0", f"{node.op_type} in the plugins of ops-math and ops-nn"

    return check_attribute


def _check_axes(node: onnx.NodeProto, _facts: _Graph) -> _Findings:
    if "axes" in _attributes(node):
        yield (
            "newer parsers look for the axes of opset 13 in a second input, which ONNX has from "
            "opset 18, and reduce nothing or everything; write it with ReduceSum, whose axes are "
            f"an input at {OPSET}",
            "reduce_max_onnx_plugin.cpp and reduce_prod_onnx_plugin.cpp of ops-math, June 2026",
        )


_LIMITS: dict[str, Callable[[onnx.NodeProto, _Graph], _Findings]] = {
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


def _gather(model: onnx.ModelProto) -> _Graph:
    """Types, shapes and constants of all tensors, subgraphs included."""
    dtypes: dict[str, int] = {}
    shapes: dict[str, tuple[int | None, ...]] = {}
    constants: dict[str, np.ndarray[Any, np.dtype[Any]]] = {}
    sources: set[str] = set()
    for graph in _graphs(_infer(model).graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            if value.type.tensor_type.HasField("shape"):
                shapes[value.name] = _dims(value)
            dtypes[value.name] = value.type.tensor_type.elem_type
        sources.update(of.name for of in (*graph.input, *graph.initializer))
        for initializer in graph.initializer:
            constants[initializer.name] = numpy_helper.to_array(initializer)
            dtypes[initializer.name] = initializer.data_type
            shapes[initializer.name] = tuple(initializer.dims)
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute:
                constants[node.output[0]] = _constant(node)
    return _Graph(dtypes, shapes, constants, frozenset(sources))


def _infer(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the types and shapes of its inner tensors, as far as onnx knows them."""
    inferable = onnx.ModelProto()
    inferable.CopyFrom(model)
    imported = {entry.domain for entry in model.opset_import}
    used = {node.domain for graph in _graphs(model.graph) for node in graph.node}
    # A domain without an import is an offence of its own, but it would end the inference here.
    inferable.opset_import.extend(onnx.helper.make_opsetid(name, 1) for name in used - imported)
    return shape_inference.infer_shapes(inferable)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graphs(attribute.g)


def _constant(node: onnx.NodeProto) -> np.ndarray[Any, np.dtype[Any]]:
    value = onnx.helper.get_attribute_value(node.attribute[0])
    is_tensor = isinstance(value, onnx.TensorProto)
    return numpy_helper.to_array(value) if is_tensor else np.asarray(value)


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}


def _dims(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    return tuple(
        side.dim_value if side.HasField("dim_value") and side.dim_value >= 0 else None
        for side in value.type.tensor_type.shape.dim
    )


def _shape_text(dims: tuple[int | None, ...]) -> str:
    return "x".join("?" if side is None else str(side) for side in dims)
