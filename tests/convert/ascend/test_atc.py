"""`python -m convert atc`: what it makes, and what it refuses."""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from segmentation.engines.ascend.engine import AscendEngine
from segmentation.engines.ascend.oms import choose_oms
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import ModelCard, load_card, save_card
from tests.convert.ascend.model_folders import SIZES_HW, convert_folder, write_folder
from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import fresh_acl


def check_masks(card: ModelCard, monkeypatch: pytest.MonkeyPatch, *, exact: bool) -> None:
    """Check that the OMs give onnxruntime's masks of a photo at every size, and leak nothing."""
    acl = fresh_acl(monkeypatch)
    engine = AscendEngine(card)
    rgb = np.random.default_rng(4).integers(0, 256, (64, 96, 3), np.uint8)
    for size_hw in SIZES_HW:
        om_input, _ = preprocess(rgb, engine.input, [size_hw], card.mask_stride)
        graph_input, _ = preprocess(rgb, card.input, [size_hw], card.mask_stride)
        session = import_onnxruntime().InferenceSession(small_model(None, card.input.layout))
        expected = session.run(None, {"image": graph_input})[1][0]
        masks = engine.run(om_input).masks_queries_logits
        np.testing.assert_allclose(masks, expected, atol=0 if exact else 0.02)
    engine.close()
    assert acl.stand_in.chip.leaks() == {}


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.usefixtures("atc_log")
def test_each_size_becomes_an_om_that_the_engine_runs(
    tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "small", layout)
    assert convert_folder(folder) == 0
    card = load_card(folder)
    oms = [artifact for artifact in card.artifacts if artifact.format == "om"]
    assert [(om.soc, om.precision, om.sizes_hw, om.made_with) for om in oms] == [
        ("Ascend310P3", "mixed", ((32, 32),), "atc 1.12.0"),
        ("Ascend310P3", "mixed", ((16, 32),), "atc 1.12.0"),
    ]
    check_masks(card, monkeypatch, exact=True)


def test_an_om_with_gears_takes_all_sizes(
    tmp_path: Path, atc_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "small", "NCHW", one_graph=True)
    assert convert_folder(folder, "--gears") == 0
    assert "--dynamic_image_size=32,32;16,32" in atc_log.read_text()
    check_masks(load_card(folder), monkeypatch, exact=True)


@pytest.mark.parametrize("flags", [[], ["--gears"]])
@pytest.mark.usefixtures("atc_log")
def test_an_om_with_aipp_takes_the_photo_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    folder = write_folder(tmp_path / "small", "NCHW", one_graph=True)
    assert convert_folder(folder, "--aipp", *flags) == 0
    check_masks(load_card(folder), monkeypatch, exact=False)


@pytest.mark.usefixtures("atc_log")
def test_only_the_om_and_its_fusion_report_stay_in_the_folder(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    assert convert_folder(folder, "--size", "32") == 0
    assert {path.name for path in folder.iterdir()} - before == {
        "model_ascend310p3_mixed_32x32.om",
        "model_ascend310p3_mixed_32x32.fusion.json",
    }


@pytest.mark.usefixtures("atc_log")
def test_converting_again_replaces_the_om_and_keeps_the_order_of_preference(folder: Path) -> None:
    for precision in ("mixed", "fp16", "mixed"):
        assert convert_folder(folder, "--size", "32x32", "--precision", precision) == 0
    artifacts = load_card(folder).artifacts
    assert [om.precision for om in artifacts if om.format == "om"] == ["mixed", "fp16"]
    assert len({artifact.file for artifact in artifacts}) == len(artifacts) == 4


@pytest.mark.parametrize("flags", [["--sampling", "gather"], ["--aipp"]])
@pytest.mark.usefixtures("atc_log")
def test_oms_of_another_form_are_preferred_to_those_they_stand_for(
    tmp_path: Path, flags: list[str]
) -> None:
    folder = write_folder(tmp_path / "small", "NCHW")
    assert convert_folder(folder) == 0
    assert convert_folder(folder, *flags) == 0
    form = flags[-1].strip("-")
    loaded = choose_oms(load_card(folder), "Ascend310P3", None)
    assert [om.file for om in loaded] == [
        f"model_ascend310p3_mixed_{form}_32x32.om",
        f"model_ascend310p3_mixed_{form}_16x32.om",
    ]


def test_a_fusion_switch_file_is_passed_to_atc(folder: Path, atc_log: Path, tmp_path: Path) -> None:
    switches = tmp_path / "my switches.json"
    text = '{"Switch": {"GraphFusion": {"GridSampler2DFusionPass": "on"}}}'
    switches.write_text(text)
    assert convert_folder(folder, "--size", "32", "--fusion-switch-file", str(switches)) == 0
    logged = atc_log.read_text().splitlines()
    assert "--fusion_switch_file=fusion_switch.cfg" in logged
    assert text in logged


@pytest.mark.parametrize(
    ("graph_sampling", "flags", "recorded"),
    [
        ("gather", [], "gather"),
        ("gather", ["--sampling", "grid-sample"], "gather"),
        ("grid-sample", ["--sampling", "gather"], "gather"),
        ("deform-conv", [], "grid-sample"),
    ],
)
@pytest.mark.usefixtures("atc_log")
def test_the_card_says_which_sampling_an_om_has(
    folder: Path, graph_sampling: str, flags: list[str], recorded: str
) -> None:
    card = load_card(folder)
    save_card(replace(card, artifacts=(replace(card.artifacts[0], sampling=graph_sampling),)))
    assert convert_folder(folder, *flags) == 0
    assert load_card(folder).artifacts[-1].sampling == recorded


@pytest.mark.usefixtures("atc_log")
def test_an_atc_that_makes_no_file_is_reported(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = tmp_path / "bin" / "atc"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("ASCEND_TOOLKIT_HOME", str(tmp_path))
    assert convert_folder(folder) == 1
    assert "atc made nothing" in capsys.readouterr().err


def test_a_graph_that_atc_refuses_in_any_form_does_not_reach_it(
    folder: Path, atc_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = load_card(folder)
    path = card.path(card.artifacts[0])
    model = onnx.load(path)
    model.graph.node[-1].domain = "com.microsoft"
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, path)
    content = path.read_bytes()
    changed = replace(
        card.artifacts[0], bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    save_card(replace(card, artifacts=(changed,)))
    assert convert_folder(folder) == 1
    printed = capsys.readouterr().err
    assert "E16005" in printed
    assert "--target ascend" in printed
    assert not atc_log.exists()


@pytest.mark.usefixtures("atc_log")
def test_a_folder_whose_path_atc_refuses_is_converted(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "my models (new)", "NHWC", [(32, 32)])
    assert convert_folder(folder) == 0
    assert load_card(folder).artifacts[-1].format == "om"


def test_a_temporary_folder_whose_path_atc_refuses_is_named(
    folder: Path,
    atc_log: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "t m p").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t m p"))
    assert convert_folder(folder) == 1
    assert "TMPDIR" in capsys.readouterr().err
    assert not atc_log.exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--aipp"], "Leave --aipp out"),
        (["--gears"], "NCHW"),
        (["--gears", "--sampling", "gather"], "Leave --gears or --sampling out"),
        (["--size", "64"], "no fp32 ONNX graph for 64x64"),
    ],
)
@pytest.mark.usefixtures("atc_log")
def test_options_that_the_graph_does_not_allow_are_refused(
    folder: Path, flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert_folder(folder, *flags) == 1
    assert message in capsys.readouterr().err


def run_without(packages: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m convert` in a process that cannot import some packages."""
    program = (
        "import sys\n"
        "for name in sys.argv[1].split(','): sys.modules[name] = None\n"
        "from convert.__main__ import main\n"
        "sys.exit(main(sys.argv[2:]))\n"
    )
    command = [sys.executable, "-c", program, packages, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_bench_needs_no_torch_and_no_onnx(folder: Path) -> None:
    done = run_without("torch,transformers,onnx", "bench", str(folder), "--rounds", "1")
    assert done.returncode == 0, done.stderr
    assert "| onnx fp32 | 1.00 |" in done.stdout


def test_atc_needs_no_torch_and_says_that_it_needs_onnx(folder: Path) -> None:
    arguments = ("atc", str(folder), "--soc-version", "Ascend310P3", "--dry-run")
    done = run_without("torch,transformers", *arguments)
    assert done.returncode == 0, done.stderr
    done = run_without("torch,transformers,onnx", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the package onnx is not installed. Run: pip install")
