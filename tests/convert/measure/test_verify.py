"""The verify command: which backends it compares, and with which reference."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from convert.__main__ import main
from convert.synthetic_photo import synthetic_photo
from segmentation.model_card import load_card, save_card
from tests.convert.small_checkpoints import save, small_checkpoint
from tests.stand_ins.hub import COMMIT, running_hub, use_hub


def test_each_artifact_has_a_row(
    small_model: Path, photo_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["verify", str(small_model), "--photos", str(photo_path)]
    assert main([*arguments, "--checkpoint", str(small_model.parent / "checkpoint")]) == 0
    printed = capsys.readouterr().out
    assert "Reference: transformers" in printed
    fp32, int8 = (line.split(" | ") for line in printed.splitlines()[-2:])
    assert fp32[0] == "| onnx fp32"
    assert fp32[5] == "100.000%"
    # Random weights are not confident of anything, so neither backend has a cut-out to compare.
    assert fp32[6] == "0 |"
    assert int8[0] == "| onnx int8"


def test_cut_outs_are_compared_where_a_subject_is_found(
    small_model: Path, photo_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(small_model, tmp_path / "model")
    save_card(replace(load_card(model), score_threshold=0.0))
    assert main(["verify", str(model), "--photos", str(photo_path)]) == 0
    cutout_iou = capsys.readouterr().out.splitlines()[-1].split(" | ")[6]
    assert re.fullmatch(r"1: 0\.\d{4}, 0\.\d{3} \|", cutout_iou)


def test_an_artifact_is_compared_at_the_sizes_it_shares_with_the_reference(
    small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(small_model, tmp_path / "model")
    card = load_card(model)
    fp32, int8 = card.artifacts
    wide = tmp_path / "wide.png"
    Image.fromarray(synthetic_photo((64, 128))).save(wide)
    verify = ["verify", str(model), "--photos", str(wide)]

    save_card(replace(card, artifacts=(fp32, replace(int8, sizes_hw=((128, 128),)))))
    assert main(verify) == 0
    assert "| onnx int8 | 1 |" in capsys.readouterr().out

    fp32 = replace(fp32, sizes_hw=((64, 128),))
    save_card(replace(card, artifacts=(fp32, replace(int8, sizes_hw=((128, 128),)))))
    assert main(verify) == 0
    assert "onnx int8 left out: it shares no size" in capsys.readouterr().err


def test_a_single_backend_cannot_be_compared(
    small_model: Path, photo_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(small_model, tmp_path / "model")
    card = load_card(model)
    save_card(replace(card, artifacts=card.artifacts[:1]))
    assert main(["verify", str(model), "--photos", str(photo_path)]) == 1
    assert "Fewer than two ways to run model" in capsys.readouterr().err


def test_a_checkpoint_of_another_model_is_refused(
    small_model: Path, photo_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(save(small_checkpoint("resnet", num_labels=4), tmp_path / "other"))
    verify = ["verify", str(small_model), "--photos", str(photo_path), "--checkpoint", other]
    assert main(verify) == 1
    assert "is not the checkpoint of model" in capsys.readouterr().err


def test_the_reference_is_the_commit_that_was_exported(
    small_model: Path, photo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(small_model.parent / "checkpoint", tmp_path / "hub" / "someone" / "small")
    model = shutil.copytree(small_model, tmp_path / "model")
    card = load_card(model)
    source = replace(card.source, checkpoint="someone/small", revision=COMMIT)
    save_card(replace(card, source=source))
    verify = ["verify", str(model), "--photos", str(photo_path), "--checkpoint", "someone/small"]
    with running_hub(tmp_path / "hub") as hub:
        use_hub(hub, tmp_path / "cache", monkeypatch)
        assert main(verify) == 0
        revisions = {path.split("/")[4] for _, path, _ in hub.requests if "/resolve/" in path}
    assert revisions == {COMMIT}
