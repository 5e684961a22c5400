"""The export command: what it writes, what it refuses, and that it leaves nothing half-done."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from transformers import AutoImageProcessor

import convert.export
from convert.__main__ import main
from convert.checkpoint import load_checkpoint
from convert.export import guess_task
from convert.export_plan import default_size, plan_graphs
from convert.folder import move_in, scratch
from convert.labels import in_both_languages
from convert.measure.synthetic_photo import synthetic_photo
from segmentation.engines.onnx import OnnxEngine
from segmentation.errors import ConversionError
from segmentation.model_card import check_artifact, load_card
from tests.convert.small_checkpoints import SWIN_4_46, save, small_checkpoint
from tests.stand_ins.hub import COMMIT, running_hub


def test_a_folder_becomes_a_model_folder(tmp_path: Path) -> None:
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
    assert [of.sizes_hw for of in card.artifacts] == [((64, 96),), ((64, 64),)]
    for artifact in card.artifacts:
        check_artifact(card, artifact)
    engine = OnnxEngine(card)
    assert engine.run(np.zeros((1, 64, 64, 3), np.uint8)).masks_queries_logits.shape == (6, 16, 16)
    engine.close()


def test_a_free_size_graph_announces_every_aspect(tmp_path: Path) -> None:
    folder = save(small_checkpoint("resnet"), tmp_path / "checkpoint-panoptic")
    assert main(["export", str(folder), "-o", str(tmp_path / "m"), "--longest-side", "128"]) == 0
    card = load_card(tmp_path / "m")
    (artifact,) = card.artifacts
    assert artifact.sizes_hw == ((64, 128), (96, 128), (128, 128), (128, 96), (128, 64))
    assert card.task == "panoptic"


def test_a_hub_id_is_pinned_to_its_commit(tmp_path: Path) -> None:
    shutil.copytree(SWIN_4_46, tmp_path / "hub" / "someone" / "small-swin")
    with running_hub(tmp_path / "hub") as hub:
        environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-m", "convert", "export", "someone/small-swin"]
        subprocess.run(
            [*command, "-o", str(tmp_path / "m"), "--size", "64"],
            env={**os.environ, **environment},
            check=True,
        )
    source = load_card(tmp_path / "m").source
    assert (source.checkpoint, source.revision) == ("someone/small-swin", COMMIT)


def test_a_graph_that_disagrees_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", str(SWIN_4_46), "-o", str(tmp_path / "m"), "--size", "64"]
    assert main(arguments) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    write = convert.export.write_graph

    def write_wrongly(*given: object) -> onnx.ModelProto:
        graph = write(*given)  # type: ignore[arg-type]
        largest = max(graph.graph.initializer, key=lambda of: len(of.raw_data))
        weights = np.frombuffer(largest.raw_data, np.float32) * np.float32(1.5)
        largest.raw_data = weights.tobytes()
        return graph

    monkeypatch.setattr(convert.export, "write_graph", write_wrongly)
    assert main(arguments) == 1
    assert "disagrees with transformers; nothing was written" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()} == before


def test_a_disk_that_takes_no_more_is_one_line_and_nothing_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "convert", "export", str(SWIN_4_46), "--size", "64", "-o"]
    # Files may grow to 100 kB: the kernel refuses the rest as a full disk does.
    shell = ["bash", "-c", 'ulimit -f 100; exec "$@"', "bash"]
    done = subprocess.run([*shell, *command, str(tmp_path / "m")], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: File too large. Free some space."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_a_folder_that_cannot_be_made_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "taken").write_text("a file")
    assert main(["export", str(SWIN_4_46), "--size", "64", "-o", str(tmp_path / place)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"error: {tmp_path / place}: ")
    assert told.endswith("Check the path and its permissions.\n")


def test_who_is_stopped_cleans_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["export", str(SWIN_4_46), "-o", str(tmp_path / "m"), "--size", "64"]

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(convert.export, "prove", interrupted)
    assert main(arguments) == 130
    monkeypatch.setattr(convert.export, "prove", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 143
    assert list(tmp_path.iterdir()) == []


def test_the_graphs_of_the_model_before_go_and_other_files_stay(tmp_path: Path) -> None:
    output = tmp_path / "m"
    arguments = ["export", str(SWIN_4_46), "-o", str(output)]
    assert main([*arguments, "--size", "64", "--size", "96"]) == 0
    (output / "README.md").write_text("mine")
    (output / ".partial-of-a-killed-run").mkdir()
    assert main([*arguments, "--size", "64", "--size", "64"]) == 0
    assert {path.name for path in output.iterdir()} == {"README.md", "card.json", "model.onnx"}
    assert [of.sizes_hw for of in load_card(output).artifacts] == [((64, 64),)]


def test_the_card_comes_last(tmp_path: Path) -> None:
    with scratch(tmp_path / "m") as partial:
        for name in ("card.json", "model.onnx"):
            (partial / name).write_text("new")
        # A folder cannot be replaced by a file, so the move ends there.
        (tmp_path / "m" / "model.onnx" / "in the way").mkdir(parents=True)
        with pytest.raises(IsADirectoryError):
            move_in(partial, tmp_path / "m")
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["model.onnx"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "100"], "100x100: both sides must be multiples of 32"),
        (["--longest-side", "128"], "each size needs its own graph"),
        (["--target", "ascend", "--sampling", "deform-conv"], "atc does not support DeformConv"),
    ],
)
def test_impossible_sizes_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(["export", str(SWIN_4_46), "-o", str(tmp_path / "m"), *options]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_a_checkpoint_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "cut")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConversionError, match="no readable weights"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.safetensors", b"\x10", "no readable weights"),
        (
            "model.safetensors",
            b"version https://git-lfs.github.com/spec/v1\n",
            "no readable weights",
        ),
        ("config.json", b"[1]", "not a JSON object"),
        ("preprocessor_config.json", b"none", "not a JSON object"),
    ],
)
def test_a_damaged_checkpoint_is_one_line(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "damaged")
    (folder / name).write_bytes(content)
    with pytest.raises(ConversionError, match=words) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"num_queries": "100"}, "not one that transformers reads"),
        ({"id2label": {str(i): f"label {i}" for i in range(150)}}, "belong together"),
        (
            {"backbone": "resnet50", "use_timm_backbone": True, "backbone_config": None},
            "names its backbone .resnet50.",
        ),
    ],
)
def test_a_config_that_does_not_fit_is_one_line(
    tmp_path: Path, fields: dict[str, object], words: str
) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | fields))
    with pytest.raises(ConversionError, match=words) as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"do_normalize": False},
        {"do_rescale": False, "image_mean": [120, 110, 100], "image_std": [60, 58, 57]},
        {"rescale_factor": 1 / 127.5, "image_mean": [1, 1, 1]},
        {"image_mean": None, "image_std": None},
    ],
)
def test_the_checkpoints_own_processor_hands_over_the_same_pixels(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "other")
    path = folder / "preprocessor_config.json"
    fields = {**json.loads(path.read_text()), **changed, "do_resize": False}
    path.write_text(json.dumps({name: of for name, of in fields.items() if of is not None}))
    photo = synthetic_photo((64, 96))
    processor = AutoImageProcessor.from_pretrained(folder)
    expected = processor(photo, return_tensors="np")["pixel_values"]
    ours = load_checkpoint(folder).pixel_values(photo[None])
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_an_unknown_backbone_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(SWIN_4_46, tmp_path / "other")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(
        config.replace('"model_type": "swin"', '"model_type": "vit"')
    )
    with pytest.raises(ConversionError, match="vit cannot be exported; known are swin, resnet"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ({"height": 384, "width": 512}, (384, 512)),
        ({"shortest_edge": 320, "longest_edge": 448}, (320, 320)),
        ({"shortest_edge": 800, "longest_edge": 1333}, (512, 512)),
        (480, (480, 480)),
        ([256, 384], (256, 384)),
        (None, (512, 512)),
    ],
)
def test_the_default_size_is_the_processors_own_up_to_512(
    size: object, expected: tuple[int, int]
) -> None:
    assert default_size({"size": size}) == expected


def test_atc_gets_one_graph_for_each_size() -> None:
    sizes = [(64, 64), (64, 96)]
    made = plan_graphs(small_checkpoint("resnet"), sizes, None, "ascend")
    assert [plan.size_hw for plan in made] == sizes


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("facebook/mask2former-swin-small-coco-instance", "instance"),
        ("facebook/mask2former-swin-base-ade-semantic", "semantic"),
        ("mine", "instance"),
    ],
)
def test_the_task_is_read_from_the_name(name: str, task: str) -> None:
    assert guess_task(name) == task


def test_labels_speak_both_languages() -> None:
    labels = in_both_languages(["dog", "road, route", "window ", "sky-other-merged", "quux"])
    assert [label.zh for label in labels] == ["狗", "道路", "窗户", "天空", "quux"]
