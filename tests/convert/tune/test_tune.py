"""`python -m convert tune` on the stand-in: trials, the choice, and the report."""

import os
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.ascend.command_line import Tuning
from convert.tune.candidates import Trial, candidates, choose
from segmentation.errors import ConversionError
from segmentation.model_card import load_card
from tests.convert.ascend.model_folders import set_toolkit, write_folder
from tests.stand_ins.om_card import small_card, write_om, write_onnx
from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import SITE_PACKAGES, TOOLKIT, fresh_acl


@pytest.fixture
def card_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host with the stand-in of CANN."""
    fresh_acl(monkeypatch)
    set_toolkit(monkeypatch, tmp_path / "atc_python")
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{TOOLKIT / 'bin'}")
    monkeypatch.setenv("PYTHONPATH", str(SITE_PACKAGES))


@pytest.mark.usefixtures("card_host")
def test_the_best_oms_come_first_and_the_report_says_why(
    tmp_path: Path, photo_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "small", "NHWC")
    assert main(["tune", str(folder), "--photos", str(photo_path), "--rounds", "2"]) == 0
    report = capsys.readouterr().out
    assert report.startswith("## small on Ascend")
    for words in ("1 × Ascend310P3", "npu-smi: 23.0.0", "MB free", "**chosen**", "AI_CPU 2.5 ms"):
        assert words in report
    assert "on AI CPU: GridSampler2D 2.5 ms" in report
    oms = [artifact for artifact in load_card(folder).artifacts if artifact.format == "om"]
    assert [om.sizes_hw for om in oms] == [((32, 32),), ((16, 32),)]


@pytest.mark.usefixtures("card_host")
def test_a_card_on_which_nothing_works_is_reported(
    tmp_path: Path,
    photo_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ATC_STAND_IN_SAYS", "E40021: compile failed")
    folder = write_folder(tmp_path / "small", "NHWC")
    assert main(["tune", str(folder), "--photos", str(photo_path)]) == 1
    assert "No OM worked on this card" in capsys.readouterr().err


def test_each_chip_gets_the_samplings_it_has() -> None:
    assert "grid-sample-v2" in {tuning.sampling for tuning in candidates("Ascend910B4")}
    assert "grid-sample-v2" not in {tuning.sampling for tuning in candidates("Ascend310P3")}
    assert "fp32" not in {tuning.precision for tuning in candidates("Ascend310P3")}


def test_the_fastest_accurate_trial_is_chosen() -> None:
    slow = Trial(Tuning("cube"), ious=(1.0, 1.0), milliseconds=30)
    fast = Trial(Tuning("mixed"), ious=(1.0, 0.98), milliseconds=20)
    wrong = Trial(Tuning("fp16"), ious=(1.0, 0.5), milliseconds=10)
    broken = Trial(Tuning("mixed", sampling="gather"), failure="atc failed")
    assert choose([broken, slow, wrong, fast]) is fast
    assert choose([broken, wrong]) is wrong
    with pytest.raises(ConversionError, match="atc failed"):
        choose([broken])
