"""Weights that are stored as float16: the graph computes as with rounded weights."""

from pathlib import Path

import numpy as np
import onnx

from convert.__main__ import main
from convert.graph.graph import Graph, Value
from convert.graph.half_weights import halve_weights, load_graph
from convert.graph.operator_rules.check import check
from convert.graph.retarget.retarget import retarget
from segmentation.arrays import Float32
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.model_card import BUNDLED, load_card
from tests.convert.small_checkpoints import save, small_checkpoint

RNG = np.random.default_rng(0)
WEIGHT = RNG.standard_normal((32, 16)).astype(np.float32)
# The first is too small for a Cast to pay, the second has an element outside the range of float16.
BIAS = RNG.standard_normal(16).astype(np.float32)
HUGE = np.full((32, 16), 7e4, np.float32)
TOKENS = RNG.standard_normal((3, 32)).astype(np.float32)


def product_graph(weight: Float32) -> onnx.ModelProto:
    """Write tokens @ weight + BIAS, and tokens @ HUGE."""
    graph = Graph()
    info = onnx.helper.make_tensor_value_info

    def product(matrix: Float32) -> Value:
        return graph.op("MatMul", "tokens", graph.floats(matrix))

    return graph.model(
        [info("tokens", onnx.TensorProto.FLOAT, (3, 32))],
        [info(name, onnx.TensorProto.FLOAT, (3, 16)) for name in ("sum", "huge")],
        [graph.op("Add", product(weight), graph.floats(BIAS)), product(HUGE)],
    )


def run(model: onnx.ModelProto) -> list[Float32]:
    onnx.checker.check_model(model)
    session = import_onnxruntime().InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    outputs: list[Float32] = session.run(None, {"tokens": TOKENS})
    return outputs


def dtypes(model: onnx.ModelProto) -> list[int]:
    return sorted(tensor.data_type for tensor in model.graph.initializer)


def test_only_large_weights_within_the_range_become_halves() -> None:
    model = product_graph(WEIGHT)
    halve_weights(model)
    assert dtypes(model) == [onnx.TensorProto.FLOAT] * 2 + [onnx.TensorProto.FLOAT16]
    rounded = product_graph(WEIGHT.astype(np.float16).astype(np.float32))
    for found, expected in zip(run(model), run(rounded), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_loaded_graph_has_the_rounded_weights_as_float32(tmp_path: Path) -> None:
    model = product_graph(WEIGHT)
    halve_weights(model)
    onnx.save(model, tmp_path / "model.onnx")
    loaded = load_graph(tmp_path / "model.onnx")
    assert dtypes(loaded) == [onnx.TensorProto.FLOAT] * 3
    assert [node.op_type for node in loaded.graph.node if node.op_type == "Cast"] == []
    for found, expected in zip(run(loaded), run(model), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_graph_without_halves_is_loaded_as_it_is() -> None:
    path = BUNDLED / "compact" / "model_portable.onnx"
    assert load_graph(path) == onnx.load(path)


def test_an_exported_model_of_half_the_size_can_be_quantised_and_rewritten(tmp_path: Path) -> None:
    saved = str(save(small_checkpoint("resnet"), tmp_path / "checkpoint"))
    for name in ("float32", "float16"):
        options = ["-o", str(tmp_path / name), "--size", "64x96", "--portable", "--weights", name]
        assert main(["export", saved, *options]) == 0
    (whole, whole_portable), (half, half_portable) = (
        load_card(tmp_path / name).artifacts for name in ("float32", "float16")
    )
    assert half.bytes < 0.6 * whole.bytes
    assert half_portable.bytes < whole_portable.bytes
    assert half_portable.weights_file == half.file
    assert main(["quantize", str(tmp_path / "float16")]) == 0
    rewritten = retarget(load_graph(tmp_path / "float16" / half.file), (64, 96), "grid-sample")
    assert check(rewritten) == ()
