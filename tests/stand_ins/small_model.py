"""A graph with the interface of Mask2Former that is small enough to write by hand."""

from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from segmentation.arrays import Float32, SizeHW
from segmentation.engines.telemetry import import_onnxruntime

QUERIES, LABELS, STRIDE = 3, 2, 4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
OUTPUTS = ("class_queries_logits", "masks_queries_logits")
CLASS_CHANNELS = QUERIES * (LABELS + 1)


@cache
def small_model(size_hw: SizeHW | None, layout: str = "NCHW", batch: int = 1) -> bytes:
    """Build an ONNX file whose logits depend on every pixel.

    Args:
        size_hw: height and width of the input; None leaves them open.
        layout: NCHW takes a normalised float32 image, NHWC a uint8 image and normalises it.
        batch: number of images.
    """
    height, width = size_hw or ("height", "width")
    mask_hw = [side // STRIDE for side in size_hw] if size_hw else ["rows", "columns"]
    normalises = layout == "NHWC"
    image = helper.make_tensor_value_info(
        "image",
        TensorProto.UINT8 if normalises else TensorProto.FLOAT,
        (batch, height, width, 3) if normalises else (batch, 3, height, width),
    )
    outputs = [
        helper.make_tensor_value_info(OUTPUTS[0], TensorProto.FLOAT, (batch, QUERIES, LABELS + 1)),
        helper.make_tensor_value_info(OUTPUTS[1], TensorProto.FLOAT, (batch, QUERIES, *mask_hw)),
    ]
    nodes = [
        *(_normalisation_nodes() if normalises else []),
        *_head_nodes("normalised" if normalises else "image"),
    ]
    graph = helper.make_graph(nodes, "small", [image], outputs, _constants(normalises, batch))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _normalisation_nodes() -> list[NodeProto]:
    return [
        helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["wide"], ["planes"], perm=(0, 3, 1, 2)),
        helper.make_node("Sub", ["planes", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["normalised"]),
    ]


def _head_nodes(image: str) -> list[NodeProto]:
    return [
        helper.make_node(
            "AveragePool",
            [image],
            ["cells"],
            kernel_shape=(STRIDE, STRIDE),
            strides=(STRIDE, STRIDE),
        ),
        helper.make_node("GlobalAveragePool", ["cells"], ["whole"]),
        helper.make_node("Conv", ["whole", "class_weight"], ["flat"]),
        helper.make_node("Reshape", ["flat", "class_shape"], [OUTPUTS[0]]),
        helper.make_node("Conv", ["cells", "mask_weight"], [OUTPUTS[1]]),
    ]


def _constants(normalises: bool, batch: int) -> list[TensorProto]:
    random = np.random.default_rng(7)
    constants = {
        "mask_weight": random.normal(0, 1, (QUERIES, 3, 1, 1)).astype(np.float32),
        "class_weight": random.normal(0, 1, (CLASS_CHANNELS, 3, 1, 1)).astype(np.float32),
        "class_shape": np.array([batch, QUERIES, LABELS + 1]),
    }
    if normalises:
        constants["mean"] = np.float32([[[255 * value]] for value in MEAN])
        constants["std"] = np.float32([[[255 * value]] for value in STD])
    return [numpy_helper.from_array(value, name) for name, value in constants.items()]


def random_image(seed: int = 3, size_hw: SizeHW = (32, 32)) -> Float32:
    """A normalised image for the NCHW form, float32 (1, 3, H, W)."""
    return np.random.default_rng(seed).normal(0, 1, (1, 3, *size_hw)).astype(np.float32)


def onnx_outputs(pixel_values: np.ndarray, layout: str = "NCHW") -> list[np.ndarray]:
    """The logits (1, Q, C+1) and (1, Q, h, w) of `small_model` by onnxruntime."""
    return _session(layout).run(None, {"image": pixel_values})


@cache
def _session(layout: str) -> Any:
    return import_onnxruntime().InferenceSession(small_model(None, layout))
