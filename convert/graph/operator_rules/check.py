"""Check an ONNX model against what atc's parser accepts.

The rules are taken from the sources and manuals of CANN 8.5.0; none was tried on hardware:

- parser: `parser/parser/onnx/onnx_parser.cc` of github.com/hicann/ge, branch 8.5.0
- plugins: `*_onnx_plugin.cpp` of github.com/hicann/{ops-math,ops-nn,ops-cv}, branch 8.5.0
- operator pages: hiascend.com, CANN 8.5 operator list, atlasoxol_09_NNNN
- saturation: hiascend.com, runtime API aclcppdevg_03_1389
"""

from collections.abc import Iterator
from dataclasses import dataclass

import onnx

from convert.graph.operator_rules.operators import (
    CHIPS_OF_OPERATOR,
    OPERATOR_CHECKS,
    OPSET,
    REGISTERED,
    UNSUPPORTED,
    Finding,
    check_constant,
)
from convert.graph.operator_rules.tensors import Tensors, collect_tensors, dims_of

MAX_NAME_LENGTH = 127
# The input of Resize that may be empty: an empty roi is how the input is left out.
_ROI = ("Resize", 1)


@dataclass(frozen=True, slots=True)
class Violation:
    """Something in a graph that atc would refuse or compute wrongly.

    Attributes:
        node: the node's name, or its first output if it has no name; for a violation that is not
            about a node, the name of the tensor or field.
        op_type: the operator; empty for a violation that is not about a node.
        rule: what is wrong, and what to use instead.
        source: where the rule comes from.
    """

    node: str
    op_type: str
    rule: str
    source: str

    def __str__(self) -> str:
        where = f"{self.op_type} {self.node}" if self.op_type else self.node
        return f"{where}: {self.rule} [{self.source}]"


def check(
    model: onnx.ModelProto, *, open_sides: bool = False, soc: str | None = None
) -> tuple[Violation, ...]:
    """Find everything in a model that atc's parser or the chip's operators do not accept.

    Args:
        model: any ONNX model that contains its weights.
        open_sides: whether inputs may have open sides because atc is told their lengths.
        soc: the chip; None checks only what holds for all chips.

    Returns:
        The violations in graph order; empty for a graph that can be converted.
    """
    return (
        *_check_opsets(model),
        *_check_interface(model.graph, open_sides),
        *_check_nodes(model.graph, collect_tensors(model)),
        *(_check_chip(model.graph, soc) if soc else ()),
    )


def _check_opsets(model: onnx.ModelProto) -> Iterator[Violation]:
    domains = [entry.domain or "ai.onnx" for entry in model.opset_import]
    if len(domains) != 1:
        yield Violation(
            "opset_import",
            "",
            f"exactly one import is accepted (E16005), found {', '.join(domains) or 'none'}",
            "parser, ConstructOriType",
        )
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version != OPSET:
            yield Violation(
                "opset_import",
                "",
                f"opset {entry.version}: operators are looked up under the exact opset, and all "
                f"that this model needs are registered at {OPSET}",
                "parser, ConstructOriType; plugins",
            )


def _check_interface(graph: onnx.GraphProto, open_sides: bool) -> Iterator[Violation]:
    """Check the names and shapes of inputs and outputs."""
    inputs = {value.name for value in graph.input}
    for value in (*graph.input, *graph.output):
        dims = dims_of(value)
        is_ranked = value.type.tensor_type.HasField("shape") or value.name not in inputs
        if len(value.name) > MAX_NAME_LENGTH:
            yield Violation(
                value.name,
                "",
                f"the name has {len(value.name)} characters; the OM shortens names of more than "
                f"{MAX_NAME_LENGTH}",
                "acl model API, aclmdlGetTensorRealName",
            )
        if not is_ranked or (None in dims and not open_sides):
            yield Violation(
                value.name,
                "",
                f"the shape {_format_shape(dims) if is_ranked else '?'} is open; give every side a "
                "number, one graph per size",
                "atc manual, input_shape: an open side makes a range-dynamic OM",
            )


def _check_nodes(graph: onnx.GraphProto, tensors: Tensors) -> Iterator[Violation]:
    """Check the constants and nodes of a graph and its subgraphs."""
    for initializer in graph.initializer:
        for rule, source in check_constant(tensors.constants[initializer.name]):
            yield Violation(initializer.name, "", rule, source)
    for node in graph.node:
        name = node.name or next(iter(node.output), "")
        for rule, source in _check_node(node, tensors):
            yield Violation(name, node.op_type, rule, source)
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _check_nodes(attribute.g, tensors)


def _check_node(node: onnx.NodeProto, tensors: Tensors) -> Iterator[Finding]:
    if node.domain not in ("", "ai.onnx"):
        yield f"domain {node.domain} is not ai.onnx", "parser, ConstructOriType"
    elif node.op_type in UNSUPPORTED:
        yield UNSUPPORTED[node.op_type]
    elif node.op_type not in REGISTERED:
        yield f"no ai.onnx::{OPSET}::{node.op_type} is known to be registered", "plugins"
    elif node.op_type in OPERATOR_CHECKS:
        yield from OPERATOR_CHECKS[node.op_type](node, tensors)
    inputs = (name for index, name in enumerate(node.input) if (node.op_type, index) != _ROI)
    for name in (*node.output, *(name for name in inputs if name in tensors.sources)):
        if 0 in tensors.shapes.get(name, ()):
            yield "a side of length 0 is refused", "parser"


def _check_chip(graph: onnx.GraphProto, soc: str) -> Iterator[Violation]:
    """Check that the chip has the operators."""
    for node in graph.node:
        chips = CHIPS_OF_OPERATOR.get(node.op_type)
        if chips is not None and not soc.startswith(chips):
            yield Violation(
                node.name or next(iter(node.output), ""),
                node.op_type,
                f"{soc} does not have it; use GridSample",
                "grid_sample_def.cpp of ops-cv",
            )


def _format_shape(dims: tuple[int | None, ...]) -> str:
    return "x".join("?" if side is None else str(side) for side in dims)
