"""Mask2Former rewritten for export: the checkpoint's weights, the same numbers, a lean graph."""

from collections.abc import Mapping
from typing import Literal

import onnx
from onnx import TensorProto, helper
from transformers import Mask2FormerForUniversalSegmentation

from convert.graph.ascend_graph import AscendGraph
from convert.graph.backbones import write_backbone
from convert.graph.graph import Graph, Value
from convert.graph.levels import Level
from convert.graph.mask_decoder import mask_decoder
from convert.graph.pixel_decoder import pixel_decoder
from convert.graph.sampling import SAMPLERS
from segmentation.arrays import SizeHW
from segmentation.model_card import InputSpec

OUTPUTS = ("class_queries_logits", "masks_queries_logits")
MASK_STRIDE = 4
# The coarsest map's stride: sides that are multiples of it need no padding inside the model.
SIDE_MULTIPLE = 32


Target = Literal["onnx", "ascend"]
TARGETS: Mapping[Target, type[Graph]] = {"onnx": Graph, "ascend": AscendGraph}


def write_graph(
    model: Mask2FormerForUniversalSegmentation,
    spec: InputSpec,
    size_hw: SizeHW | None,
    target: Target = "onnx",
    sampling: str | None = None,
) -> onnx.ModelProto:
    """The whole model, from a photo's uint8 pixels to both logits, as ONNX.

    Args:
        model: the checkpoint.
        spec: the graph's input; uint8, NHWC, normalised inside.
        size_hw: the one size the graph is for; None for a graph of any multiples of 32.
        target: the run-time whose operators to use.
        sampling: a key of SAMPLERS; None takes the fastest that the target has.

    Returns:
        Inputs: `spec.name` (1, H, W, 3). Outputs: class_queries_logits (1, Q, labels + 1) and
        masks_queries_logits (1, Q, H/4, W/4), as transformers names and shapes them.
    """
    graph = TARGETS[target]()
    units = _units(graph, spec.name, size_hw)
    module = model.model.pixel_level_module
    maps = write_backbone(graph, module.encoder, spec, size_hw)
    levels = [_level(graph, units, times) for times in (1, 2, 4)]
    fastest = "deform-conv" if target == "onnx" else "grid-sample"
    sampler = SAMPLERS[sampling or fastest]
    tokens, features = pixel_decoder(graph, module.decoder, maps, levels, sampler)
    classes, masks = mask_decoder(graph, model, tokens, features, levels)
    finest = _level(graph, units, SIDE_MULTIPLE // MASK_STRIDE)
    queries, labels = model.config.num_queries, model.config.num_labels
    height, width = size_hw or ("height", "width")
    mask_h, mask_w = (
        (size_hw[0] // MASK_STRIDE, size_hw[1] // MASK_STRIDE)
        if size_hw
        else ("mask_height", "mask_width")
    )
    return graph.model(
        [helper.make_tensor_value_info(spec.name, TensorProto.UINT8, (1, height, width, 3))],
        [
            helper.make_tensor_value_info(OUTPUTS[0], TensorProto.FLOAT, (1, queries, labels + 1)),
            helper.make_tensor_value_info(
                OUTPUTS[1], TensorProto.FLOAT, (1, queries, mask_h, mask_w)
            ),
        ],
        [
            graph.reshape(classes, 1, queries, labels + 1),
            graph.reshape(masks, 1, queries, finest.height, finest.width),
        ],
    )


def _units(graph: Graph, image: str, size_hw: SizeHW | None) -> tuple[Value, Value]:
    """Height and width in cells of the coarsest map, known now or when the graph runs."""
    if size_hw:
        return graph.ints(size_hw[0] // SIDE_MULTIPLE), graph.ints(size_hw[1] // SIDE_MULTIPLE)
    height = graph.op("Shape", image, start=1, end=2)
    width = graph.op("Shape", image, start=2, end=3)
    unit = graph.ints(SIDE_MULTIPLE)
    return graph.op("Div", height, unit), graph.op("Div", width, unit)


def _level(graph: Graph, units: tuple[Value, Value], times: int) -> Level:
    height, width = (graph.op("Mul", unit, graph.ints(times)) for unit in units)
    return Level(height, width, graph.op("Mul", height, width))
