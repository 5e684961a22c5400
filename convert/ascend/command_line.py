"""Build the command line of atc for a model: text only, so that it can be shown and tested.

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
"""mixed: matrix products in float16, the rest in float32 where the chip can; fp32: as the graph."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """The conversion of a graph to one OM.

    Attributes:
        graph: the ONNX artifact.
        sizes_hw: the input sizes of the OM; more than one makes gears.
        soc: the chip.
        precision: one of PRECISIONS.
    """

    graph: Artifact
    sizes_hw: tuple[SizeHW, ...]
    soc: str
    precision: str

    @property
    def name(self) -> str:
        """The OM's file name without `.om`, which atc appends."""
        suffix = f"{self.soc.lower()}_{self.precision}"
        if self.has_gears:  # one OM per graph
            return f"{Path(self.graph.file).stem}_{suffix}_gears"
        return f"model_{suffix}_{format_size(self.sizes_hw[0])}"

    @property
    def has_gears(self) -> bool:
        """Whether the OM takes several sizes."""
        return len(self.sizes_hw) > 1


def plan_conversions(
    card: ModelCard, soc: str, precision: str, sizes_hw: Sequence[SizeHW] = (), *, gears: bool
) -> tuple[Conversion, ...]:
    """Plan the OMs of a model: one per size, or with gears one per graph.

    Args:
        card: the model.
        soc: the chip.
        precision: one of PRECISIONS.
        sizes_hw: the sizes to convert; none means all sizes in the card.
        gears: whether all sizes of a graph go into one OM.

    Raises:
        ConversionError: the card has no graph for a size, or the graph does not allow gears.
    """
    graphs = [
        artifact
        for artifact in card.artifacts
        if artifact.format == "onnx"
        and artifact.precision == "fp32"
        and artifact.weights_file is None
    ]
    graph_of_size = {size_hw: graph for graph in reversed(graphs) for size_hw in graph.sizes_hw}
    wanted = tuple(sizes_hw) or tuple(size_hw for graph in graphs for size_hw in graph.sizes_hw)
    _check_sizes(card, wanted, graph_of_size)
    if gears and card.input.layout != "NCHW":
        # --dynamic_image_size needs NCHW or NHWC, and for ONNX models atc accepts NCHW or ND.
        raise ConversionError(
            "Gears need a graph with an NCHW input. Leave --gears out: one OM is made for each "
            "size, which is as fast.",
            "档位（--gears）要求图的输入为 NCHW。请去掉 --gears："
            "每个尺寸各生成一个 OM，速度不受影响。",
        )
    if not gears:
        return tuple(Conversion(graph_of_size[size], (size,), soc, precision) for size in wanted)
    return tuple(
        Conversion(graph, sizes, soc, precision)
        for graph in graphs
        if (sizes := tuple(size for size in wanted if graph_of_size[size] == graph))
    )


def atc_arguments(
    card: ModelCard,
    conversion: Conversion,
    output: Path,
    aipp: Path | None = None,
    fusion_switch: Path | None = None,
) -> tuple[str, ...]:
    """Build the arguments of atc.

    Args:
        card: the model.
        conversion: the conversion.
        output: path of the OM without `.om`.
        aipp: path of the AIPP configuration, if one is used.
        fusion_switch: file that turns fusions on or off, if one is used.
    """
    spec = card.input
    side_hw = ("-1", "-1") if conversion.has_gears else conversion.sizes_hw[0]
    options = {
        "framework": ONNX_FRAMEWORK,
        "model": card.path(conversion.graph),
        "output": output,
        "soc_version": conversion.soc,
        "input_format": "NCHW" if spec.layout == "NCHW" else "ND",
        "input_shape": f"{spec.name}:{_input_shape(spec, side_hw)}",
        **_precision_option(conversion),
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
    """Build the AIPP configuration of an OM that takes the photo itself: uint8, NHWC, RGB.

    AIPP computes (in - mean_chn - min_chn) * var_reci_chn with an integer mean_chn and the others
    in float16. Splitting the mean so that min_chn is small halves the rounding error.

    Raises:
        ConversionError: the graph normalises by itself.
    """
    spec = card.input
    if spec.normalised_inside or spec.layout != "NCHW":
        raise ConversionError(
            f"The graph of {card.name} normalises the photo itself. Leave --aipp out.",
            f"{card.name} 的图已自带归一化，请去掉 --aipp。",
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
    """Return the name of a chip if atc knows it.

    Raises:
        ConversionError: atc does not know the chip; a similar name is suggested.
    """
    if is_soc(soc):
        return soc
    longer = [known for known in SOC_VERSIONS if known.lower().startswith(soc.lower())]
    similar = (longer or difflib.get_close_matches(soc, SOC_VERSIONS, n=1))[:1]
    hint = f" Did you mean {similar[0]}?" if similar else ""
    hint_zh = f"是否想写 {similar[0]}？" if similar else ""
    raise ConversionError(
        f"atc knows no chip {soc}.{hint} It is `Ascend` and the Name that npu-smi info shows; "
        f"--soc-version auto reads it. Known: {', '.join(SOC_VERSIONS)}.",
        f"atc 不认识芯片 {soc}。{hint_zh}名称由 Ascend 加上 npu-smi info 显示的 Name 组成；"
        f"--soc-version auto 可自动读取。可用：{'、'.join(SOC_VERSIONS)}。",
    )


def _check_sizes(
    card: ModelCard, wanted: Sequence[SizeHW], available: dict[SizeHW, Artifact]
) -> None:
    missing = [format_size(size_hw) for size_hw in wanted if size_hw not in available]
    if wanted and not missing:
        return
    sizes = ", ".join(format_size(size_hw) for size_hw in available)
    raise ConversionError(
        f"Model {card.name} has no fp32 ONNX graph for {', '.join(missing) or 'atc'}; sizes it "
        f"has: {sizes or 'none'}. Export one: python -m convert export ... --size HxW --target "
        "ascend",
        f"模型 {card.name} 没有 {'、'.join(missing) or 'atc'} 可用的 fp32 ONNX；"
        f"现有尺寸：{sizes or '无'}。"
        "请先导出：python -m convert export ... --size HxW --target ascend",
    )


def _input_shape(spec: InputSpec, size_hw: tuple[object, object]) -> str:
    height, width = size_hw
    return f"1,{height},{width},3" if spec.layout == "NHWC" else f"1,3,{height},{width}"


def _precision_option(conversion: Conversion) -> dict[str, str]:
    """One of the two options for the precision; atc refuses both together."""
    if conversion.precision == "mixed" and conversion.soc.startswith("Ascend310"):
        # mixed_float16 goes by a list of operators. This keeps all vector operators in float32,
        # which the 310P has, and uses float16 in the matrix unit, which has no float32.
        return {"precision_mode": "allow_fp32_to_fp16"}
    modes = {"mixed": "mixed_float16", "fp16": "fp16", "fp32": "origin"}
    return {"precision_mode_v2": modes[conversion.precision]}
