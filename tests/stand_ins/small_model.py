"""A graph with Mask2Former's interface that is small enough to write down."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QUERIES, LABELS, STRIDE = 3, 2, 4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
OUTPUTS = ("class_queries_logits", "masks_queries_logits")


def small_model(size_hw: tuple[int, int] | None, layout: str = "NCHW") -> bytes:
    """An ONNX file whose logits depend on every pixel.

    Args:
        size_hw: height and width of the input; open if None.
        layout: NCHW takes a normalised float32 image, NHWC one in uint8, normalised inside.
    """
    height, width = size_hw or ("height", "width")
    as_float = layout == "NCHW"
    shape = (1, 3, height, width) if as_float else (1, height, width, 3)
    mask_hw = [side // STRIDE for side in size_hw] if size_hw else ["rows", "columns"]
    random = np.random.default_rng(7)
    classes = QUERIES * (LABELS + 1)
    constants = {
        "mask_weight": random.normal(0, 1, (QUERIES, 3, 1, 1)).astype(np.float32),
        "class_weight": random.normal(0, 1, (classes, 3, 1, 1)).astype(np.float32),
        "class_shape": np.array([1, QUERIES, LABELS + 1]),
    }
    normalisation = {
        "mean": np.float32([[[255 * value]] for value in MEAN]),
        "std": np.float32([[[255 * value]] for value in STD]),
    }
    inside = [
        helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["wide"], ["planes"], perm=(0, 3, 1, 2)),
        helper.make_node("Sub", ["planes", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["normalised"]),
    ]
    if not as_float:
        constants |= normalisation
    cells = helper.make_node(
        "AveragePool",
        ["image" if as_float else "normalised"],
        ["cells"],
        kernel_shape=(STRIDE, STRIDE),
        strides=(STRIDE, STRIDE),
    )
    heads = [
        helper.make_node("GlobalAveragePool", ["cells"], ["whole"]),
        helper.make_node("Conv", ["whole", "class_weight"], ["flat"]),
        helper.make_node("Reshape", ["flat", "class_shape"], [OUTPUTS[0]]),
        helper.make_node("Conv", ["cells", "mask_weight"], [OUTPUTS[1]]),
    ]
    graph = helper.make_graph(
        [*([] if as_float else inside), cells, *heads],
        "small",
        [
            helper.make_tensor_value_info(
                "image", TensorProto.FLOAT if as_float else TensorProto.UINT8, shape
            )
        ],
        [
            helper.make_tensor_value_info(OUTPUTS[0], TensorProto.FLOAT, (1, QUERIES, LABELS + 1)),
            helper.make_tensor_value_info(OUTPUTS[1], TensorProto.FLOAT, (1, QUERIES, *mask_hw)),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def write_small_model(path: Path, size_hw: tuple[int, int] | None, layout: str = "NCHW") -> Path:
    path.write_bytes(small_model(size_hw, layout))
    return path
