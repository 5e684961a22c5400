"""Whole photos through the bundled model as an OM on the stand-in, compared with onnxruntime."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from segmentation import Photo, Segmenter, make_alpha, read_photo, select
from segmentation.arrays import Bool
from segmentation.model_card import ModelCard
from tests.paths import EXAMPLES
from tests.stand_ins.om_card import CHIP, bundled_card_with_oms
from tests.stand_ins.toolkit import SITE_PACKAGES, fresh_acl

PHOTOS = ("chelsea.png", "two_dogs.jpg", "astronaut.png", "street_phone.jpg")


@pytest.fixture
def acl(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The stand-in of pyACL, which must not leak."""
    module = fresh_acl(monkeypatch)
    yield module
    assert module.stand_in.chip.leaks() == {}


@pytest.fixture
def card(acl: ModuleType, tmp_path: Path) -> ModelCard:  # noqa: ARG001 - brings the file format
    return bundled_card_with_oms(tmp_path)


def subject_mask(segmenter: Segmenter, photo: Photo) -> Bool:
    """The photo's subject, bool (H, W) at the photo's own size."""
    segmentation, _ = segmenter.segment(photo)
    ids = select(segmentation, "auto")
    assert ids
    return make_alpha(photo.rgb, segmentation.mask_logits(ids)) > 127


def run_on_stand_in(
    command: list[str | Path], faults: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command as from a shell that sourced set_env.sh; the report goes to its -o folder."""
    folder = Path(command[command.index("-o") + 1])
    environment = {
        **os.environ,
        "PYTHONPATH": f"{SITE_PACKAGES}{os.pathsep}{EXAMPLES.parent}",
        "ACL_STAND_IN_REPORT": str(folder / "report.json"),
        "ACL_STAND_IN_FAULTS": faults,
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_cut_outs_equal_those_of_onnxruntime(card: ModelCard) -> None:
    ascend, onnx = Segmenter(card, "auto"), Segmenter(card, "onnx")
    for name in PHOTOS:
        photo = read_photo(EXAMPLES / name)
        mask, expected = subject_mask(ascend, photo), subject_mask(onnx, photo)
        assert (mask & expected).sum() / (mask | expected).sum() >= 0.999
    assert ascend.open()[0].device == CHIP
    assert ascend.open()[1] == ()
    ascend.close()
    onnx.close()


def test_the_command_line_keeps_all_devices_busy(
    card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACL_STAND_IN_DEVICES", "2")
    photos = [EXAMPLES / name for name in PHOTOS]
    command = [sys.executable, "-m", "segmentation", *photos, "--json", "--engine", "ascend"]
    process = run_on_stand_in([*command, "--model", card.folder, "-o", tmp_path])
    assert process.returncode == 0, process.stderr
    reports = [json.loads(line) for line in process.stdout.splitlines()]
    assert [report["photo"] for report in reports] == [str(photo) for photo in photos]
    assert {report["device"] for report in reports} == {f"2 × {CHIP}"}
    executions = json.loads((tmp_path / "report.json").read_text())["executions"]
    assert set(executions) == {"0", "1"}


@pytest.mark.parametrize("engine", ["auto", "ascend"])
def test_the_command_line_uses_the_chip(card: ModelCard, tmp_path: Path, engine: str) -> None:
    command = [sys.executable, "-m", "segmentation", EXAMPLES / "chelsea.png", "--json"]
    process = run_on_stand_in(
        [*command, "--model", card.folder, "-o", tmp_path, "--engine", engine]
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["device"] == CHIP
    assert (tmp_path / "chelsea_cutout.png").is_file()
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["leaks"] == {}
    assert report["finalised"]
    assert report["calls"]["mdl.execute_async"] == 2, "the photo, and a closer look at the cat"


def test_the_command_line_goes_on_without_the_chip(card: ModelCard, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "segmentation", EXAMPLES / "chelsea.png", "--json"]
    process = run_on_stand_in(
        [*command, "--model", card.folder, "-o", tmp_path], "rt.set_device=507033"
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["device"] == "onnxruntime CPU"
    assert "The Ascend device was lost" in process.stderr


def test_a_forced_chip_that_fails_is_an_error(card: ModelCard, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "segmentation", EXAMPLES / "chelsea.png", "-o", tmp_path]
    process = run_on_stand_in(
        [*command, "--model", card.folder, "--engine", "ascend"], "rt.set_device=507033"
    )
    assert process.returncode == 1
    assert "The Ascend device was lost" in process.stderr
    assert not (tmp_path / "chelsea_cutout.png").exists()
