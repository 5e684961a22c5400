"""Write a Mask2Former checkpoint as an ONNX graph that gives the same numbers as transformers."""

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
from convert.graph.sampling.registry import SAMPLERS
from convert.graph.subject_decoder import SubjectMask2Former
from segmentation.arrays import SizeHW
from segmentation.model_card import InputSpec

OUTPUTS = ("class_queries_logits", "masks_queries_logits")
MASK_STRIDE = 4
# Of a graph for all sizes, in pixels, unless another is given.
MAX_SIDE = 1024
# Stride of the coarsest map. Sides that are multiples of it need no padding inside the model.
SIDE_MULTIPLE = 32

Target = Literal["onnx", "ascend"]
"""The run-time that a graph is written for: onnxruntime, or CANN through atc."""
TARGETS: Mapping[Target, type[Graph]] = {"onnx": Graph, "ascend": AscendGraph}
FASTEST_SAMPLING: Mapping[Target, str] = {"onnx": "deform-conv", "ascend": "grid-sample"}


def write_graph(
    model: Mask2FormerForUniversalSegmentation,
    spec: InputSpec,
    size_hw: SizeHW | None,
    target: Target = "onnx",
    sampling: str | None = None,
    max_side: int = MAX_SIDE,
) -> onnx.ModelProto:
    """Write the whole model as a graph from the pixels of a photo to both logits.

    Args:
        model: the checkpoint's model.
        spec: the graph's input: uint8 NHWC, normalised inside, or normalised float32 NCHW.
        size_hw: the only size that the graph takes; None for a graph that takes all multiples of
            32.
        target: the run-time.
        sampling: a key of SAMPLERS; None takes the fastest that the target has.
        max_side: the longest side that a graph for all sizes has to take; a graph for shorter ones
            is faster.

    Returns:
        A model with the input `spec.name` of (1, H, W, 3) or (1, 3, H, W), and the float32 outputs
        class_queries_logits (1, Q, labels + 1) and masks_queries_logits (1, Q, H/4, W/4), named and
        shaped as in transformers. A model with a subject query has one mask more, the last.

    Raises:
        ValueError: the backbone needs a fixed size, and `size_hw` is None.
    """
    graph = TARGETS[target]()
    coarsest_hw = _coarsest_size(graph, spec, size_hw)
    module = model.model.pixel_level_module
    maps = write_backbone(graph, module.encoder, spec, size_hw)
    max_width = (size_hw[1] if size_hw else max_side) // SIDE_MULTIPLE
    levels = [_level(graph, coarsest_hw, max_width, scale) for scale in (1, 2, 4)]
    sampler = SAMPLERS[sampling or FASTEST_SAMPLING[target]]
    tokens, features = pixel_decoder(graph, module.decoder, maps, levels, sampler)
    classes, masks = mask_decoder(graph, model, tokens, features, levels)
    mask_level = _level(graph, coarsest_hw, max_width, SIDE_MULTIPLE // MASK_STRIDE)
    queries, labels = model.config.num_queries, model.config.num_labels
    mask_rows = queries + isinstance(model, SubjectMask2Former)
    height, width = size_hw or ("height", "width")
    mask_h, mask_w = (
        (size_hw[0] // MASK_STRIDE, size_hw[1] // MASK_STRIDE)
        if size_hw
        else ("mask_height", "mask_width")
    )
    return graph.model(
        [_input_info(spec, height, width)],
        [
            helper.make_tensor_value_info(OUTPUTS[0], TensorProto.FLOAT, (1, queries, labels + 1)),
            helper.make_tensor_value_info(
                OUTPUTS[1], TensorProto.FLOAT, (1, mask_rows, mask_h, mask_w)
            ),
        ],
        [
            graph.reshape(classes, 1, queries, labels + 1),
            graph.reshape(masks, 1, mask_rows, mask_level.height, mask_level.width),
        ],
    )


def _input_info(spec: InputSpec, height: int | str, width: int | str) -> onnx.ValueInfoProto:
    if spec.layout == "NHWC":
        return helper.make_tensor_value_info(spec.name, TensorProto.UINT8, (1, height, width, 3))
    return helper.make_tensor_value_info(spec.name, TensorProto.FLOAT, (1, 3, height, width))


def _coarsest_size(graph: Graph, spec: InputSpec, size_hw: SizeHW | None) -> tuple[Value, Value]:
    """Height and width of the coarsest map: constants, or computed at run time."""
    if size_hw:
        return graph.ints(size_hw[0] // SIDE_MULTIPLE), graph.ints(size_hw[1] // SIDE_MULTIPLE)
    first = 1 if spec.layout == "NHWC" else 2
    height = graph.op("Shape", spec.name, start=first, end=first + 1)
    width = graph.op("Shape", spec.name, start=first + 1, end=first + 2)
    multiple = graph.ints(SIDE_MULTIPLE)
    return graph.op("Div", height, multiple), graph.op("Div", width, multiple)


def _level(graph: Graph, coarsest_hw: tuple[Value, Value], max_width: int, scale: int) -> Level:
    """A level whose sides are `scale` times those of the coarsest map."""
    height, width = (graph.op("Mul", side, graph.ints(scale)) for side in coarsest_hw)
    return Level(height, width, graph.op("Mul", height, width), max_width * scale)
