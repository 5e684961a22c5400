"""Rewrite the graph of one photo as a graph of several, which the chip computes together.

A value has one of two forms: stacked, with the photos on an axis of their own before all others, or
merged, with the photos along the first axis, as operators on images need it. Both hold the same
numbers in the same order, so a Reshape turns one into the other. No operator mixes photos.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, shape_inference

from convert.graph.ascend_graph import AscendGraph
from convert.graph.graph import Value
from convert.graph.operator_rules.tensors import attributes_of, collect_tensors
from convert.graph.retarget.point_sampling import PointSampler
from segmentation.errors import ConversionError

Shape = tuple[int, ...]

ELEMENTWISE = frozenset(
    """
    Abs Add And Cast Clip Div Equal Erf Exp Floor Greater GreaterOrEqual Identity Less LessOrEqual
    Max Min Mul Neg Not Or Pow Reciprocal Relu Sigmoid Sqrt Sub Sum Where
    """.split()  # noqa: SIM905
)
ON_IMAGES = frozenset(
    """
    AveragePool Conv ConvTranspose GlobalAveragePool InstanceNormalization MaxPool Resize
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class _Batch:
    """A graph of several photos while it is written.

    Attributes:
        graph: what is written.
        count: number of photos.
        sampler: the operator that samples at points.
        shapes: shapes of the tensors of one photo.
        values: the written values by the names of one photo's; constants are shared.
        merged: names of the values in merged form; all others, but constants, are stacked.
    """

    graph: AscendGraph
    count: int
    sampler: PointSampler
    shapes: Mapping[str, Shape]
    values: dict[str, Value]
    merged: set[str] = field(default_factory=set)

    def constant(self, name: str) -> np.ndarray | None:
        return self.graph.constant_value(self.values[name])

    def known_constant(self, name: str) -> np.ndarray:
        return self.graph.known_constant(self.values[name])

    def as_merged(self, name: str) -> Value:
        if name in self.merged or self.constant(name) is not None:
            return self.values[name]
        first, *others = self.shapes[name]
        return self.graph.reshape(self.values[name], self.count * first, *others)

    def as_stacked(self, name: str, rank: int | None = None) -> Value:
        """The stacked form, with axes of length 1 after the photos' up to `rank` others."""
        shape = self.shapes[name]
        ones = (rank or len(shape)) - len(shape)
        if self.constant(name) is not None or (name not in self.merged and not ones):
            return self.values[name]
        return self.graph.reshape(self.values[name], self.count, *[1] * ones, *shape)

    def along(self, name: str, axes: Sequence[int]) -> tuple[Value, int]:
        """A form for an operator along axes of one photo, and what to add to their numbers."""
        if name in self.merged and 0 not in axes:
            return self.values[name], 0
        return self.as_stacked(name), 1

    def write(self, node: onnx.NodeProto, values: Sequence[Value], *, merged: bool) -> None:
        self.values.update(zip(node.output, values, strict=True))
        if merged:
            self.merged.update(node.output)


Rule = Callable[[_Batch, onnx.NodeProto], None]


def batch(model: onnx.ModelProto, count: int, sampler: PointSampler) -> onnx.ModelProto:
    """Rewrite a graph of one photo, of fixed size, as one of `count` photos.

    Args:
        model: a graph that `retarget` or `export --target ascend` wrote, with GridSample or gather.
        count: number of photos, the length of the first axis of the input and the outputs.
        sampler: the operator that takes the place of GridSample.

    Raises:
        ConversionError: the graph has an operator that has no rule here.
    """
    tensors = collect_tensors(model)
    shapes = {name: tuple(side or 0 for side in shape) for name, shape in tensors.shapes.items()}
    graph = AscendGraph()
    constants = {name: graph.const(array) for name, array in tensors.constants.items()}
    (image,) = model.graph.input
    names = {"": "", image.name: image.name}
    written = _Batch(graph, count, sampler, shapes, constants | names, {image.name})
    for node in model.graph.node:
        try:
            _RULES[node.op_type](written, node)
        except (LookupError, ValueError) as error:
            raise ConversionError(
                f"The graph cannot be written for {count} photos ({node.op_type} {node.name}). "
                "Leave --batch out.",
                f"无法将该图改写为一次处理 {count} 张照片（{node.op_type} {node.name}）。"
                "请去掉 --batch。",
            ) from error
    dims = (count, *shapes[image.name][1:])
    inputs = [helper.make_tensor_value_info(image.name, image.type.tensor_type.elem_type, dims)]
    outputs = [
        helper.make_tensor_value_info(output.name, output.type.tensor_type.elem_type, None)
        for output in model.graph.output
    ]
    results = [written.as_merged(output.name) for output in model.graph.output]
    return shape_inference.infer_shapes(graph.model(inputs, outputs, results))


def _elementwise(batch: _Batch, node: onnx.NodeProto) -> None:
    names = [name for name in node.input if name]
    rank = max(len(batch.shapes[name]) for name in names)
    firsts = {
        batch.shapes[name][0] if name in batch.merged and len(batch.shapes[name]) == rank else None
        for name in names
        if batch.constant(name) is None
    }
    # Merged values are computed as they are if no constant differs along the photos' axis.
    constants = [batch.shapes[name] for name in names if batch.constant(name) is not None]
    is_merged = (
        len(firsts) == 1
        and None not in firsts
        and all(len(shape) < rank or shape[0] == 1 for shape in constants)
    )
    values = [
        batch.values[name] if is_merged or not name else batch.as_stacked(name, rank)
        for name in node.input
    ]
    result = batch.graph.op(node.op_type, *values, **attributes_of(node))
    batch.write(node, [result], merged=is_merged)


def _on_images(batch: _Batch, node: onnx.NodeProto) -> None:
    values = [batch.as_merged(name) if name else "" for name in node.input]
    result = batch.graph.op(node.op_type, *values, **attributes_of(node))
    batch.write(node, [result], merged=True)


def _grid_sample(batch: _Batch, node: onnx.NodeProto) -> None:
    maps, grid = node.input
    first, channels, height, width = batch.shapes[maps]
    shape = (batch.count * first, channels, height, width)
    result = batch.sampler(batch.graph, batch.as_merged(maps), batch.as_merged(grid), shape)
    batch.write(node, [result], merged=True)


def _reshape(batch: _Batch, node: onnx.NodeProto) -> None:
    shape = batch.shapes[node.output[0]]
    is_merged = shape[0] == 1
    sides = shape[1:] if is_merged else shape
    result = batch.graph.reshape(batch.values[node.input[0]], batch.count, *sides)
    batch.write(node, [result], merged=is_merged)


def _product(batch: _Batch, node: onnx.NodeProto) -> None:
    """MatMul, or Gemm with a bias; the tokens of all photos make one product."""
    left, right, *bias = node.input
    if attributes_of(node):
        raise ValueError("a product with attributes")
    has_rows = batch.constant(right) is not None and len(batch.shapes[left]) == 2
    if has_rows:
        values = [batch.as_merged(left), *(batch.values[name] for name in (right, *bias))]
        result = batch.graph.op(node.op_type, *values)
    else:
        rank = max(len(batch.shapes[name]) for name in (left, right))
        result = batch.graph.op(
            "MatMul", batch.as_stacked(left, rank), batch.as_stacked(right, rank)
        )
        for name in bias:
            result = batch.graph.op("Add", result, batch.values[name])
    batch.write(node, [result], merged=has_rows)


def _transpose(batch: _Batch, node: onnx.NodeProto) -> None:
    perm = attributes_of(node)["perm"]
    value, shift = batch.along(node.input[0], [0] if perm[0] else [])
    order = [*range(shift), *(axis + shift for axis in perm)]
    batch.write(node, [batch.graph.transpose(value, *order)], merged=not shift)


def _along_axis(batch: _Batch, node: onnx.NodeProto) -> None:
    """Softmax and Split: an axis as an attribute."""
    attributes = attributes_of(node)
    first, *others = node.input
    axis = attributes["axis"] % len(batch.shapes[first])
    value, shift = batch.along(first, [axis])
    attributes["axis"] = axis + shift
    values = [value, *(batch.values[name] for name in others)]
    results = batch.graph.ops(node.op_type, *values, outputs=len(node.output), **attributes)
    batch.write(node, results, merged=not shift)


def _concat(batch: _Batch, node: onnx.NodeProto) -> None:
    axis = attributes_of(node)["axis"] % len(batch.shapes[node.input[0]])
    values = []
    for name in node.input:
        constant = batch.constant(name)
        if constant is None:
            values.append(batch.as_stacked(name))
        else:
            repeated = np.broadcast_to(constant, (batch.count, *constant.shape))
            values.append(batch.graph.const(repeated))
    batch.write(node, [batch.graph.op("Concat", *values, axis=axis + 1)], merged=False)


def _over_axes(batch: _Batch, node: onnx.NodeProto) -> None:
    """Reductions and Squeeze, with their axes as an attribute or as an input."""
    attributes = attributes_of(node)
    rank = len(batch.shapes[node.input[0]])
    is_input = len(node.input) > 1
    listed = batch.known_constant(node.input[1]) if is_input else attributes["axes"]
    axes = [int(axis) % rank for axis in listed]
    value, shift = batch.along(node.input[0], axes)
    shifted = [axis + shift for axis in axes]
    rest = [batch.graph.ints(*shifted)] if is_input else []
    if not is_input:
        attributes["axes"] = shifted
    result = batch.graph.op(node.op_type, value, *rest, **attributes)
    batch.write(node, [result], merged=not shift)


def _slice(batch: _Batch, node: onnx.NodeProto) -> None:
    name, starts, ends, *rest = node.input
    listed = batch.known_constant(rest[0]) if rest else range(batch.shapes[starts][0])
    numbers = [int(axis) % len(batch.shapes[name]) for axis in listed]
    value, shift = batch.along(name, numbers)
    shifted = batch.graph.ints(*(axis + shift for axis in numbers))
    values = [value, batch.values[starts], batch.values[ends], shifted]
    values += [batch.values[step] for step in rest[1:]]
    result = batch.graph.op("Slice", *values)
    batch.write(node, [result], merged=not shift)


def _pad(batch: _Batch, node: onnx.NodeProto) -> None:
    name, pads, *rest = node.input
    before, after = batch.known_constant(pads).reshape(2, -1).tolist()
    value, shift = batch.along(name, [0] if before[0] or after[0] else [])
    padding = batch.graph.ints(*[0] * shift, *before, *[0] * shift, *after)
    filling = [batch.values[other] for other in rest]
    result = batch.graph.op("Pad", value, padding, *filling, **attributes_of(node))
    batch.write(node, [result], merged=not shift)


def _gather(batch: _Batch, node: onnx.NodeProto) -> None:
    """Cells at constant places, or at places that were computed for each photo."""
    data, indices = node.input
    axis = attributes_of(node).get("axis", 0) % len(batch.shapes[data])
    if batch.constant(indices) is not None:
        value, shift = batch.along(data, [axis])
        result = batch.graph.op("Gather", value, batch.values[indices], axis=axis + shift)
        batch.write(node, [result], merged=not shift)
        return
    if axis or batch.constant(data) is not None:
        raise ValueError("places along another axis than the first")
    first = np.arange(batch.count) * batch.shapes[data][0]
    places = batch.as_stacked(indices)
    offset = first.astype(np.int32).reshape(-1, *[1] * len(batch.shapes[indices]))
    moved = batch.graph.op("Add", places, batch.graph.const(offset))
    result = batch.graph.op("Gather", batch.as_merged(data), moved, axis=0)
    batch.write(node, [result], merged=False)


_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(ON_IMAGES, _on_images),
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceSum", "Squeeze"), _over_axes),
    **dict.fromkeys(("Gemm", "MatMul"), _product),
    **dict.fromkeys(("Softmax", "Split"), _along_axis),
    "Concat": _concat,
    "Gather": _gather,
    "GridSample": _grid_sample,
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "Transpose": _transpose,
}
