"""The graphs that a checkpoint is exported to: one for each size, or one for all sizes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from convert.checkpoint import Checkpoint
from convert.graph.backbones import DYNAMIC_SIZE_BACKBONES
from convert.graph.mask2former import SIDE_MULTIPLE, Target
from segmentation.arrays import SizeHW
from segmentation.errors import ConversionError
from segmentation.model_card import Layout

DEFAULT_SIDE = 512


@dataclass(frozen=True, slots=True)
class GraphPlan:
    """A graph to write.

    Attributes:
        file: name of the file.
        size_hw: the one input size; None for any size.
        sizes_hw: the input sizes that the card lists.
        target: the runtime.
        sampling: form of deformable attention; None for the fastest.
        layout: NHWC for a graph that takes the photo itself, NCHW for normalised pixels.
        weights_file: file of another graph that holds the weights; None for a graph with its own.
        batch: number of photos that the graph takes.
    """

    file: str
    size_hw: SizeHW | None
    sizes_hw: tuple[SizeHW, ...]
    target: Target = "onnx"
    sampling: str | None = None
    layout: Layout = "NHWC"
    weights_file: str | None = None
    batch: int = 1


def add_portable(plans: tuple[GraphPlan, ...]) -> tuple[GraphPlan, ...]:
    """Plan a second graph for each, with the operators of opset 16 and the weights of the first.

    Older versions of onnxruntime and most of its execution providers have no DeformConv.
    """
    portable = (
        replace(
            plan,
            file=plan.file.replace(".onnx", "_portable.onnx"),
            target="ascend",
            sampling="grid-sample",
            weights_file=plan.file,
        )
        for plan in plans
    )
    return (*plans, *portable)


def plan_graphs(
    checkpoint: Checkpoint,
    sizes_hw: list[SizeHW] | None,
    longest_side: int | None,
    target: Target = "onnx",
    sampling: str | None = None,
    layout: Layout = "NHWC",
    *,
    batch: int = 1,
) -> tuple[GraphPlan, ...]:
    """Plan the graphs for the requested sizes.

    Args:
        checkpoint: what to export.
        sizes_hw: input sizes; None or empty for `default_size`.
        longest_side: all sizes with this longest side, instead of `sizes_hw`.
        target: the runtime.
        sampling: form of deformable attention; None for the fastest.
        layout: of the graphs' input.
        batch: number of photos; more than one adds graphs that take as many, beside those for one.

    Raises:
        ConversionError: a side is not a multiple of 32, or the backbone, the target or the batch
            needs fixed sizes, or the target does not support the sampling or the batch.
    """
    _check_sampling(target, sampling)
    backbone = checkpoint.model.config.backbone_config.model_type
    # atc needs every side fixed, or gears, which need NCHW.
    may_be_open = target == "onnx" or (layout == "NCHW" and longest_side is not None)
    takes_any_size = may_be_open and backbone in DYNAMIC_SIZE_BACKBONES
    if longest_side is None:
        sizes_hw = list(dict.fromkeys(sizes_hw or [default_size(checkpoint.processor)]))
    elif takes_any_size:
        sizes_hw = list(sizes_of_longest_side(longest_side))
    else:
        raise ConversionError(
            "With this backbone or target, each size needs its own graph. Use --size.",
            "该主干或目标平台的每种尺寸都需要单独的模型文件。请改用 --size。",
        )
    _check_sides(sizes_hw)
    if batch > 1 and (takes_any_size or target != "ascend"):
        raise ConversionError(
            "--batch is for graphs of --target ascend that have one size. Add --target ascend and "
            "--size, or leave --batch out.",
            "--batch 只用于 --target ascend 的单一尺寸图。请加上 --target ascend 和 --size，"
            "或去掉 --batch。",
        )
    if takes_any_size:
        return (GraphPlan("model.onnx", None, tuple(sizes_hw), target, sampling, layout),)
    name = "model.onnx" if len(sizes_hw) == 1 else "model_{}x{}.onnx"
    plans = tuple(
        GraphPlan(name.format(*size_hw), size_hw, (size_hw,), target, sampling, layout)
        for size_hw in sizes_hw
    )
    return plans if batch == 1 else (*plans, *(_batched(plan, batch) for plan in plans))


def _batched(plan: GraphPlan, batch: int) -> GraphPlan:
    return replace(plan, file=plan.file.replace(".onnx", f"_batch{batch}.onnx"), batch=batch)


def sizes_of_longest_side(side: int) -> tuple[SizeHW, ...]:
    """List all sizes (height, width) with this longest side, in steps of 32, from 1:2 to 2:1."""
    shorts = range(-(-side // 2 // SIDE_MULTIPLE) * SIDE_MULTIPLE, side, SIDE_MULTIPLE)
    return (
        *((short, side) for short in shorts),
        (side, side),
        *((side, short) for short in reversed(shorts)),
    )


def default_size(processor: Mapping[str, Any]) -> SizeHW:
    """Read the size in preprocessor_config.json, limited to 512 a side.

    A CPU runs 512 x 512 in about a second.

    Args:
        processor: the fields of the file.

    Raises:
        ConversionError: the file has a size of another form.
    """
    size = processor.get("size") or {}
    if isinstance(size, list) and len(size) == 1:
        (size,) = size
    if isinstance(size, int):
        size = {"shortest_edge": size}
    elif isinstance(size, list) and len(size) == 2:
        size = dict(zip(("height", "width"), size, strict=True))
    sides: list[Any] = []
    if isinstance(size, dict):
        short = size.get("shortest_edge", DEFAULT_SIDE)
        sides = [size.get("height", short), size.get("width", short)]
    if not sides or not all(isinstance(side, int) for side in sides):
        raise ConversionError(
            f"preprocessor_config.json has a size that cannot be read: {str(size)[:80]}. Choose "
            "one with --size.",
            f"preprocessor_config.json 中的 size 无法读取：{str(size)[:80]}。请用 --size 指定。",
        )
    height, width = (
        max(SIDE_MULTIPLE, min(side, DEFAULT_SIDE) // SIDE_MULTIPLE * SIDE_MULTIPLE)
        for side in sides
    )
    return height, width


def _check_sampling(target: Target, sampling: str | None) -> None:
    if target == "ascend" and sampling == "deform-conv":
        raise ConversionError(
            "atc does not support DeformConv. Omit --sampling, or choose grid-sample or gather.",
            "atc 不支持 DeformConv。请去掉 --sampling，或改用 grid-sample、gather。",
        )


def _check_sides(sizes_hw: list[SizeHW]) -> None:
    for height, width in sizes_hw:
        if height % SIDE_MULTIPLE or width % SIDE_MULTIPLE or not height or not width:
            raise ConversionError(
                f"Size {height}x{width}: both sides must be multiples of {SIDE_MULTIPLE}.",
                f"尺寸 {height}x{width}：两边都必须是 {SIDE_MULTIPLE} 的倍数。",
            )
