"""`python -m convert export`: what it writes and refuses, and what a failure leaves behind."""

import os
import re
import resource
import shutil
import signal
from pathlib import Path

import numpy as np
import onnx
import pytest

import convert.export
from convert.__main__ import main
from convert.export import guess_task
from segmentation.engines.onnx import OnnxEngine
from segmentation.errors import ModelDamaged
from segmentation.model_card import check_artifact, load_card
from tests.convert.small_checkpoints import SWIN_4_46, save, small_checkpoint
from tests.stand_ins.hub import COMMIT, running_hub, use_hub


def test_a_checkpoint_folder_becomes_a_model_folder(tmp_path: Path) -> None:
    output = tmp_path / "model"
    arguments = ["export", str(SWIN_4_46), "-o", str(output), "--size", "64x96", "--size", "64"]
    assert main([*arguments, "--title", "Small", "--title-zh", "小", "--license", "mit"]) == 0
    card = load_card(output)
    assert {path.name for path in output.iterdir()} == {
        "card.json",
        "model_64x96.onnx",
        "model_64x64.onnx",
    }
    assert (card.name, card.title.zh, card.task) == ("model", "小", "instance")
    assert (card.source.checkpoint, card.source.license) == ("swin_transformers_4_46", "mit")
    assert [label.zh for label in card.labels] == ["人", "狗", "沙发"]
    assert card.input.mean == (0.485, 0.456, 0.406)
    assert [artifact.sizes_hw for artifact in card.artifacts] == [((64, 96),), ((64, 64),)]
    for artifact in card.artifacts:
        check_artifact(card, artifact)
    engine = OnnxEngine(card)
    assert engine.run(np.zeros((1, 64, 64, 3), np.uint8)).masks_queries_logits.shape == (6, 16, 16)
    engine.close()


def test_a_graph_of_dynamic_size_lists_all_aspect_ratios(tmp_path: Path) -> None:
    folder = save(small_checkpoint("resnet"), tmp_path / "checkpoint-panoptic")
    assert main(["export", str(folder), "-o", str(tmp_path / "m"), "--longest-side", "128"]) == 0
    card = load_card(tmp_path / "m")
    (artifact,) = card.artifacts
    assert artifact.sizes_hw == ((64, 128), (96, 128), (128, 128), (128, 96), (128, 64))
    assert card.task == "panoptic"


def test_a_portable_graph_shares_the_weights_of_the_first(tmp_path: Path) -> None:
    arguments = ["export", str(SWIN_4_46), "-o", str(tmp_path / "m"), "--size", "64"]
    assert main([*arguments, "--portable"]) == 0
    first, portable = load_card(tmp_path / "m").artifacts
    assert (first.sampling, portable.sampling) == ("deform-conv", "grid-sample")
    assert portable.weights_file == first.file
    assert portable.bytes < first.bytes
    graph = onnx.load(tmp_path / "m" / portable.file, load_external_data=False)
    assert {opset.version for opset in graph.opset_import} == {16}
    (tmp_path / "m" / first.file).unlink()
    with pytest.raises(ModelDamaged, match=first.file):
        check_artifact(load_card(tmp_path / "m"), portable)


def test_graphs_of_several_photos_stand_beside_those_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", str(SWIN_4_46), "-o", str(tmp_path / "m"), "--size", "64"]
    arguments += ["--target", "ascend", "--batch", "2"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "At 64x64 (2/2) against transformers" in printed
    card = load_card(tmp_path / "m")
    assert [(graph.file, graph.batch) for graph in card.artifacts] == [
        ("model.onnx", 1),
        ("model_batch2.onnx", 2),
    ]
    assert [graph.file for graph in card.source_graphs] == ["model.onnx"]
    atc = ["atc", str(tmp_path / "m"), "--soc-version", "Ascend310P3", "--dry-run", "--batch"]
    assert main([*atc, "2"]) == main([*atc, "3"]) == 0
    exported, made = re.findall(r"--model=(\S+).*--input_shape=(\S+)", capsys.readouterr().out)
    assert exported == ("model_batch2.onnx", "image:2,64,64,3")
    assert made == ("model.onnx", "image:3,64,64,3")

    write = convert.export.batch

    def write_wrongly(*arguments: object) -> onnx.ModelProto:
        return scale_weights(write(*arguments))  # type: ignore[arg-type]

    monkeypatch.setattr(convert.export, "batch", write_wrongly)
    assert main(arguments) == 1
    assert "At 64x64 (1/2) the graph disagrees" in capsys.readouterr().err


def test_a_hub_id_is_pinned_to_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SWIN_4_46, tmp_path / "hub" / "someone" / "small-swin")
    with running_hub(tmp_path / "hub") as hub:
        use_hub(hub, tmp_path / "cache", monkeypatch)
        assert (
            main(["export", "someone/small-swin", "-o", str(tmp_path / "m"), "--size", "64"]) == 0
        )
    source = load_card(tmp_path / "m").source
    assert (source.checkpoint, source.revision) == ("someone/small-swin", COMMIT)


def test_a_graph_that_disagrees_with_transformers_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", str(SWIN_4_46), "-o", str(tmp_path / "m"), "--size", "64"]
    assert main(arguments) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    write = convert.export.write_graph

    def write_wrongly(*arguments: object) -> onnx.ModelProto:
        return scale_weights(write(*arguments))  # type: ignore[arg-type]

    monkeypatch.setattr(convert.export, "write_graph", write_wrongly)
    assert main(arguments) == 1
    assert "disagrees with transformers; nothing was written" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()} == before


def scale_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Make the largest weights wrong."""
    largest = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    weights = np.frombuffer(largest.raw_data, np.float32) * np.float32(1.5)
    largest.raw_data = weights.tobytes()
    return model


def test_a_full_disk_is_reported_in_one_line_and_nothing_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # With files limited to 100 kB, the kernel refuses the rest as on a full disk.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        status = main(["export", str(SWIN_4_46), "--size", "64", "-o", str(tmp_path / "m")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert status == 1
    assert capsys.readouterr().err.splitlines()[-1] == "error: File too large. Free some space."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_a_folder_that_cannot_be_created_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "taken").write_text("a file")
    assert main(["export", str(SWIN_4_46), "--size", "64", "-o", str(tmp_path / place)]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith(f"error: {tmp_path / place}: ")
    assert printed.endswith("Check the path and its permissions.\n")


def test_an_export_that_is_stopped_cleans_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["export", str(SWIN_4_46), "-o", str(tmp_path / "m"), "--size", "64"]

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(convert.export, "compare_with_transformers", interrupt)
    assert main(arguments) == 130
    monkeypatch.setattr(
        convert.export,
        "compare_with_transformers",
        lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM),
    )
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 143
    assert list(tmp_path.iterdir()) == []


def test_exporting_again_deletes_the_old_graphs_and_keeps_other_files(tmp_path: Path) -> None:
    output = tmp_path / "m"
    arguments = ["export", str(SWIN_4_46), "-o", str(output)]
    assert main([*arguments, "--size", "64", "--size", "96"]) == 0
    (output / "README.md").write_text("mine")
    (output / ".partial-of-a-killed-run").mkdir()
    assert main([*arguments, "--size", "64", "--size", "64"]) == 0
    assert {path.name for path in output.iterdir()} == {"README.md", "card.json", "model.onnx"}
    assert [artifact.sizes_hw for artifact in load_card(output).artifacts] == [((64, 64),)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "100"], "100x100: both sides must be multiples of 32"),
        (["--longest-side", "128"], "each size needs its own graph"),
        (["--batch", "2"], "--batch is for graphs of --target ascend"),
        (["--target", "ascend", "--sampling", "deform-conv"], "atc does not support DeformConv"),
        (["--target", "ascend", "--weights", "float16"], "--weights float16 is for --target onnx"),
    ],
)
def test_impossible_options_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["export", str(SWIN_4_46), "-o", str(tmp_path / "m"), *options]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("facebook/mask2former-swin-small-coco-instance", "instance"),
        ("facebook/mask2former-swin-base-ade-semantic", "semantic"),
        ("mine", "instance"),
    ],
)
def test_the_task_is_read_from_the_checkpoints_name(name: str, task: str) -> None:
    assert guess_task(name) == task
