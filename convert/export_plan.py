"""Which graphs a checkpoint is exported to: one for each size, or one for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convert.checkpoint import Checkpoint
from convert.exportable import SIDE_MULTIPLE, Target
from convert.graph.backbones import FREE_SIZE
from segmentation.arrays import SizeHW
from segmentation.errors import ConversionError

DEFAULT_SIDE = 512


@dataclass(frozen=True, slots=True)
class GraphPlan:
    """A graph to write.

    Attributes:
        file: its name.
        size_hw: the size it is for; None for any.
        sizes_hw: the sizes the card announces.
        target: the run-time.
        sampling: form of deformable attention; None for the fastest.
    """

    file: str
    size_hw: SizeHW | None
    sizes_hw: tuple[SizeHW, ...]
    target: Target = "onnx"
    sampling: str | None = None


def plan_graphs(
    checkpoint: Checkpoint,
    sizes_hw: list[SizeHW] | None,
    longest_side: int | None,
    target: Target = "onnx",
    sampling: str | None = None,
) -> tuple[GraphPlan, ...]:
    """Which graphs the asked-for sizes make.

    Raises:
        ConversionError: a side is no multiple of 32, or this backbone needs fixed sizes.
    """
    if target == "ascend" and sampling == "deform-conv":
        raise ConversionError(
            "atc knows no DeformConv. Leave --sampling out, or choose grid-sample or gather.",
            "atc 不支持 DeformConv。请去掉 --sampling，或改用 grid-sample、gather。",
        )
    # atc wants every side fixed.
    backbone = checkpoint.model.config.backbone_config.model_type
    free = target == "onnx" and backbone in FREE_SIZE
    sizes_hw = list(dict.fromkeys(sizes_hw or [default_size(checkpoint.processor)]))
    if longest_side is not None:
        if not free:
            raise ConversionError(
                "Here each size needs a graph of its own: use --size.",
                "此时每种尺寸都需要单独的模型文件：请改用 --size。",
            )
        sizes_hw = list(sizes_of_longest_side(longest_side))
    for height, width in sizes_hw:
        if height % SIDE_MULTIPLE or width % SIDE_MULTIPLE or not height or not width:
            raise ConversionError(
                f"Size {height}x{width}: both sides must be multiples of {SIDE_MULTIPLE}.",
                f"尺寸 {height}x{width}：两边都必须是 {SIDE_MULTIPLE} 的倍数。",
            )
    if free:
        return (GraphPlan("model.onnx", None, tuple(sizes_hw), target, sampling),)
    name = "model.onnx" if len(sizes_hw) == 1 else "model_{}x{}.onnx"
    return tuple(
        GraphPlan(name.format(*size), size, (size,), target, sampling) for size in sizes_hw
    )


def sizes_of_longest_side(side: int) -> tuple[SizeHW, ...]:
    """All sizes (height, width) in steps of 32 with this longest side, from 1:2 to 2:1."""
    shorts = range(-(-side // 2 // SIDE_MULTIPLE) * SIDE_MULTIPLE, side, SIDE_MULTIPLE)
    return (
        *((short, side) for short in shorts),
        (side, side),
        *((side, short) for short in reversed(shorts)),
    )


def default_size(processor: Mapping[str, Any]) -> SizeHW:
    """The processor's own size, at most 512 a side, which is what a CPU does in about a second."""
    size = processor.get("size") or {}
    if isinstance(size, int):
        size = {"shortest_edge": size}
    elif isinstance(size, list):
        size = dict(zip(("height", "width"), size, strict=True))
    short = size.get("shortest_edge", DEFAULT_SIDE)
    sides = (size.get("height", short), size.get("width", short))
    height, width = (
        max(SIDE_MULTIPLE, min(side, DEFAULT_SIDE) // SIDE_MULTIPLE * SIDE_MULTIPLE)
        for side in sides
    )
    return height, width
