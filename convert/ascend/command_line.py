"""The command line of atc for a model's card: pure text, so that it can be shown, tested and run.

Options and their rules: the ATC manual, docs/zh/user_guides/atc_tools of github.com/hicann/ge, and
CANN 8.0's at hiascend.com (atlasatcparam_16_0015 for --input_format). Nothing ran on hardware.
"""

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.arguments import format_size
from segmentation.arrays import SizeHW
from segmentation.errors import ConversionError
from segmentation.model_card import Artifact, InputSpec, ModelCard

ONNX_FRAMEWORK = 5

# Names in CANN's platform configuration: github.com/hicann/runtime, src/platform/platform_config.
SOC_VERSIONS = (
    *(f"Ascend310P{n}" for n in (3, 1, 5, 7)),
    *(f"Ascend910B{n}" for n in ("4", "1", "2", "2C", "3", "4-1")),
    *(f"Ascend310B{n}" for n in (1, 2, 3, 4)),
)
_A3 = re.compile(r"Ascend910_93\d\d")

PRECISIONS = ("mixed", "fp16", "fp32")
"""mixed: matrix products in float16, the rest in float32 where the chip can; fp32: as written."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """One OM to be made.

    Attributes:
        graph: the onnx artifact it is made from.
        sizes_hw: one size, or several for gears in one OM.
        soc: the chip.
        precision: one of PRECISIONS.
    """

    graph: Artifact
    sizes_hw: tuple[SizeHW, ...]
    soc: str
    precision: str

    @property
    def name(self) -> str:
        """The OM's file name without `.om`, which atc appends by itself."""
        made_for = f"{self.soc.lower()}_{self.precision}"
        if self.has_gears:  # of each graph one
            return f"{Path(self.graph.file).stem}_{made_for}_gears"
        return f"model_{made_for}_{format_size(self.sizes_hw[0])}"

    @property
    def has_gears(self) -> bool:
        """Whether one OM is to take several sizes."""
        return len(self.sizes_hw) > 1


def plan(
    card: ModelCard, soc: str, precision: str, sizes_hw: Sequence[SizeHW] = (), *, gears: bool
) -> tuple[Conversion, ...]:
    """Which OMs to make of a model: one for each size, or with gears one for each graph.

    Args:
        card: the model.
        soc: the chip.
        precision: one of PRECISIONS.
        sizes_hw: the sizes wanted; none means all that the card lists.
        gears: whether the sizes of a graph go into one OM.

    Raises:
        ConversionError: the card has no graph for a size, or gears do not go with the graph.
    """
    graphs = [a for a in card.artifacts if a.format == "onnx" and a.precision == "fp32"]
    offered = {size_hw: graph for graph in reversed(graphs) for size_hw in graph.sizes_hw}
    wanted = tuple(sizes_hw) or tuple(size_hw for graph in graphs for size_hw in graph.sizes_hw)
    missing = [format_size(size_hw) for size_hw in wanted if size_hw not in offered]
    if missing or not wanted:
        has = ", ".join(format_size(size_hw) for size_hw in offered) or "none"
        raise ConversionError(
            f"Model {card.name} has no fp32 ONNX graph for {', '.join(missing) or 'atc'}; sizes it "
            f"has: {has}. Export one: python -m convert export ... --size HxW --target ascend",
            f"模型 {card.name} 没有 {'、'.join(missing) or 'atc'} 可用的 fp32 ONNX；"
            f"现有尺寸：{has}。"
            "请先导出：python -m convert export ... --size HxW --target ascend",
        )
    if gears and card.input.layout != "NCHW":
        # --dynamic_image_size wants NCHW or NHWC, and of an ONNX model atc takes NCHW or ND only.
        raise ConversionError(
            "Gears need a graph with an NCHW input. Leave --gears out: one OM is made for each "
            "size, which is as fast.",
            "档位（--gears）要求图的输入为 NCHW。请去掉 --gears："
            "每个尺寸各生成一个 OM，速度不受影响。",
        )
    if not gears:
        return tuple(Conversion(offered[size], (size,), soc, precision) for size in wanted)
    by_graph = {graph.file: (graph, [s for s in wanted if offered[s] == graph]) for graph in graphs}
    return tuple(
        Conversion(graph, tuple(sizes), soc, precision)
        for graph, sizes in by_graph.values()
        if sizes
    )


def arguments(
    card: ModelCard,
    conversion: Conversion,
    output: Path,
    aipp: Path | None = None,
    fusion_switch: Path | None = None,
) -> tuple[str, ...]:
    """The arguments for atc.

    Args:
        card: the model.
        conversion: what to make.
        output: path of the OM without `.om`.
        aipp: path of the AIPP configuration, if one is used.
        fusion_switch: file that switches fusion passes, if one is used.
    """
    spec = card.input
    open_hw = ("-1", "-1") if conversion.has_gears else conversion.sizes_hw[0]
    options = {
        "framework": ONNX_FRAMEWORK,
        "model": card.path(conversion.graph),
        "output": output,
        "soc_version": conversion.soc,
        "input_format": "NCHW" if spec.layout == "NCHW" else "ND",
        "input_shape": f"{spec.name}:{_dims(spec, open_hw)}",
        **_precision(conversion),
        "log": "error",
        # Prints the version of atc, for the card.
        "display_model_info": 1,
    }
    if conversion.has_gears:
        options["dynamic_image_size"] = ";".join(f"{h},{w}" for h, w in conversion.sizes_hw)
    if aipp:
        options["insert_op_conf"] = aipp
    if fusion_switch:
        options["fusion_switch_file"] = fusion_switch
    return tuple(f"--{name}={value}" for name, value in options.items())


def aipp_config(card: ModelCard, conversion: Conversion) -> str:
    """The configuration that makes the OM take the photo itself: uint8, NHWC, RGB.

    AIPP computes (in - mean_chn - min_chn) * var_reci_chn with an integer mean_chn and the others
    in float16; splitting the mean so that min_chn is small halves the rounding error.

    Raises:
        ConversionError: the graph normalises by itself, so that AIPP would do it twice.
    """
    spec = card.input
    if spec.normalised_inside or spec.layout != "NCHW":
        raise ConversionError(
            f"The graph of {card.name} takes the photo itself already; leave --aipp out.",
            f"{card.name} 的图本身就直接接收照片，请去掉 --aipp。",
        )
    height, width = (0, 0) if conversion.has_gears else conversion.sizes_hw[0]
    means = [value / spec.rescale_factor for value in spec.mean]
    lines = [
        "aipp_mode: static",
        "related_input_rank: 0",
        "input_format: RGB888_U8",
        f"src_image_size_w: {width}",
        f"src_image_size_h: {height}",
        "crop: false",
        "csc_switch: false",
        "rbuv_swap_switch: false",
        *(f"mean_chn_{i}: {math.floor(mean)}" for i, mean in enumerate(means)),
        *(f"min_chn_{i}: {mean - math.floor(mean):.10g}" for i, mean in enumerate(means)),
        *(f"var_reci_chn_{i}: {spec.rescale_factor / std:.10g}" for i, std in enumerate(spec.std)),
    ]
    return "aipp_op {\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def is_soc(soc: str) -> bool:
    """Whether atc knows a chip of this name."""
    return soc in SOC_VERSIONS or _A3.fullmatch(soc) is not None


def check_soc(soc: str) -> str:
    """The name of a chip as atc knows it.

    Raises:
        ConversionError: it is not one; near names are suggested.
    """
    if is_soc(soc):
        return soc
    longer = [known for known in SOC_VERSIONS if known.lower().startswith(soc.lower())]
    near = (longer or difflib.get_close_matches(soc, SOC_VERSIONS, n=1))[:1]
    hint = f" Did you mean {near[0]}?" if near else ""
    hint_zh = f"是否想写 {near[0]}？" if near else ""
    raise ConversionError(
        f"atc knows no chip {soc}.{hint} It is `Ascend` and the Name that npu-smi info shows; "
        f"--soc-version auto asks for it. Known: {', '.join(SOC_VERSIONS)}.",
        f"atc 不认识芯片 {soc}。{hint_zh}名称由 Ascend 加上 npu-smi info 显示的 Name 组成；"
        f"--soc-version auto 可自动读取。可用：{'、'.join(SOC_VERSIONS)}。",
    )


def _dims(spec: InputSpec, size_hw: tuple[object, object]) -> str:
    height, width = size_hw
    return f"1,{height},{width},3" if spec.layout == "NHWC" else f"1,3,{height},{width}"


def _precision(conversion: Conversion) -> dict[str, str]:
    """Exactly one of the two options; atc refuses both together."""
    if conversion.precision == "mixed" and conversion.soc.startswith("Ascend310"):
        # mixed_float16 decides by a list of operators; this keeps all vector operators in float32,
        # which the 310P can do while its matrix unit cannot.
        return {"precision_mode": "allow_fp32_to_fp16"}
    v2 = {"mixed": "mixed_float16", "fp16": "fp16", "fp32": "origin"}
    return {"precision_mode_v2": v2[conversion.precision]}
