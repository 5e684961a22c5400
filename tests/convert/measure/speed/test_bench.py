"""The bench command: what it times, in which order, and how it prints it."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import convert.measure.speed.baselines
import convert.measure.speed.bench
from convert.__main__ import main
from convert.measure.speed.bench import BenchResult, format_results, time_in_turns
from segmentation.model_card import load_card, save_card
from tests.convert.small_checkpoints import save, small_checkpoint


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rest between runs: it matters only to the figures."""
    monkeypatch.setattr(convert.measure.speed.bench, "REST_SECONDS", 0)


# Raised inside torch's own exporter.
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning")
def test_a_checkpoint_and_its_plain_export_come_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As few layers as possible, since torch's exporter takes seconds for a few.
    shallow = small_checkpoint("resnet", encoder_layers=1, decoder_layers=2)
    checkpoint, model = str(save(shallow, tmp_path / "checkpoint")), str(tmp_path / "model")
    assert main(["export", checkpoint, "-o", model, "--size", "64"]) == 0
    assert main(["quantize", model]) == 0
    capsys.readouterr()
    monkeypatch.setattr(convert.measure.speed.baselines.importlib.util, "find_spec", lambda _: None)
    threads = torch.get_num_threads()
    bench = ["bench", model, "--rounds", "1", "--threads", "1"]
    assert main([*bench, "--against", checkpoint]) == 0
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


def test_a_checkpoint_of_another_model_is_refused(
    small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(save(small_checkpoint("resnet", num_labels=4), tmp_path / "other"))
    assert main(["bench", str(small_model), "--against", other]) == 1
    assert "is not the checkpoint of model" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--rounds", "--threads"])
def test_rounds_and_threads_are_whole_numbers_from_1(small_model: Path, option: str) -> None:
    with pytest.raises(SystemExit):
        main(["bench", str(small_model), option, "0"])


def test_the_largest_size_is_timed_and_ratios_are_to_the_first(
    small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(small_model), "--rounds", "2", "--threads", "1"]) == 0
    title, versions, peak, _, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith("model at 128x128, ")
    assert re.search(r"onnxruntime \d.*; \d{4}-\d\d-\d\d; load ", versions)
    assert re.search(r" [1-9]\d* GFLOP/s$", peak)
    assert lines[2].startswith("| onnx fp32 | 1.00 |")
    assert lines[3].startswith("| onnx int8 | ")


def test_an_artifact_without_the_size_is_left_out(
    small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(small_model, tmp_path / "model")
    card = load_card(model)
    fp32, int8 = card.artifacts
    save_card(replace(card, artifacts=(fp32, replace(int8, sizes_hw=((128, 128),)))))
    assert main(["bench", str(model), "--rounds", "1", "--size", "64x128"]) == 0
    printed = capsys.readouterr()
    assert "onnx int8 left out: not made for 64x128" in printed.err
    assert "| onnx fp32 | 1.00 |" in printed.out


def test_a_size_without_a_graph_is_refused(
    small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(small_model), "--size", "64"]) == 1
    assert "has no graph for 64x64" in capsys.readouterr().err


def test_each_inference_runs_once_untimed_and_once_timed_in_every_round() -> None:
    order: list[str] = []
    inferences = {name: lambda name=name: order.append(name) for name in "AB"}
    results = time_in_turns(inferences, rounds=2)
    assert "".join(order) == "AABBAABB"
    assert [(result.name, len(result.seconds)) for result in results] == [("A", 2), ("B", 2)]


def test_ratios_are_of_medians_to_the_first_result() -> None:
    results = [BenchResult("slow", (4.0, 2.0, 9.0)), BenchResult("fast", (1.0, 1.0, 8.0))]
    lines = format_results(results).splitlines()
    assert lines[2].startswith("| slow | 1.00 | 4000 |")
    assert lines[3].startswith("| fast | 4.00 | 1000 |")
