"""Quantising a model folder, comparing its artifacts, and timing them."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from convert.__main__ import main
from convert.bench import Result, table, take_turns
from convert.export import synthetic_photo
from convert.int8 import to_int8
from convert.parity import difference
from segmentation.engines.base import Logits
from segmentation.engines.onnx import OnnxEngine
from segmentation.models import load_card
from tests.convert.small_checkpoints import save, small_checkpoint


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "blobs.png"
    Image.fromarray(synthetic_photo((96, 128))).save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photo: Path) -> Path:
    """A small model folder, exported and quantised, beside its checkpoint."""
    base = tmp_path_factory.mktemp("small")
    checkpoint = save(small_checkpoint("resnet"), base / "checkpoint")
    model = base / "model"
    assert main(["export", str(checkpoint), "-o", str(model), "--size", "96x128"]) == 0
    assert main(["quantize", str(model), "--calibrate", str(photo)]) == 0
    return model


def test_int8_comes_behind_fp32_in_the_card_and_agrees(folder: Path) -> None:
    card = load_card(folder)
    assert [(of.file, of.precision) for of in card.artifacts] == [
        ("model.onnx", "fp32"),
        ("model_int8.onnx", "int8"),
    ]
    assert card.artifacts[1].bytes < card.artifacts[0].bytes
    image = synthetic_photo((96, 128))[None]
    exact, rounded = (OnnxEngine(card, precision) for precision in ("fp32", "int8"))
    found = difference(exact.run(image), rounded.run(image))
    assert 0 < found.mask_mean < 0.1 * np.abs(exact.run(image).masks_queries_logits).mean()
    assert found.mask_agreement > 0.97


def test_products_and_measured_convolutions_are_int8_and_offsets_are_not(folder: Path) -> None:
    graph = onnx.load(folder / "model_int8.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert "DynamicQuantizeMatMul" in kinds
    assert "QuantizeLinear" in kinds
    assert "DeformConv" in kinds
    assert {of.data_type for of in graph.initializer} >= {onnx.TensorProto.INT8}


def test_feed_forward_layers_with_biases_of_zero_become_int8_as_well(
    tmp_path: Path, photo: Path
) -> None:
    checkpoint = deepcopy(small_checkpoint("resnet"))
    with torch.no_grad():
        for name, values in checkpoint.model.named_parameters():
            if name.endswith(("fc1.bias", "fc2.bias")):
                values.zero_()
    folder, model = save(checkpoint, tmp_path / "checkpoint"), tmp_path / "model"
    assert main(["export", str(folder), "-o", str(model), "--size", "96x128"]) == 0
    assert main(["quantize", str(model), "--calibrate", str(photo)]) == 0
    image = synthetic_photo((96, 128))[None]
    exact, rounded = (OnnxEngine(load_card(model), precision) for precision in ("fp32", "int8"))
    assert difference(exact.run(image), rounded.run(image)).mask_agreement > 0.97


def test_quantising_again_replaces_the_twin(folder: Path) -> None:
    assert main(["quantize", str(folder)]) == 0
    assert len(load_card(folder).artifacts) == 2


def test_weights_keep_their_largest_value_in_each_column() -> None:
    weight = np.array([[1.0, 0.0, -4.0], [0.5, 0.0, 2.0]], np.float32)
    whole, scale = to_int8(weight, axis=1)
    assert whole.tolist() == [[64, 0, -64], [32, 0, 32]]
    np.testing.assert_allclose((whole * scale)[0], weight[0], atol=1e-6)


def test_verify_prints_a_row_for_each_artifact(
    folder: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["verify", str(folder), "--photos", str(photo)]
    assert main([*arguments, "--checkpoint", str(folder.parent / "checkpoint")]) == 0
    printed = capsys.readouterr().out
    assert "Reference: transformers" in printed
    fp32, int8 = (line.split(" | ") for line in printed.splitlines()[-2:])
    assert fp32[0] == "| onnx fp32"
    assert fp32[5] == "100.000%"
    assert fp32[6] == "1.0000, 1.000 |"
    assert int8[0] == "| onnx int8"


def test_bench_prints_ratios(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(folder), "--rounds", "2", "--threads", "1"]) == 0
    title, _, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith("model at 96x128, ")
    assert lines[2].startswith("| onnx fp32 | 1.00 |")
    assert lines[3].startswith("| onnx int8 | ")


def test_bench_of_a_size_that_is_not_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(folder), "--size", "64"]) == 1
    assert "has no graph for 64x64" in capsys.readouterr().err


def test_contenders_take_turns() -> None:
    order: list[str] = []
    results = take_turns({name: lambda name=name: order.append(name) for name in "AB"}, rounds=2)
    assert "".join(order) == "ABABAB"
    assert [(of.name, len(of.seconds)) for of in results] == [("A", 2), ("B", 2)]


def test_ratios_are_of_medians_to_the_first() -> None:
    lines = table([Result("slow", (4.0, 2.0, 9.0)), Result("fast", (1.0, 1.0, 8.0))]).splitlines()
    assert lines[2].startswith("| slow | 1.00 | 4000 |")
    assert lines[3].startswith("| fast | 4.00 | 1000 |")


def test_difference_of_logits() -> None:
    reference = Logits(np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([[[1.0, -1.0]], [[4.0, 2.0]]]))
    other = Logits(np.array([[2.0, 1.5], [2.0, 1.0]]), np.array([[[1.0, 1.0]], [[4.0, 2.0]]]))
    found = difference(reference, other)
    assert (found.class_max, found.mask_max) == (2.0, 2.0)
    assert (found.class_agreement, found.mask_agreement) == (0.5, 0.75)
    # The first label is off by 1 on average, the second by 0.25; the largest logit is 2.
    assert found.relative == 1.0 / 2.0
    assert not found.is_rounding
    assert difference(reference, reference).is_rounding


def test_one_wrong_label_among_many_is_not_rounding() -> None:
    noise = np.random.default_rng(0)
    classes, masks = noise.normal(size=(100, 150)), noise.normal(size=(100, 4, 4))
    wrong = classes.copy()
    wrong[:, 7] += 0.1
    assert not difference(Logits(classes, masks), Logits(wrong, masks)).is_rounding
    rounded = Logits(classes + noise.normal(scale=1e-4, size=classes.shape), masks)
    assert difference(Logits(classes, masks), rounded).is_rounding
