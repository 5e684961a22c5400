"""`python -m convert tune` on the stand-in: trials, the choice, and the report."""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import convert.tune.host_facts
from convert.__main__ import main
from convert.ascend.command_line import Tuning, plan_conversions
from convert.ascend.toolkit import Toolkit, find_toolkit
from convert.logits_difference import LogitsDifference
from convert.tune.candidates import Trial, candidates, choose
from convert.tune.command import _make_oms, _try_batch
from convert.tune.host_facts import host_facts
from convert.tune.measure import Throughput, measure_trial
from convert.tune.om_operators import operators_of
from convert.tune.profile import Durations, Profile, profile, run_msprof
from convert.tune.report import format_report
from convert.tune.subscription import operator_times
from segmentation.errors import ConversionError, ModelDamaged
from segmentation.model_card import Artifact, ModelCard, load_card
from tests.convert.ascend.model_folders import set_toolkit, write_folder
from tests.stand_ins.om_card import small_card, write_om, write_onnx
from tests.stand_ins.small_model import random_image, small_model
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
    folder = write_folder(tmp_path / "small", "NHWC", [(16, 32), (32, 32)])
    options = ["--photos", str(photo_path), "--rounds", "2", "--batch", "3"]
    assert main(["tune", str(folder), *options]) == 0
    report, progress = capsys.readouterr()
    assert "at 32x32" in progress
    assert "at 16x32" not in progress, "the largest size is tried"
    assert report.startswith("## small on Ascend")
    for words in ("1 × Ascend310P3", "npu-smi: 23.0.0", "MB free", "**chosen**", "AI_CPU 2.5 ms"):
        assert words in report
    assert "on AI_CPU: GridSampler2D 2.5 ms" in report
    assert "AI_CORE 2, AI_CPU 1 operators; on AI CPU: GridSampler2D 1" in report
    oms = [artifact for artifact in load_card(folder).artifacts if artifact.format == "om"]
    assert [om.sizes_hw for om in oms if om.batch == 1] == [((16, 32),), ((32, 32),)]
    # Which is faster here is chance; the report and the folder agree.
    batched = [om for om in oms if om.batch == 3]
    assert [om.sizes_hw for om in batched] == ([((16, 32),), ((32, 32),)] if batched else [])
    assert ("--batch 3, kept" in report) == bool(batched)
    assert len(list(folder.glob("*_batch3.om"))) == len(batched)
    assert len(list(folder.glob("*_batch3.fusion.json"))) == len(batched)


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


@pytest.mark.usefixtures("card_host")
def test_a_batch_that_the_device_refuses_leaves_no_files(tmp_path: Path, photo_path: Path) -> None:
    folder = write_folder(tmp_path / "small", "NHWC")
    card, toolkit, tuning = load_card(folder), find_toolkit(), Tuning()
    before = set(folder.iterdir())
    single = [replace(card.artifacts[0], soc="Ascend310P3")]
    import acl

    acl.stand_in.chip.total_bytes = 0
    arguments = argparse.Namespace(batch=3, rounds=1)
    found = _try_batch(
        card, single, tuning, toolkit, [photo_path], arguments, Throughput("Ascend310P3", 2.0)
    )
    assert found.failure
    assert set(folder.iterdir()) == before
    assert load_card(folder) == card


@pytest.mark.usefixtures("card_host")
def test_an_interrupted_tune_lists_the_oms_that_it_made(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "small", "NHWC")
    atc = tmp_path / "once" / "atc"
    write_program(atc, f'mkdir {tmp_path / "called"} && exec {TOOLKIT / "bin" / "atc"} "$@"')
    card = load_card(folder)
    conversions = plan_conversions(card, "Ascend310P3", Tuning(), gears=False)
    with pytest.raises(ConversionError):
        _make_oms(card, conversions, Toolkit(atc))
    (made,) = (path.name for path in folder.glob("*.om"))
    assert [om.file for om in load_card(folder).artifacts if om.format == "om"] == [made]


@pytest.mark.usefixtures("card_host")
def test_a_folder_that_cannot_be_written_is_refused_before_the_trials(
    tmp_path: Path,
    photo_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = write_folder(tmp_path / "small", "NHWC")
    # The superuser may write everywhere, so that no mode of the folder would do.
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != folder)
    assert main(["tune", str(folder), "--photos", str(photo_path)]) == 1
    printed = capsys.readouterr().err
    assert "cannot be written to" in printed
    assert "Trying" not in printed


def test_an_npu_smi_that_hangs_leaves_its_version_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh_acl(monkeypatch)
    program = tmp_path / "npu-smi"
    program.write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(convert.tune.host_facts, "NPU_SMI_TIMEOUT_S", 0.1)
    assert host_facts()["npu-smi"] == "unknown"


def test_a_trial_without_onnxruntime_releases_the_device(
    tmp_path: Path, photo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acl = fresh_acl(monkeypatch)
    om = write_om(tmp_path, [(32, 32)])
    graph = write_onnx(tmp_path, small_model((32, 32)))
    (tmp_path / graph.file).write_bytes(b"altered")
    with pytest.raises(ModelDamaged):
        measure_trial(small_card(tmp_path, [graph, om]), om, Tuning(), [photo_path], rounds=1)
    assert acl.stand_in.chip.leaks() == {}


@pytest.fixture
def subscribable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ModuleType, ModelCard, Artifact]:
    """The stand-in, and a card with an OM."""
    acl = fresh_acl(monkeypatch)
    om = write_om(tmp_path, [(32, 32)])
    return acl, small_card(tmp_path, [om]), om


def test_operators_are_timed_by_a_subscription(
    subscribable: tuple[ModuleType, ModelCard, Artifact],
) -> None:
    acl, card, om = subscribable
    assert operator_times(card, om, random_image()) == {
        ("GridSample_1", "GridSampler2D"): 2_500_000,
        ("Conv_1", "Conv2D"): 120_000,
        ("Conv_2", "Conv2D"): 80_000,
    }
    assert acl.stand_in.chip.leaks() == {}


@pytest.mark.parametrize("call", ["create_subscribe_config", "model_subscribe"])
def test_a_subscription_that_is_refused_leaves_nothing(
    subscribable: tuple[ModuleType, ModelCard, Artifact], call: str
) -> None:
    acl, card, om = subscribable
    acl.stand_in.inject(f"prof.{call}", 148047)
    assert operator_times(card, om, random_image()) is None
    assert acl.stand_in.chip.leaks() == {}


@pytest.fixture
def toolkit_without_msprof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolkit:
    """A toolkit with atc alone."""
    set_toolkit(monkeypatch, tmp_path / "atc_python")
    atc = tmp_path / "toolkit" / "bin" / "atc"
    write_program(atc, f'exec {TOOLKIT / "bin" / "atc"} "$@"')
    return Toolkit(atc)


def write_program(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def test_without_msprof_the_om_tells_where_operators_ran(
    subscribable: tuple[ModuleType, ModelCard, Artifact],
    toolkit_without_msprof: Toolkit,
    photo_path: Path,
) -> None:
    _, card, om = subscribable
    found = profile(card, om, toolkit_without_msprof, photo_path, random_image())
    assert found.durations == {
        ("AI_CPU", "GridSampler2D"): 2_500_000,
        ("AI_CORE", "Conv2D"): 200_000,
    }


@pytest.mark.parametrize("content", ["not an OM", ""])
def test_an_atc_that_tells_no_operators_is_no_failure(
    tmp_path: Path, toolkit_without_msprof: Toolkit, content: str
) -> None:
    (tmp_path / "model.om").write_text(content)
    assert operators_of(tmp_path / "model.om", toolkit_without_msprof) == ()


def test_an_msprof_that_is_not_on_path_is_found(
    tmp_path: Path, toolkit_without_msprof: Toolkit, photo_path: Path
) -> None:
    rows = "OP Type,Task Type,Task Duration(us)\nConv2D,AI_CORE,120.5"
    msprof = tmp_path / "toolkit" / "tools" / "profiler" / "bin" / "msprof"
    write_program(msprof, f"printf '{rows}' > ${{1#--output=}}/op_summary_1.csv")
    (tmp_path / "records").mkdir()
    found = run_msprof(
        small_card(tmp_path), toolkit_without_msprof, photo_path, tmp_path / "records"
    )
    assert found == {("AI_CORE", "Conv2D"): 120_500}


def test_times_without_an_engine_are_told_as_such(tmp_path: Path) -> None:
    durations: Durations = Counter({(None, "GridSampler2D"): 2_500_000, (None, "Conv2D"): 200_000})
    report = report_with(tmp_path, Profile((), durations))
    assert "that acl.prof does not name: GridSampler2D 2.5 ms, Conv2D 0.2 ms" in report
    assert "atc does not tell them" in report


def test_a_report_without_a_profile_says_so(tmp_path: Path) -> None:
    report = report_with(tmp_path, Profile((), None))
    assert "neither msprof nor acl.prof" in report
    assert "| mixed | grid-sample |" in report


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (Throughput("Ascend310P3", 3.0, 4), "3.0 prepared photos per second on Ascend310P3 with"),
        (Throughput("Ascend310P3", 3.0, 4), "--batch 4, kept"),
        (Throughput("Ascend310P3", 1.0, 4), "--batch 4, not kept"),
        (Throughput("", 0.0, 4, "atc failed"), "--batch 4 does not work: atc failed"),
    ],
)
def test_the_report_says_if_a_batch_pays(tmp_path: Path, found: Throughput, sentence: str) -> None:
    assert sentence in report_with(tmp_path, Profile((), None), [found])


def report_with(tmp_path: Path, profile: Profile, throughputs: Sequence[Throughput] = ()) -> str:
    """A report of one trial."""
    best = Trial(Tuning(), ious=(1.0,), logits=(LogitsDifference(0, 0, 0, 0, 1, 1, 0),))
    return format_report(
        small_card(tmp_path),
        {},
        [best],
        best,
        {},
        [Throughput("Ascend310P3", 2.0), *throughputs],
        {},
        profile,
    )


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
