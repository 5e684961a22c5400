"""Build the command line of atc for a model: text only, so that it can be shown and tested.

Options and their rules: the ATC manual, docs/zh/user_guides/atc_tools of github.com/hicann/ge, and
CANN 8.0's at hiascend.com (atlasatcparam_16_0015 for --input_format). Nothing ran on hardware.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.arguments import format_size
from convert.ascend.tuning import precision_option
from segmentation.arrays import SizeHW
from segmentation.errors import ConversionError
from segmentation.model_card import Artifact, InputSpec, ModelCard

ONNX_FRAMEWORK = 5
DEFAULT_SAMPLING = "grid-sample"
# Names of the files in the folder where atc runs.
KEEP_DTYPE_FILE = "keep_dtype.cfg"
FUSION_SWITCH_FILE = "fusion_switch.cfg"


@dataclass(frozen=True, slots=True)
class Tuning:
    """How atc compiles a graph, apart from its shape.

    Attributes:
        precision: a key of PRECISIONS.
        sampling: a key of POINT_SAMPLERS; None leaves the graph as it is if atc accepts it.
        aipp: whether the chip normalises the photo.
        kept_dtypes: nodes, or OpType::TYPE, that stay in the precision of the graph.
        fusion_switch: content of a file that turns fusions on or off, if one is used.
        options: other options of atc and their values.
    """

    precision: str = "mixed"
    sampling: str | None = None
    aipp: bool = False
    kept_dtypes: tuple[str, ...] = ()
    fusion_switch: str | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """The conversion of a graph to one OM.

    Attributes:
        graph: the ONNX artifact.
        sizes_hw: the input sizes of the OM; more than one makes gears.
        soc: the chip.
        tuning: how atc compiles the graph.
        batch: number of photos that one run of the OM takes.
    """

    graph: Artifact
    sizes_hw: tuple[SizeHW, ...]
    soc: str
    tuning: Tuning
    batch: int = 1

    @property
    def name(self) -> str:
        """The OM's file name without `.om`, which atc appends."""
        tuning = self.tuning
        parts = [self.soc.lower(), tuning.precision, tuning.sampling or "", "aipp" * tuning.aipp]
        suffix = "_".join(part for part in parts if part)
        if self.has_gears:  # one OM per graph
            return f"{Path(self.graph.file).stem}_{suffix}_gears"
        photos = f"_batch{self.batch}" if self.batch > 1 else ""
        return f"model_{suffix}_{format_size(self.sizes_hw[0])}{photos}"

    @property
    def has_gears(self) -> bool:
        """Whether the OM takes several sizes."""
        return len(self.sizes_hw) > 1

    @property
    def sampling(self) -> str:
        """The form of deformable attention in the OM; one written with gather cannot be changed."""
        if self.graph.sampling == "gather":
            return "gather"
        return self.tuning.sampling or DEFAULT_SAMPLING


def plan_conversions(
    card: ModelCard,
    soc: str,
    tuning: Tuning,
    sizes_hw: Sequence[SizeHW] = (),
    *,
    gears: bool,
    batch: int = 1,
) -> tuple[Conversion, ...]:
    """Plan the OMs of a model: one per size, or with gears one per graph.

    Args:
        card: the model.
        soc: the chip.
        tuning: how atc compiles the graphs.
        sizes_hw: the sizes to convert; none means all sizes in the card.
        gears: whether all sizes of a graph go into one OM.
        batch: number of photos that one run of an OM takes.

    Raises:
        ConversionError: the card has no graph for a size, or the graph, the sampling or the batch
            does not allow gears.
    """
    graphs = card.source_graphs
    graph_of_size = {size_hw: graph for graph in reversed(graphs) for size_hw in graph.sizes_hw}
    wanted = tuple(sizes_hw) or tuple(size_hw for graph in graphs for size_hw in graph.sizes_hw)
    _check_sizes(card, wanted, graph_of_size)
    if not gears:
        graph_of_size |= _batched_graphs(card, tuning, batch)
        return tuple(
            Conversion(graph_of_size[size], (size,), soc, tuning, batch) for size in wanted
        )
    _check_gears(card, tuning, batch)
    return tuple(
        Conversion(graph, sizes, soc, tuning)
        for graph in graphs
        if (sizes := tuple(size for size in wanted if graph_of_size[size] == graph))
    )


def atc_arguments(card: ModelCard, conversion: Conversion, model: str) -> tuple[str, ...]:
    """Build the arguments of atc, whose paths are relative to the folder where it runs.

    atc refuses a path with any character but letters, digits and `./_-` (ge v8.5.0,
    base/common/util.cc), so the folder is not part of it.

    Args:
        card: the model.
        conversion: the conversion.
        model: name of the graph's file.
    """
    spec, tuning = card.input, conversion.tuning
    side_hw = ("-1", "-1") if conversion.has_gears else conversion.sizes_hw[0]
    options = {
        "framework": ONNX_FRAMEWORK,
        "model": model,
        "output": conversion.name,
        "soc_version": conversion.soc,
        "input_format": "NCHW" if spec.layout == "NCHW" else "ND",
        "input_shape": f"{spec.name}:{_input_shape(spec, side_hw, conversion.batch)}",
        **precision_option(tuning.precision),
        "log": "error",
        # Prints the version of atc, for the card.
        "display_model_info": 1,
    }
    if conversion.has_gears:
        options["dynamic_image_size"] = ";".join(f"{h},{w}" for h, w in conversion.sizes_hw)
    options |= {option: file for option, file, _ in _files(card, conversion)}
    options |= dict(tuning.options)
    return tuple(f"--{name}={value}" for name, value in options.items())


def configuration_files(card: ModelCard, conversion: Conversion) -> Mapping[str, str]:
    """Return the files that the arguments name, besides the graph: contents by file name.

    Raises:
        ConversionError: AIPP does not suit the graph.
    """
    return {file: text for _, file, text in _files(card, conversion)}


def _files(card: ModelCard, conversion: Conversion) -> Iterator[tuple[str, str, str]]:
    """Yield the option, the name and the content of each configuration file."""
    tuning = conversion.tuning
    if tuning.aipp:
        yield "insert_op_conf", f"{conversion.name}.aipp.cfg", aipp_config(card, conversion)
    if tuning.kept_dtypes:
        yield "keep_dtype", KEEP_DTYPE_FILE, "".join(f"{name}\n" for name in tuning.kept_dtypes)
    if tuning.fusion_switch is not None:
        yield "fusion_switch_file", FUSION_SWITCH_FILE, tuning.fusion_switch


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


def _batched_graphs(card: ModelCard, tuning: Tuning, batch: int) -> dict[SizeHW, Artifact]:
    """The graphs that were exported for as many photos; another sampling is written from one's."""
    if batch == 1 or tuning.sampling is not None:
        return {}
    return {
        size_hw: graph
        for graph in card.artifacts
        if graph.format == "onnx" and graph.batch == batch
        for size_hw in graph.sizes_hw
    }


def _check_gears(card: ModelCard, tuning: Tuning, batch: int) -> None:
    if tuning.sampling is not None or batch > 1:
        option = "--batch" if batch > 1 else "--sampling"
        raise ConversionError(
            f"{option} rewrites a graph for one size. Leave --gears or {option} out.",
            f"{option} 会把图改写为单一尺寸。请去掉 --gears 或 {option}。",
        )
    if card.input.layout != "NCHW":
        # --dynamic_image_size needs NCHW or NHWC, and for ONNX models atc accepts NCHW or ND.
        raise ConversionError(
            "Gears need a graph with an NCHW input. Leave --gears out: one OM is made for each "
            "size, which is as fast.",
            "档位（--gears）要求图的输入为 NCHW。请去掉 --gears："
            "每个尺寸各生成一个 OM，速度不受影响。",
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


def _input_shape(spec: InputSpec, size_hw: tuple[object, object], batch: int) -> str:
    height, width = size_hw
    image = f"{height},{width},3" if spec.layout == "NHWC" else f"3,{height},{width}"
    return f"{batch},{image}"
