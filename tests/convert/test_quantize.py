"""The int8 twins of a model folder's graphs."""

import shutil
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from convert.__main__ import main
from convert.checkpoint import Checkpoint
from convert.graph.int8.patterns import calibrated_values, query_products, sampling_products
from convert.graph.int8.values import to_int8, uint8_levels
from convert.logits_difference import compare_logits
from convert.synthetic_photo import synthetic_photo
from segmentation.engines.onnx import OnnxEngine
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.model_card import load_card
from tests.convert.small_checkpoints import save, small_checkpoint


def test_int8_comes_after_fp32_in_the_card_and_agrees_with_it(small_model: Path) -> None:
    card = load_card(small_model)
    assert [(artifact.file, artifact.precision) for artifact in card.artifacts] == [
        ("model.onnx", "fp32"),
        ("model_int8.onnx", "int8"),
    ]
    assert card.artifacts[1].bytes < card.artifacts[0].bytes
    image = synthetic_photo((96, 128))[None]
    exact, rounded = (OnnxEngine(card, precision) for precision in ("fp32", "int8"))
    difference = compare_logits(exact.run(image), rounded.run(image))
    assert 0 < difference.mask_mean < 0.1 * np.abs(exact.run(image).masks_queries_logits).mean()
    assert difference.mask_agreement > 0.97


def test_products_and_measured_convolutions_are_int8_and_sampling_is_not(small_model: Path) -> None:
    graph = onnx.load(small_model / "model_int8.onnx").graph
    operators = [node.op_type for node in graph.node]
    assert "DynamicQuantizeMatMul" in operators
    assert "QuantizeLinear" in operators
    assert "DeformConv" in operators
    dtypes = {initializer.data_type for initializer in graph.initializer}
    assert onnx.TensorProto.INT8 in dtypes


def test_products_over_the_queries_stay_in_float32(small_model: Path) -> None:
    exact, rounded = (onnx.load(small_model / f"model{name}.onnx") for name in ("", "_int8"))
    products = query_products(exact)
    kept = {node.name for node in rounded.graph.node if node.op_type in ("MatMul", "Gemm")}
    assert products
    assert products <= kept
    heads = exact.graph.output[0].name
    producers = {output: node for node in exact.graph.node for output in node.output}
    last = producers[heads]
    while last.op_type not in ("MatMul", "Gemm"):
        last = producers[last.input[0]]
    assert last.name in products
    tokens = {node.input[0] for node in exact.graph.node if node.name in products}
    measured = calibrated_values(exact)
    assert measured
    assert tokens.isdisjoint(measured), "a range that nobody needs"


def test_products_around_sampling_stay_in_float32(small_model: Path) -> None:
    exact, rounded = (onnx.load(small_model / f"model{name}.onnx") for name in ("", "_int8"))
    products = sampling_products(exact)
    layers = sum(node.op_type == "DeformConv" for node in exact.graph.node) // 3
    assert len(products) == 2 * layers > 0, "the values and the output of each layer"
    assert products <= {node.name for node in rounded.graph.node if node.op_type == "Gemm"}


def test_the_pyramid_is_scaled_up_with_the_channels_last_and_keeps_its_numbers(
    small_model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(small_model, tmp_path / "model")
    graphs = [onnx.load(folder / name) for name in ("model.onnx", "model_int8.onnx")]
    weights = {item.name: numpy_helper.to_array(item) for item in graphs[1].graph.initializer}
    resizes = [node for node in graphs[1].graph.node if node.op_type == "Resize"]
    assert [1, 2, 2, 1] in [weights[node.input[2]].tolist() for node in resizes]
    (value,) = (
        node.output[0]
        for node in graphs[0].graph.node
        if node.op_type == "Conv" and node.output[0] in calibrated_values(graphs[0])
    )
    maps = []
    for model in graphs:
        model.graph.output.append(onnx.ValueInfoProto(name=value))
        onnx.save(model, folder / "observed.onnx")
        session = import_onnxruntime().InferenceSession(folder / "observed.onnx")
        maps.append(session.run([value], {"image": synthetic_photo((96, 128))[None]})[0])
    error = (maps[0] - maps[1]).std((0, 2, 3)) / maps[0].std((0, 2, 3))
    assert 0 < error.mean() < error.max() < 0.05


def test_each_channel_of_the_pyramid_has_steps_of_its_own() -> None:
    step, zero = uint8_levels((np.array([-2.0, 0.0, 1.0]), np.array([0.0, 5.1, 2.55])))
    np.testing.assert_allclose(step, np.array([2, 5.1, 2.55]) / 255, rtol=1e-6)
    assert zero.tolist() == [255, 0, 0], "0 is exact"


def agreement_of_int8(checkpoint: Checkpoint, folder: Path, photo_path: Path) -> float:
    """The mask agreement of a checkpoint's calibrated int8 graph with its float graph."""
    saved, model = save(checkpoint, folder / "checkpoint"), folder / "model"
    assert main(["export", str(saved), "-o", str(model), "--size", "96x128"]) == 0
    assert main(["quantize", str(model), "--calibrate", str(photo_path)]) == 0
    image = synthetic_photo((96, 128))[None]
    exact, rounded = (OnnxEngine(load_card(model), precision) for precision in ("fp32", "int8"))
    return compare_logits(exact.run(image), rounded.run(image)).mask_agreement


def test_feed_forward_layers_with_biases_of_zero_become_int8_as_well(
    tmp_path: Path, photo_path: Path
) -> None:
    checkpoint = deepcopy(small_checkpoint("resnet"))
    with torch.no_grad():
        for name, parameter in checkpoint.model.named_parameters():
            if name.endswith(("fc1.bias", "fc2.bias")):
                parameter.zero_()
    assert agreement_of_int8(checkpoint, tmp_path, photo_path) > 0.97


def test_a_unit_with_a_bias_but_weights_near_zero_stays_in_range(
    tmp_path: Path, photo_path: Path
) -> None:
    checkpoint = deepcopy(small_checkpoint("resnet"))
    with torch.no_grad():
        for layer in checkpoint.model.model.pixel_level_module.decoder.encoder.layers:
            layer.fc1.weight[3] *= 1e-9
            layer.fc1.bias[3] = 1.0
            layer.fc2.weight[:16, 3] = 1.0
    assert agreement_of_int8(checkpoint, tmp_path, photo_path) > 0.97


def test_quantising_again_replaces_the_int8_graph(small_model: Path, tmp_path: Path) -> None:
    model = shutil.copytree(small_model, tmp_path / "model")
    assert main(["quantize", str(model)]) == 0
    assert len(load_card(model).artifacts) == 2


def test_weights_keep_their_largest_value_in_each_column() -> None:
    weight = np.array([[1.0, 0.0, -4.0], [0.5, 0.0, 2.0]], np.float32)
    integers, scale = to_int8(weight, axis=1)
    assert integers.tolist() == [[64, 0, -64], [32, 0, 32]]
    np.testing.assert_allclose((integers * scale)[0], weight[0], atol=1e-6)
