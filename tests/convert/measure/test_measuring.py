"""Quantising a model folder, comparing its artifacts, and timing them."""

import re
import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

import convert.measure.bench
from convert.__main__ import main
from convert.checkpoint import Checkpoint
from convert.graph.int8 import to_int8
from convert.measure.bench import Result, table, take_turns
from convert.measure.logits_difference import compare_logits
from convert.measure.synthetic_photo import synthetic_photo
from segmentation.engines.base import Logits
from segmentation.engines.onnx import OnnxEngine
from segmentation.model_card import load_card, save_card
from tests.convert.small_checkpoints import save, small_checkpoint
from tests.stand_ins.hub import COMMIT, running_hub, use_hub


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
    found = compare_logits(exact.run(image), rounded.run(image))
    assert 0 < found.mask_mean < 0.1 * np.abs(exact.run(image).masks_queries_logits).mean()
    assert found.mask_agreement > 0.97


def test_products_and_measured_convolutions_are_int8_and_sampling_is_not(folder: Path) -> None:
    graph = onnx.load(folder / "model_int8.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert "DynamicQuantizeMatMul" in kinds
    assert "QuantizeLinear" in kinds
    assert "DeformConv" in kinds
    assert {of.data_type for of in graph.initializer} >= {onnx.TensorProto.INT8}


def agreement_of_int8(checkpoint: Checkpoint, folder: Path, photo: Path) -> float:
    """The mask agreement of a checkpoint's calibrated int8 graph with its float graph."""
    saved, model = save(checkpoint, folder / "checkpoint"), folder / "model"
    assert main(["export", str(saved), "-o", str(model), "--size", "96x128"]) == 0
    assert main(["quantize", str(model), "--calibrate", str(photo)]) == 0
    image = synthetic_photo((96, 128))[None]
    exact, rounded = (OnnxEngine(load_card(model), precision) for precision in ("fp32", "int8"))
    return compare_logits(exact.run(image), rounded.run(image)).mask_agreement


def test_feed_forward_layers_with_biases_of_zero_become_int8_as_well(
    tmp_path: Path, photo: Path
) -> None:
    checkpoint = deepcopy(small_checkpoint("resnet"))
    with torch.no_grad():
        for name, values in checkpoint.model.named_parameters():
            if name.endswith(("fc1.bias", "fc2.bias")):
                values.zero_()
    assert agreement_of_int8(checkpoint, tmp_path, photo) > 0.97


def test_a_unit_whose_weights_died_but_not_its_bias_stays_in_range(
    tmp_path: Path, photo: Path
) -> None:
    checkpoint = deepcopy(small_checkpoint("resnet"))
    with torch.no_grad():
        for layer in checkpoint.model.model.pixel_level_module.decoder.encoder.layers:
            layer.fc1.weight[3] *= 1e-9
            layer.fc1.bias[3] = 1.0
            layer.fc2.weight[:16, 3] = 1.0
    assert agreement_of_int8(checkpoint, tmp_path, photo) > 0.97


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
    # Random weights are sure of nothing, so neither has a cut-out to compare.
    assert fp32[6] == "0 |"
    assert int8[0] == "| onnx int8"


def test_verify_compares_cut_outs_where_there_are_some(
    folder: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unsure = shutil.copytree(folder, tmp_path / "unsure")
    save_card(replace(load_card(unsure), score_threshold=0.0))
    assert main(["verify", str(unsure), "--photos", str(photo)]) == 0
    mean = capsys.readouterr().out.splitlines()[-1].split(" | ")[6]
    assert re.fullmatch(r"1: 0\.\d{4}, 0\.\d{3} \|", mean)


def test_an_artifact_is_verified_at_the_sizes_it_has(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    checkpoint = str(folder.parent / "checkpoint")
    assert main(["export", checkpoint, "-o", str(model), "--longest-side", "128"]) == 0
    assert main(["quantize", str(model)]) == 0
    card = load_card(model)
    fp32, int8 = card.artifacts
    wide = tmp_path / "wide.png"
    Image.fromarray(synthetic_photo((64, 128))).save(wide)
    verify, bench = ["verify", str(model), "--photos", str(wide)], ["bench", str(model)]
    capsys.readouterr()

    save_card(replace(card, artifacts=(fp32, replace(int8, sizes_hw=((128, 128),)))))
    assert main(verify) == 0
    assert "| onnx int8 | 1 |" in capsys.readouterr().out
    assert main([*bench, "--rounds", "1", "--size", "64x128"]) == 0
    printed = capsys.readouterr()
    assert "onnx int8 left out: not made for 64x128" in printed.err
    assert "| onnx fp32 | 1.00 |" in printed.out

    apart = replace(fp32, sizes_hw=((64, 128),)), replace(int8, sizes_hw=((128, 128),))
    save_card(replace(card, artifacts=apart))
    assert main(verify) == 0
    assert "onnx int8 left out: it shares no size" in capsys.readouterr().err


def test_there_must_be_something_to_compare(
    folder: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = shutil.copytree(folder, tmp_path / "alone")
    card = load_card(alone)
    save_card(replace(card, artifacts=card.artifacts[:1]))
    assert main(["verify", str(alone), "--photos", str(photo)]) == 1
    assert "not two runs of model to compare" in capsys.readouterr().err


def test_another_models_checkpoint_is_no_reference(
    folder: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(save(small_checkpoint("resnet", num_labels=4), tmp_path / "other"))
    assert main(["verify", str(folder), "--photos", str(photo), "--checkpoint", other]) == 1
    assert main(["bench", str(folder), "--against", other]) == 1
    assert capsys.readouterr().err.count("is not the checkpoint of model") == 2


def test_the_reference_is_the_commit_that_was_exported(
    folder: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder.parent / "checkpoint", tmp_path / "hub" / "someone" / "small")
    model = shutil.copytree(folder, tmp_path / "model")
    card = load_card(model)
    save_card(
        replace(card, source=replace(card.source, checkpoint="someone/small", revision=COMMIT))
    )
    with running_hub(tmp_path / "hub") as hub:
        use_hub(hub, tmp_path / "cache", monkeypatch)
        arguments = ["verify", str(model), "--photos", str(photo), "--checkpoint", "someone/small"]
        assert main(arguments) == 0
        asked = {path.split("/")[4] for _, path, _ in hub.asked if "/resolve/" in path}
    assert asked == {COMMIT}


# Of torch's own exporter.
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning")
def test_bench_against_the_checkpoint(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert.measure.bench.importlib.util, "find_spec", lambda _: None)
    threads = torch.get_num_threads()
    checkpoint = str(folder.parent / "checkpoint")
    assert main(["bench", str(folder), "--rounds", "1", "--against", checkpoint]) == 0
    torch.set_num_threads(threads)
    printed = capsys.readouterr()
    assert "OpenVINO left out: not installed" in printed.err
    names = [line.split(" | ")[0] for line in printed.out.splitlines() if line.startswith("| ")]
    assert names[1:] == [
        "| transformers, eager",
        "| plain torch.onnx.export in onnxruntime",
        "| onnx fp32",
        "| onnx int8",
    ]


@pytest.mark.parametrize("option", ["--rounds", "--threads"])
def test_bench_takes_whole_numbers_from_1(folder: Path, option: str) -> None:
    with pytest.raises(SystemExit):
        main(["bench", str(folder), option, "0"])


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
    assert "".join(order) == "AABBAABB"
    assert [(of.name, len(of.seconds)) for of in results] == [("A", 2), ("B", 2)]


def test_ratios_are_of_medians_to_the_first() -> None:
    lines = table([Result("slow", (4.0, 2.0, 9.0)), Result("fast", (1.0, 1.0, 8.0))]).splitlines()
    assert lines[2].startswith("| slow | 1.00 | 4000 |")
    assert lines[3].startswith("| fast | 4.00 | 1000 |")


def test_difference_of_logits() -> None:
    reference = Logits(np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([[[1.0, -1.0]], [[4.0, 2.0]]]))
    other = Logits(np.array([[2.0, 1.5], [2.0, 1.0]]), np.array([[[1.0, 1.0]], [[4.0, 2.0]]]))
    found = compare_logits(reference, other)
    assert (found.class_max, found.mask_max) == (2.0, 2.0)
    assert (found.class_agreement, found.mask_agreement) == (0.5, 0.75)
    # The first label is off by 1 on average, the second by 0.25; the largest logit is 2.
    assert found.relative == 1.0 / 2.0
    assert not found.is_rounding
    assert compare_logits(reference, reference).is_rounding


def test_one_wrong_label_among_many_is_not_rounding() -> None:
    noise = np.random.default_rng(0)
    classes, masks = noise.normal(size=(100, 150)), noise.normal(size=(100, 4, 4))
    wrong = classes.copy()
    wrong[:, 7] += 0.1
    assert not compare_logits(Logits(classes, masks), Logits(wrong, masks)).is_rounding
    rounded = Logits(classes + noise.normal(scale=1e-4, size=classes.shape), masks)
    assert compare_logits(Logits(classes, masks), rounded).is_rounding
