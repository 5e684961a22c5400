"""Opsets, names, shapes and constants of a model, and how violations are reported."""

import numpy as np
import onnx
import pytest
from onnx import helper

from convert.graph.operator_rules.check import check
from tests.convert.graph.operator_rules.models import (
    BOOL,
    FLOAT,
    INT64,
    PHOTO,
    make_model,
    make_node,
)

REFUSED = {
    "newer opset": (make_model([make_node("Relu")], PHOTO, opsets={"": 17}), "opset 17"),
    "older opset": (make_model([make_node("Relu")], PHOTO, opsets={"": 11}), "opset 11"),
    "two imports": (
        make_model([make_node("Relu")], PHOTO, opsets={"": 16, "com.microsoft": 1}),
        "E16005",
    ),
    "foreign domain": (
        make_model([make_node("Gelu", domain="com.microsoft")], PHOTO, opsets={"": 16}),
        "com.microsoft",
    ),
    "input of unknown rank": (make_model([make_node("Relu")], {"x": (FLOAT, None)}), "is open"),
    "constant of length 0": (
        make_model(
            [make_node("Concat", ["x", "nothing"], axis=0)],
            {"x": (FLOAT, (2, 3))},
            {"nothing": np.zeros((0, 3), np.float32)},
        ),
        "length 0",
    ),
    "input of length 0": (
        make_model(
            [make_node("Concat", ["x", "nothing"], axis=0)],
            {"x": (FLOAT, (2, 3)), "nothing": (FLOAT, (0, 3))},
        ),
        "length 0",
    ),
    "infinite constant": (
        make_model([make_node("Add", ["x", "mask"])], PHOTO, {"mask": np.float32([-np.inf])}),
        "-1e4",
    ),
    "constant beyond float16": (
        make_model(
            [make_node("Add", ["x", "mask"])], PHOTO, {"mask": np.float32([np.finfo("f").min])}
        ),
        "-1e4",
    ),
    "open side": (make_model([make_node("Relu")], {"x": (FLOAT, (1, 3, "height", 8))}), "1x3x?x8"),
    "side of no length": (
        make_model(
            [make_node("Slice", ["x", "from", "to"])],
            PHOTO,
            {"from": np.array([4]), "to": np.array([4])},
        ),
        "length 0",
    ),
    "long name": (make_model([make_node("Relu", ["x" * 128])], {"x" * 128: (FLOAT, (1,))}), "128"),
    "loop": (
        make_model(
            [
                make_node(
                    "Loop",
                    ["", "go", "x"],
                    body=helper.make_graph(
                        [
                            helper.make_node("Identity", ["c"], ["c2"]),
                            helper.make_node("Relu", ["s"], ["s2"]),
                        ],
                        "body",
                        [
                            helper.make_tensor_value_info("i", INT64, ()),
                            helper.make_tensor_value_info("c", BOOL, ()),
                            helper.make_tensor_value_info("s", FLOAT, (1, 3, 8, 8)),
                        ],
                        [
                            helper.make_tensor_value_info("c2", BOOL, ()),
                            helper.make_tensor_value_info("s2", FLOAT, (1, 3, 8, 8)),
                        ],
                    ),
                )
            ],
            {**PHOTO, "go": (BOOL, ())},
        ),
        "unroll",
    ),
}


@pytest.mark.parametrize(("model", "rule"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_model_has_one_violation_with_its_rule_and_source(
    model: onnx.ModelProto, rule: str
) -> None:
    (violation,) = check(model)
    assert rule in str(violation)
    assert violation.source


def test_a_violation_names_its_node() -> None:
    (violation,) = check(make_model([make_node("NonZero")], PHOTO))
    assert (violation.node, violation.op_type) == ("the_node", "NonZero")


def test_a_violation_names_the_output_of_a_node_without_a_name() -> None:
    (violation,) = check(make_model([helper.make_node("NonZero", ["x"], ["y"])], PHOTO))
    assert violation.node == "y"


def test_the_branches_of_an_if_are_checked() -> None:
    def branch(op_type: str) -> onnx.GraphProto:
        return helper.make_graph(
            [helper.make_node(op_type, ["x"], [op_type], name=f"{op_type}_inside")],
            op_type,
            [],
            [helper.make_tensor_value_info(op_type, FLOAT, None)],
        )

    model = make_model(
        [make_node("If", ["go"], then_branch=branch("Relu"), else_branch=branch("NonZero"))],
        {**PHOTO, "go": (BOOL, ())},
    )
    assert [violation.node for violation in check(model)] == ["NonZero_inside"]


def test_all_violations_are_reported_in_order() -> None:
    model = make_model(
        [
            helper.make_node("NonZero", ["x"], ["i"], name="first"),
            helper.make_node("Gelu", ["x"], ["y"], name="second"),
        ],
        PHOTO,
        opsets={"": 17, "pkg.torch": 1},
    )
    nodes = [violation.node for violation in check(model)]
    assert nodes == ["opset_import", "opset_import", "first", "second"]


def test_open_sides_are_accepted_if_atc_is_told_their_lengths() -> None:
    model = make_model([make_node("Relu")], {"x": (FLOAT, (1, 3, "height", "width"))})
    assert check(model, open_sides=True) == ()
