"""`convert atc` against the stand-in of atc, which is as strict as the manual."""

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from convert.__main__ import main
from convert.arguments import format_size, parse_size
from convert.ascend import toolkit as atc_toolkit
from convert.ascend.command_line import Conversion, aipp_config, check_soc, plan
from segmentation.arrays import SizeHW
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.errors import ConversionError
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import Artifact, ModelCard, load_card, save_card
from tests.paths import ROOT
from tests.stand_ins.om_card import small_card
from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import TOOLKIT, fresh_acl

ATC_SH = ROOT / "convert" / "atc.sh"


@pytest.fixture
def toolkit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """CANN's environment, with the stand-in in its place; returns where atc notes its arguments."""
    no_toolkit(monkeypatch)
    monkeypatch.setenv("ASCEND_TOOLKIT_HOME", str(TOOLKIT))
    monkeypatch.setenv("STAND_IN_PYTHON", sys.executable)
    log = tmp_path / "arguments.txt"
    monkeypatch.setenv("ATC_STAND_IN_LOG", str(log))
    return log


def no_toolkit(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(atc_toolkit, "USUAL_PLACES", ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "small", [(32, 32), (16, 32)], "NHWC")


def write_folder(
    folder: Path, sizes_hw: Sequence[SizeHW], layout: str, *, one: bool = False
) -> Path:
    """A model folder with a graph for each size, or one graph for all."""
    folder.mkdir()
    graphs = [(None, tuple(sizes_hw))] if one else [(size, (size,)) for size in sizes_hw]
    artifacts = []
    for size_hw, listed in graphs:
        content = small_model(size_hw, layout)
        name = "model.onnx" if len(graphs) == 1 else f"model_{format_size(listed[0])}.onnx"
        (folder / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        artifacts.append(Artifact(name, "onnx", "fp32", listed, len(content), digest))
    save_card(small_card(folder, artifacts, layout))
    return folder


def arguments_in(text: str) -> set[str]:
    (line,) = [line for line in text.splitlines() if line.startswith("atc ")]
    return set(shlex.split(line)[1:])


class TestDryRun:
    def test_it_shows_the_command_and_needs_no_cann(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        no_toolkit(monkeypatch)
        code = main(
            ["atc", str(folder), "--soc-version", "Ascend310P3", "--dry-run", "--size", "16x32"]
        )
        assert code == 0
        assert arguments_in(capsys.readouterr().out) == {
            "--framework=5",
            f"--model={folder}/model_16x32.onnx",
            f"--output={folder}/model_ascend310p3_mixed_16x32",
            "--soc_version=Ascend310P3",
            "--input_format=ND",
            "--input_shape=image:1,16,32,3",
            "--precision_mode=allow_fp32_to_fp16",
            "--log=error",
            "--display_model_info=1",
        }

    def test_one_command_for_each_size(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["atc", str(folder), "--soc-version", "Ascend910B4", "--dry-run"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.count("--input_shape=") for line in lines] == [1, 1]
        assert all("--precision_mode_v2=mixed_float16" in line for line in lines)

    @pytest.mark.parametrize(
        ("soc", "precision", "option"),
        [
            ("Ascend310P3", "mixed", "--precision_mode=allow_fp32_to_fp16"),
            ("Ascend310P3", "fp16", "--precision_mode_v2=fp16"),
            ("Ascend910B4", "mixed", "--precision_mode_v2=mixed_float16"),
            ("Ascend910B4", "fp32", "--precision_mode_v2=origin"),
        ],
    )
    def test_exactly_one_precision_option(
        self,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
        soc: str,
        precision: str,
        option: str,
    ) -> None:
        main(
            [
                "atc",
                str(folder),
                "--soc-version",
                soc,
                "--precision",
                precision,
                "--dry-run",
                "--size",
                "32",
            ]
        )
        given = [a for a in arguments_in(capsys.readouterr().out) if "precision" in a.split("=")[0]]
        assert given == [option]

    @pytest.mark.parametrize("flags", [[], ["--aipp"], ["--gears"], ["--aipp", "--gears"]])
    @pytest.mark.usefixtures("toolkit")
    def test_what_is_shown_runs_when_pasted(
        self, tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = write_folder(tmp_path / "a b", [(32, 32), (16, 32)], "NCHW", one=True)
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3", "--dry-run", *flags]) == 0
        pasted = subprocess.run(
            ["bash", "-e"],
            input=capsys.readouterr().out,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{TOOLKIT / 'bin'}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
        )
        assert pasted.returncode == 0, pasted.stdout
        assert len(list(folder.glob("*.om"))) == (1 if "--gears" in flags else 2)
        assert not list(folder.glob("*.om.om"))


class TestConversion:
    @pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
    @pytest.mark.usefixtures("toolkit")
    def test_each_size_becomes_an_om_that_the_engine_runs(
        self, tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_folder(tmp_path / "small", [(32, 32), (16, 32)], layout)
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3"]) == 0
        card = load_card(folder)
        made = [artifact for artifact in card.artifacts if artifact.format == "om"]
        assert [(om.soc, om.precision, om.sizes_hw, om.made_with) for om in made] == [
            ("Ascend310P3", "mixed", ((32, 32),), "atc 1.12.0"),
            ("Ascend310P3", "mixed", ((16, 32),), "atc 1.12.0"),
        ]
        check_masks(card, monkeypatch, exact=True)

    def test_gears(self, tmp_path: Path, toolkit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = write_folder(tmp_path / "small", [(32, 32), (16, 32)], "NCHW", one=True)
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3", "--gears"]) == 0
        assert "--dynamic_image_size=32,32;16,32" in toolkit.read_text()
        check_masks(load_card(folder), monkeypatch, exact=True)

    @pytest.mark.parametrize("flags", [[], ["--gears"]])
    @pytest.mark.usefixtures("toolkit")
    def test_aipp(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]) -> None:
        folder = write_folder(tmp_path / "small", [(32, 32), (16, 32)], "NCHW", one=True)
        command = ["atc", str(folder), "--soc-version", "Ascend310P3", "--aipp", *flags]
        assert main(command) == 0
        check_masks(load_card(folder), monkeypatch, exact=False)

    @pytest.mark.usefixtures("toolkit")
    def test_converting_again_replaces_the_om(
        self,
        folder: Path,
    ) -> None:
        for _ in range(2):
            assert main(["atc", str(folder), "--soc-version", "Ascend310P3"]) == 0
        files = [artifact.file for artifact in load_card(folder).artifacts]
        assert len(files) == len(set(files)) == 4

    @pytest.mark.usefixtures("toolkit")
    def test_nothing_but_results_stays_in_the_folder(
        self,
        folder: Path,
    ) -> None:
        before = {path.name for path in folder.iterdir()}
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3", "--size", "32"]) == 0
        assert {path.name for path in folder.iterdir()} - before == {
            "model_ascend310p3_mixed_32x32.om",
            "model_ascend310p3_mixed_32x32.fusion.json",
        }

    def test_a_fusion_switch_file_is_handed_on(
        self, folder: Path, toolkit: Path, tmp_path: Path
    ) -> None:
        switches = tmp_path / "switches.json"
        switches.write_text('{"Switch": {"GraphFusion": {"GridSampler2DFusionPass": "on"}}}')
        command = ["atc", str(folder), "--soc-version", "Ascend310P3", "--size", "32"]
        assert main([*command, "--fusion-switch-file", str(switches)]) == 0
        assert f"--fusion_switch_file={switches}" in toolkit.read_text().splitlines()

    def test_the_chip_is_asked_of_npu_smi(
        self, folder: Path, toolkit: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", f"{TOOLKIT / 'bin'}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("NPU_SMI_NAME", "910B4")
        assert main(["atc", str(folder), "--soc-version", "auto", "--size", "32"]) == 0
        assert "--soc_version=Ascend910B4" in toolkit.read_text().splitlines()

    def test_the_script_gives_the_same_command(
        self, folder: Path, toolkit: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for soc, precision in (
            ("Ascend310P3", "mixed"),
            ("Ascend910B4", "mixed"),
            ("Ascend910B4", "fp16"),
            ("Ascend910B4", "fp32"),
        ):
            for size in ("32x32", "16x32"):
                script = subprocess.run(
                    [ATC_SH, folder, soc, size, precision],
                    env={
                        **os.environ,
                        "PATH": f"{TOOLKIT / 'bin'}{os.pathsep}{os.environ['PATH']}",
                    },
                    capture_output=True,
                    text=True,
                    check=True,
                )
                main(
                    [
                        "atc",
                        str(folder),
                        "--soc-version",
                        soc,
                        "--precision",
                        precision,
                        "--size",
                        size,
                        "--dry-run",
                    ]
                )
                assert set(toolkit.read_text().splitlines()) == arguments_in(
                    capsys.readouterr().out
                )
                om = folder / f"model_{soc.lower()}_{precision}_{size}.om"
                assert hashlib.sha256(om.read_bytes()).hexdigest() in script.stdout

    def test_the_script_knows_both_layouts(
        self, tmp_path: Path, toolkit: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = write_folder(tmp_path / "small", [(16, 32)], "NCHW")
        subprocess.run(
            [ATC_SH, folder, "Ascend310P3", "16x32"],
            env={
                **os.environ,
                "LAYOUT": "NCHW",
                "PATH": f"{TOOLKIT / 'bin'}{os.pathsep}{os.environ['PATH']}",
            },
            capture_output=True,
            check=True,
        )
        main(["atc", str(folder), "--soc-version", "Ascend310P3", "--dry-run"])
        assert set(toolkit.read_text().splitlines()) == arguments_in(capsys.readouterr().out)


def test_converting_again_keeps_the_order_of_preference(folder: Path, toolkit: Path) -> None:
    for precision in ("mixed", "fp16", "mixed"):
        command = ["atc", str(folder), "--soc-version", "Ascend310P3", "--size", "32x32"]
        assert main([*command, "--precision", precision]) == 0
    oms = [of.precision for of in load_card(folder).artifacts if of.format == "om"]
    assert oms == ["mixed", "fp16"]
    assert toolkit.is_file()


def test_gears_of_two_graphs_are_two_files(tmp_path: Path) -> None:
    graphs = [
        Artifact(name, "onnx", "fp32", sizes, 0, "")
        for name, sizes in (
            ("wide.onnx", ((32, 64), (32, 96))),
            ("tall.onnx", ((64, 32), (96, 32))),
        )
    ]
    made = plan(small_card(tmp_path, graphs), "Ascend310P3", "mixed", gears=True)
    assert [of.name for of in made] == [
        "wide_ascend310p3_mixed_gears",
        "tall_ascend310p3_mixed_gears",
    ]


@pytest.mark.usefixtures("toolkit")
def test_atc_and_bench_need_no_torch_and_say_what_they_do_need(folder: Path) -> None:
    program = (
        "import sys\n"
        "for name in sys.argv[1].split(','): sys.modules[name] = None\n"
        "from convert.__main__ import main\n"
        "sys.exit(main(sys.argv[2:]))\n"
    )

    def run(missing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, missing, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    bench = run("torch,transformers,onnx", "bench", str(folder), "--rounds", "1")
    assert (bench.returncode, "| onnx fp32 | 1.00 |" in bench.stdout) == (0, True), bench.stderr
    atc = ("atc", str(folder), "--soc-version", "Ascend310P3", "--dry-run")
    assert run("torch,transformers", *atc).returncode == 0
    refused = run("torch,transformers,onnx", *atc)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: the package onnx is not installed. Run: pip install")


def check_masks(card: ModelCard, monkeypatch: pytest.MonkeyPatch, *, exact: bool) -> None:
    """The engine's masks of a photo in every size are those of onnxruntime on the graph."""
    acl = fresh_acl(monkeypatch)
    engine = AscendEngine(card)
    rgb = np.random.default_rng(4).integers(0, 256, (64, 96, 3), np.uint8)
    for size_hw in ((32, 32), (16, 32)):
        ours, _ = preprocess(rgb, engine.input, [size_hw], card.mask_stride)
        plain, _ = preprocess(rgb, card.input, [size_hw], card.mask_stride)
        session = onnxruntime.InferenceSession(small_model(None, card.input.layout))
        expected = session.run(None, {"image": plain})[1][0]
        masks = engine.run(ours).masks_queries_logits
        np.testing.assert_allclose(masks, expected, atol=0 if exact else 0.02)
    engine.close()
    assert acl.stand_in.chip.leaks() == {}


class TestFailures:
    @pytest.mark.parametrize(
        "code", ["E10001", "E10016", "E16005", "EZ3003", "EE1010", "np.float_"]
    )
    @pytest.mark.usefixtures("toolkit")
    def test_codes_are_explained(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        code: str,
    ) -> None:
        monkeypatch.setenv("ATC_STAND_IN_SAYS", f"[ERROR] {code} something")
        before = sorted(folder.iterdir())
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3"]) == 1
        captured = capsys.readouterr()
        assert f"[ERROR] {code} something" in captured.out
        assert f"{code}: {atc_toolkit._CODES[code].en}" in captured.err
        assert sorted(folder.iterdir()) == before

    @pytest.mark.usefixtures("toolkit")
    def test_an_unknown_code_is_at_least_named(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("ATC_STAND_IN_SAYS", "E19999: inner error")
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3"]) == 1
        assert "E19999" in capsys.readouterr().err

    def test_no_toolkit(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        no_toolkit(monkeypatch)
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3"]) == 1
        assert "set_env.sh" in capsys.readouterr().err

    def test_an_atc_that_makes_nothing(
        self,
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
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3"]) == 1
        assert "atc made nothing" in capsys.readouterr().err

    def test_a_graph_that_breaks_the_rules_does_not_reach_atc(
        self, folder: Path, toolkit: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        card = load_card(folder)
        path = card.path(card.artifacts[0])
        model = onnx.load(path)
        model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
        onnx.save(model, path)
        content = path.read_bytes()
        altered = replace(
            card.artifacts[0],
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        save_card(replace(card, artifacts=(altered,)))
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3"]) == 1
        told = capsys.readouterr().err
        assert "E16005" in told
        assert "--target ascend" in told
        assert not toolkit.exists()

    @pytest.mark.parametrize(
        ("flags", "words"),
        [
            (["--aipp"], "leave --aipp out"),
            (["--gears"], "NCHW"),
            (["--size", "64"], "no fp32 ONNX graph for 64x64"),
        ],
    )
    @pytest.mark.usefixtures("toolkit")
    def test_what_does_not_go_with_the_graph(
        self,
        folder: Path,
        flags: list[str],
        words: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3", *flags]) == 1
        assert words in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["910A", ""])
    @pytest.mark.usefixtures("toolkit")
    def test_npu_smi_shows_no_chip_of_atcs(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        name: str,
    ) -> None:
        monkeypatch.setenv("PATH", f"{TOOLKIT / 'bin'}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("NPU_SMI_NAME", name)
        assert main(["atc", str(folder), "--soc-version", "auto"]) == 1
        assert "no chip atc knows" in capsys.readouterr().err

    def test_no_npu_smi(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PATH", "")
        assert main(["atc", str(folder), "--soc-version", "auto"]) == 1
        assert "npu-smi info did not work" in capsys.readouterr().err


class TestToolkit:
    def test_path_is_searched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        no_toolkit(monkeypatch)
        monkeypatch.setenv("PATH", str(TOOLKIT / "bin"))
        assert atc_toolkit.find_toolkit() == atc_toolkit.Toolkit(TOOLKIT / "bin/atc")

    @pytest.mark.usefixtures("toolkit")
    def test_the_usual_places_are_searched_and_set_up(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        no_toolkit(monkeypatch)
        monkeypatch.setattr(atc_toolkit, "USUAL_PLACES", (folder, TOOLKIT))
        found = atc_toolkit.find_toolkit()
        assert found == atc_toolkit.Toolkit(TOOLKIT / "bin/atc", TOOLKIT / "set_env.sh")
        assert main(["atc", str(folder), "--soc-version", "Ascend310P3", "--size", "32"]) == 0

    def test_atc_does_not_get_our_python(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "prefix", "/somewhere/venv")
        monkeypatch.setenv("PATH", "/somewhere/venv/bin:/usr/bin")
        assert atc_toolkit._environment()["PATH"] == "/usr/bin"
        # conda's is no virtual environment to Python.
        monkeypatch.setattr(sys, "base_prefix", "/somewhere/venv")
        assert atc_toolkit._environment()["PATH"] == "/somewhere/venv/bin:/usr/bin"
        monkeypatch.setenv("CONDA_PREFIX", "/somewhere/venv")
        assert atc_toolkit._environment()["PATH"] == "/usr/bin"

    def test_the_report_on_fusions_lies_where_atc_runs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ASCEND_WORK_PATH", "/elsewhere")
        assert "ASCEND_WORK_PATH" not in atc_toolkit._environment()


class TestNames:
    @pytest.mark.parametrize(
        "soc", ["Ascend310P3", "Ascend910B4", "Ascend910B4-1", "Ascend910_9382"]
    )
    def test_chips_of_atcs(self, soc: str) -> None:
        assert check_soc(soc) == soc

    @pytest.mark.parametrize(
        ("soc", "near"),
        [
            ("Ascend310P", "Ascend310P3"),
            ("Ascend910B", "Ascend910B4"),
            ("ascend310p3", "Ascend310P3"),
            ("Ascned310P3", "Ascend310P3"),
        ],
    )
    def test_a_near_name_is_suggested(self, soc: str, near: str) -> None:
        with pytest.raises(ConversionError, match=f"Did you mean {near}\\?"):
            check_soc(soc)

    def test_a_far_name_is_only_refused(self) -> None:
        with pytest.raises(ConversionError) as raised:
            check_soc("gpu")
        assert "Did you mean" not in str(raised.value)

    @pytest.mark.parametrize(("text", "size"), [("512", (512, 512)), ("384x512", (384, 512))])
    def test_sizes(self, text: str, size: SizeHW) -> None:
        assert parse_size(text) == size

    @pytest.mark.parametrize("text", ["", "big", "1x", "x2"])
    def test_no_sizes(self, text: str) -> None:
        with pytest.raises(argparse.ArgumentTypeError):
            parse_size(text)


def test_the_aipp_configuration_splits_the_mean() -> None:
    graph = Artifact("model.onnx", "onnx", "fp32", ((512, 768),), 0, "")
    card = small_card(Path("model"), [graph])
    (conversion,) = plan(card, "Ascend310P3", "mixed", gears=False)
    assert isinstance(conversion, Conversion)
    entries = dict(
        line.strip().split(": ") for line in aipp_config(card, conversion).splitlines()[1:-1]
    )
    assert [entries[f"mean_chn_{i}"] for i in range(3)] == ["123", "116", "103"]
    least = [float(entries[f"min_chn_{i}"]) for i in range(3)]
    np.testing.assert_allclose(least, [0.675, 0.28, 0.53], atol=1e-9)
    reciprocals = [float(entries[f"var_reci_chn_{i}"]) for i in range(3)]
    np.testing.assert_allclose(
        reciprocals, [0.017124753831663668, 0.01750700280112045, 0.017429193899782135], rtol=1e-9
    )
    assert (entries["src_image_size_h"], entries["src_image_size_w"]) == ("512", "768")
