from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from convert.graph.operator_rules.check import check

FLOAT, DOUBLE, BOOL, INT64 = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.BOOL,
    TensorProto.INT64,
)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, Sequence[int | str] | None]],
    constants: dict[str, np.ndarray] | None = None,
    opsets: dict[str, int] | None = None,
    output: str = "y",
) -> onnx.ModelProto:
    """A model whose nodes end in a float output of unknown shape called `y`."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, *spec) for name, spec in inputs.items()],
        [helper.make_tensor_value_info(output, FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    imports = [helper.make_opsetid(*entry) for entry in (opsets or {"": 16}).items()]
    return helper.make_model(graph, opset_imports=imports)


PHOTO = {"x": (FLOAT, (1, 3, 8, 8))}
GRID = {**PHOTO, "grid": (FLOAT, (1, 4, 4, 2))}
EXPLICIT = {"mode": "bilinear", "padding_mode": "zeros", "align_corners": 0}
SCALES = {"scales": np.array([1, 1, 2, 2], np.float32)}


def node(op_type: str, inputs: Sequence[str] = ("x",), **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op_type, inputs, ["y"], name="the_node", **attributes)


CLEAN = {
    "relu": model([node("Relu")], PHOTO),
    "grid sample": model([node("GridSample", ["x", "grid"], **EXPLICIT)], GRID),
    "resize": model([node("Resize", ["x", "", "scales"], mode="linear")], PHOTO, SCALES),
    "resize nearest": model(
        [node("Resize", ["x", "", "scales"], nearest_mode="round_prefer_ceil")], PHOTO, SCALES
    ),
    "resize by a constant node": model(
        [
            helper.make_node(
                "Constant", [], ["scales"], value=numpy_helper.from_array(SCALES["scales"])
            ),
            node("Resize", ["x", "", "scales"], mode="linear"),
        ],
        PHOTO,
    ),
    "float scatter": model(
        [node("ScatterND", ["x", "where", "what"])],
        {"x": (FLOAT, (4,)), "where": (INT64, (1, 1)), "what": (FLOAT, (1,))},
    ),
    "operator of the chip alone": model(
        [node("GridSampleV2", ["x", "grid"], **EXPLICIT, channel_last=1, scheduler_mode=1)], GRID
    ),
    "sum along an axis": model([node("ReduceSum", ["x", "axes"])], PHOTO, {"axes": np.array([1])}),
    "mean along an axis": model([node("ReduceMean", axes=[1])], PHOTO),
    "maximum of everything": model([node("ReduceMax")], PHOTO),
    "finite mask": model([node("Add", ["x", "mask"])], PHOTO, {"mask": np.float32([-1e4])}),
    "empty constant": model(
        [node("Resize", ["x", "roi", "scales"], mode="linear")],
        PHOTO,
        {**SCALES, "roi": np.zeros(0, np.float32)},
    ),
}

OFFENDING = {
    "newer opset": (model([node("Relu")], PHOTO, opsets={"": 17}), "opset 17"),
    "older opset": (model([node("Relu")], PHOTO, opsets={"": 11}), "opset 11"),
    "two imports": (
        model([node("Relu")], PHOTO, opsets={"": 16, "com.microsoft": 1}),
        "E16005",
    ),
    "foreign domain": (
        model([node("Gelu", domain="com.microsoft")], PHOTO, opsets={"": 16}),
        "com.microsoft",
    ),
    "einsum": (
        model([node("Einsum", ["x"], equation="bchw->bhwc")], PHOTO),
        "MatMul",
    ),
    "non-zero": (model([node("NonZero")], PHOTO), "Where"),
    "layer normalisation": (
        model([node("LayerNormalization", ["x", "w"])], PHOTO, {"w": np.ones(8, np.float32)}),
        "ReduceMean",
    ),
    "gelu": (model([node("Gelu")], PHOTO), "Erf"),
    "unknown operator": (model([node("MatMulInteger", ["x", "x"])], PHOTO), "MatMulInteger"),
    "bool scatter": (
        model(
            [node("ScatterND", ["x", "where", "what"])],
            {"x": (BOOL, (4,)), "where": (INT64, (1, 1)), "what": (BOOL, (1,))},
        ),
        "BOOL",
    ),
    "silent grid sample": (
        model([node("GridSample", ["x", "grid"], align_corners=0)], GRID),
        "mode, padding_mode",
    ),
    "bicubic grid sample": (
        model([node("GridSample", ["x", "grid"], **{**EXPLICIT, "mode": "bicubic"})], GRID),
        "bilinear or nearest",
    ),
    "unknown padding": (
        model([node("GridSample", ["x", "grid"], **{**EXPLICIT, "padding_mode": "wrap"})], GRID),
        "zeros, border or reflection",
    ),
    "silent grid sample of the chip alone": (
        model([node("GridSampleV2", ["x", "grid"], align_corners=0, channel_last=1)], GRID),
        "mode, padding_mode",
    ),
    "scheduler without channels last": (
        model([node("GridSampleV2", ["x", "grid"], **EXPLICIT, scheduler_mode=1)], GRID),
        "channel_last",
    ),
    "scatter from the end": (
        model(
            [node("ScatterND", ["x", "where", "what"])],
            {"x": (FLOAT, (4,)), "what": (FLOAT, (1,))},
            {"where": np.array([[-1]])},
        ),
        "count from the end",
    ),
    "input of unknown rank": (model([node("Relu")], {"x": (FLOAT, None)}), "is open"),
    "constant of length 0": (
        model(
            [node("Concat", ["x", "nothing"], axis=0)],
            {"x": (FLOAT, (2, 3))},
            {"nothing": np.zeros((0, 3), np.float32)},
        ),
        "length 0",
    ),
    "input of length 0": (
        model(
            [node("Concat", ["x", "nothing"], axis=0)],
            {"x": (FLOAT, (2, 3)), "nothing": (FLOAT, (0, 3))},
        ),
        "length 0",
    ),
    "double grid": (
        model(
            [node("GridSample", ["x", "grid"], **EXPLICIT)],
            {**PHOTO, "grid": (DOUBLE, (1, 4, 4, 2))},
        ),
        "the grid is DOUBLE",
    ),
    "double grid made inside": (
        model(
            [
                helper.make_node("Cast", ["grid"], ["wide"], to=DOUBLE),
                node("GridSample", ["x", "wide"], **EXPLICIT),
            ],
            GRID,
        ),
        "the grid is DOUBLE",
    ),
    "cubic resize": (
        model([node("Resize", ["x", "", "scales"], mode="cubic")], PHOTO, SCALES),
        "cubic",
    ),
    "floor resize": (
        model(
            [node("Resize", ["x", "", "scales"], mode="nearest", nearest_mode="floor")],
            PHOTO,
            SCALES,
        ),
        "round_prefer_ceil",
    ),
    "resize with two inputs": (
        model([node("Resize", ["x", "scales"], mode="linear")], PHOTO, SCALES),
        "all inputs",
    ),
    "computed resize": (
        model(
            [node("Resize", ["x", "", "scales"], mode="linear")],
            {**PHOTO, "scales": (FLOAT, (4,))},
        ),
        "constants",
    ),
    "infinite constant": (
        model([node("Add", ["x", "mask"])], PHOTO, {"mask": np.float32([-np.inf])}),
        "-1e4",
    ),
    "constant beyond float16": (
        model([node("Add", ["x", "mask"])], PHOTO, {"mask": np.float32([np.finfo("f").min])}),
        "-1e4",
    ),
    "infinite constant node": (
        model(
            [
                helper.make_node("Constant", [], ["mask"], value_float=float("-inf")),
                node("Add", ["x", "mask"]),
            ],
            PHOTO,
        ),
        "-1e4",
    ),
    "infinite fill": (
        model(
            [
                node(
                    "ConstantOfShape",
                    ["x"],
                    value=helper.make_tensor("value", FLOAT, [1], [float("inf")]),
                )
            ],
            {"x": (INT64, (1,))},
        ),
        "-1e4",
    ),
    "open side": (model([node("Relu")], {"x": (FLOAT, (1, 3, "height", 8))}), "1x3x?x8"),
    "side of no length": (
        model(
            [node("Slice", ["x", "from", "to"])],
            PHOTO,
            {"from": np.array([4]), "to": np.array([4])},
        ),
        "length 0",
    ),
    "long name": (model([node("Relu", ["x" * 128])], {"x" * 128: (FLOAT, (1,))}), "128"),
    "last arg max": (model([node("ArgMax", select_last_index=1)], PHOTO), "select_last_index"),
    "batched gather": (
        model([node("GatherND", ["x", "i"], batch_dims=1)], {**PHOTO, "i": (INT64, (1, 1))}),
        "batch_dims",
    ),
    "maximum along an axis": (model([node("ReduceMax", axes=[1])], PHOTO), "ReduceSum"),
    "float modulo": (model([node("Mod", ["x", "x"], fmod=1)], PHOTO), "fmod"),
    "loop": (
        model(
            [
                node(
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


@pytest.mark.parametrize("graph", CLEAN.values(), ids=CLEAN.keys())
def test_a_clean_graph_passes(graph: onnx.ModelProto) -> None:
    assert check(graph) == ()


@pytest.mark.parametrize(("graph", "reason"), OFFENDING.values(), ids=OFFENDING.keys())
def test_an_offence_is_named_with_its_reason(graph: onnx.ModelProto, reason: str) -> None:
    (offence,) = check(graph)
    assert reason in str(offence)
    assert offence.source


def test_the_offending_node_is_named() -> None:
    (offence,) = check(model([node("NonZero")], PHOTO))
    assert (offence.node, offence.op_type) == ("the_node", "NonZero")


def test_a_nameless_node_goes_by_its_output() -> None:
    (offence,) = check(model([helper.make_node("NonZero", ["x"], ["y"])], PHOTO))
    assert offence.node == "y"


def test_an_offence_in_a_branch_of_if_is_found() -> None:
    def branch(op_type: str) -> onnx.GraphProto:
        return helper.make_graph(
            [helper.make_node(op_type, ["x"], [op_type], name=f"{op_type}_inside")],
            op_type,
            [],
            [helper.make_tensor_value_info(op_type, FLOAT, None)],
        )

    graph = model(
        [node("If", ["go"], then_branch=branch("Relu"), else_branch=branch("NonZero"))],
        {**PHOTO, "go": (BOOL, ())},
    )
    assert [offence.node for offence in check(graph)] == ["NonZero_inside"]


def test_every_offence_is_named_not_only_the_first() -> None:
    graph = model(
        [
            helper.make_node("NonZero", ["x"], ["i"], name="first"),
            helper.make_node("Gelu", ["x"], ["y"], name="second"),
        ],
        PHOTO,
        opsets={"": 17, "pkg.torch": 1},
    )
    assert [o.node for o in check(graph)] == ["opset_import", "opset_import", "first", "second"]


def test_a_constant_without_a_value_is_no_reason_to_fall_over() -> None:
    graph = model([helper.make_node("Constant", [], ["c"]), node("Add", ["x", "c"])], PHOTO)
    assert check(graph) == ()


def test_open_sides_pass_where_atc_is_told_their_lengths() -> None:
    graph = model([node("Relu")], {"x": (FLOAT, (1, 3, "height", "width"))})
    assert check(graph, open_sides=True) == ()
