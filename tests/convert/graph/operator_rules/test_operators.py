"""Operators, attributes and constants that atc accepts, and those that it does not."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from convert.graph.operator_rules.check import check
from tests.convert.graph.operator_rules.models import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT64,
    PHOTO,
    make_model,
    make_node,
)

GRID = {**PHOTO, "grid": (FLOAT, (1, 4, 4, 2))}
EXPLICIT = {"mode": "bilinear", "padding_mode": "zeros", "align_corners": 0}
SCALES = {"scales": np.array([1, 1, 2, 2], np.float32)}


ACCEPTED = {
    "relu": make_model([make_node("Relu")], PHOTO),
    "grid sample": make_model([make_node("GridSample", ["x", "grid"], **EXPLICIT)], GRID),
    "resize": make_model([make_node("Resize", ["x", "", "scales"], mode="linear")], PHOTO, SCALES),
    "resize nearest": make_model(
        [make_node("Resize", ["x", "", "scales"], nearest_mode="round_prefer_ceil")], PHOTO, SCALES
    ),
    "resize by a constant node": make_model(
        [
            helper.make_node(
                "Constant", [], ["scales"], value=numpy_helper.from_array(SCALES["scales"])
            ),
            make_node("Resize", ["x", "", "scales"], mode="linear"),
        ],
        PHOTO,
    ),
    "float scatter": make_model(
        [make_node("ScatterND", ["x", "where", "what"])],
        {"x": (FLOAT, (4,)), "where": (INT64, (1, 1)), "what": (FLOAT, (1,))},
    ),
    "operator that only CANN has": make_model(
        [make_node("GridSampleV2", ["x", "grid"], **EXPLICIT, channel_last=1, scheduler_mode=1)],
        GRID,
    ),
    "sum along an axis": make_model(
        [make_node("ReduceSum", ["x", "axes"])], PHOTO, {"axes": np.array([1])}
    ),
    "mean along an axis": make_model([make_node("ReduceMean", axes=[1])], PHOTO),
    "maximum of everything": make_model([make_node("ReduceMax")], PHOTO),
    "finite mask": make_model(
        [make_node("Add", ["x", "mask"])], PHOTO, {"mask": np.float32([-1e4])}
    ),
    "empty constant": make_model(
        [make_node("Resize", ["x", "roi", "scales"], mode="linear")],
        PHOTO,
        {**SCALES, "roi": np.zeros(0, np.float32)},
    ),
}

REFUSED = {
    "einsum": (
        make_model([make_node("Einsum", ["x"], equation="bchw->bhwc")], PHOTO),
        "MatMul",
    ),
    "non-zero": (make_model([make_node("NonZero")], PHOTO), "Where"),
    "layer normalisation": (
        make_model(
            [make_node("LayerNormalization", ["x", "w"])], PHOTO, {"w": np.ones(8, np.float32)}
        ),
        "ReduceMean",
    ),
    "gelu": (make_model([make_node("Gelu")], PHOTO), "Erf"),
    "unknown operator": (
        make_model([make_node("MatMulInteger", ["x", "x"])], PHOTO),
        "MatMulInteger",
    ),
    "bool scatter": (
        make_model(
            [make_node("ScatterND", ["x", "where", "what"])],
            {"x": (BOOL, (4,)), "where": (INT64, (1, 1)), "what": (BOOL, (1,))},
        ),
        "BOOL",
    ),
    "grid sample without attributes": (
        make_model([make_node("GridSample", ["x", "grid"], align_corners=0)], GRID),
        "mode, padding_mode",
    ),
    "bicubic grid sample": (
        make_model(
            [make_node("GridSample", ["x", "grid"], **{**EXPLICIT, "mode": "bicubic"})], GRID
        ),
        "bilinear or nearest",
    ),
    "unknown padding": (
        make_model(
            [make_node("GridSample", ["x", "grid"], **{**EXPLICIT, "padding_mode": "wrap"})], GRID
        ),
        "zeros, border or reflection",
    ),
    "CANN grid sample without attributes": (
        make_model(
            [make_node("GridSampleV2", ["x", "grid"], align_corners=0, channel_last=1)], GRID
        ),
        "mode, padding_mode",
    ),
    "scheduler without channels last": (
        make_model([make_node("GridSampleV2", ["x", "grid"], **EXPLICIT, scheduler_mode=1)], GRID),
        "channel_last",
    ),
    "scatter from the end": (
        make_model(
            [make_node("ScatterND", ["x", "where", "what"])],
            {"x": (FLOAT, (4,)), "what": (FLOAT, (1,))},
            {"where": np.array([[-1]])},
        ),
        "count from the end",
    ),
    "double grid": (
        make_model(
            [make_node("GridSample", ["x", "grid"], **EXPLICIT)],
            {**PHOTO, "grid": (DOUBLE, (1, 4, 4, 2))},
        ),
        "the grid is DOUBLE",
    ),
    "double grid made inside": (
        make_model(
            [
                helper.make_node("Cast", ["grid"], ["wide"], to=DOUBLE),
                make_node("GridSample", ["x", "wide"], **EXPLICIT),
            ],
            GRID,
        ),
        "the grid is DOUBLE",
    ),
    "cubic resize": (
        make_model([make_node("Resize", ["x", "", "scales"], mode="cubic")], PHOTO, SCALES),
        "cubic",
    ),
    "floor resize": (
        make_model(
            [make_node("Resize", ["x", "", "scales"], mode="nearest", nearest_mode="floor")],
            PHOTO,
            SCALES,
        ),
        "round_prefer_ceil",
    ),
    "resize with two inputs": (
        make_model([make_node("Resize", ["x", "scales"], mode="linear")], PHOTO, SCALES),
        "all inputs",
    ),
    "computed resize": (
        make_model(
            [make_node("Resize", ["x", "", "scales"], mode="linear")],
            {**PHOTO, "scales": (FLOAT, (4,))},
        ),
        "constants",
    ),
    "infinite constant node": (
        make_model(
            [
                helper.make_node("Constant", [], ["mask"], value_float=float("-inf")),
                make_node("Add", ["x", "mask"]),
            ],
            PHOTO,
        ),
        "-1e4",
    ),
    "infinite fill": (
        make_model(
            [
                make_node(
                    "ConstantOfShape",
                    ["x"],
                    value=helper.make_tensor("value", FLOAT, [1], [float("inf")]),
                )
            ],
            {"x": (INT64, (1,))},
        ),
        "-1e4",
    ),
    "last arg max": (
        make_model([make_node("ArgMax", select_last_index=1)], PHOTO),
        "select_last_index",
    ),
    "batched gather": (
        make_model(
            [make_node("GatherND", ["x", "i"], batch_dims=1)], {**PHOTO, "i": (INT64, (1, 1))}
        ),
        "batch_dims",
    ),
    "maximum along an axis": (make_model([make_node("ReduceMax", axes=[1])], PHOTO), "ReduceSum"),
    "float modulo": (make_model([make_node("Mod", ["x", "x"], fmod=1)], PHOTO), "fmod"),
}


@pytest.mark.parametrize("model", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_an_accepted_operator_is_no_violation(model: onnx.ModelProto) -> None:
    assert check(model) == ()


@pytest.mark.parametrize(("model", "rule"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_operator_is_one_violation_with_its_rule_and_source(
    model: onnx.ModelProto, rule: str
) -> None:
    (violation,) = check(model)
    assert rule in str(violation)
    assert violation.source


def test_a_constant_node_without_a_value_is_accepted() -> None:
    nodes = [helper.make_node("Constant", [], ["c"]), make_node("Add", ["x", "c"])]
    assert check(make_model(nodes, PHOTO)) == ()
