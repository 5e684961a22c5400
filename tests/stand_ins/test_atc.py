"""The stand-in of atc refuses what the manual forbids, and what the article wrote."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import SITE_PACKAGES, TOOLKIT

Atc = Callable[..., tuple[int, str]]

GOOD = {
    "framework": "5",
    "model": "model.onnx",
    "output": "made",
    "soc_version": "Ascend310P3",
    "input_format": "NCHW",
    "input_shape": "image:1,3,32,32",
    "precision_mode": "allow_fp32_to_fp16",
}


@pytest.fixture
def atc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Atc:
    """Runs atc on GOOD with changes (None leaves an option out) in a folder with a model."""
    monkeypatch.syspath_prepend(SITE_PACKAGES)
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").write_bytes(small_model(None))
    import stand_in_atc

    def run(*words: str, **changes: str | None) -> tuple[int, str]:
        options = {**GOOD, **changes}
        given = [f"--{name}={value}" for name, value in options.items() if value is not None]
        return stand_in_atc.main([*given, *words]), capsys.readouterr().out

    return run


def test_a_good_command(atc: Atc) -> None:
    code, said = atc()
    assert code == 0
    assert "ATC run success" in said
    assert Path("made.om").is_file()


def test_the_suffix_is_appended_whatever_the_name_is(atc: Atc) -> None:
    assert atc(output="made.om")[0] == 0
    assert Path("made.om.om").is_file()


def test_open_sides_make_another_file(atc: Atc) -> None:
    assert atc(input_shape="image:1,3,-1,-1")[0] == 0
    assert [path.name for path in Path().glob("*.om")] == ["made_linux_x86_64.om"]


REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "no chip of that name": ({"soc_version": "Ascend310P"}, "E10001"),
    "no chip": ({"soc_version": None}, "E10007"),
    "both precision options": ({"precision_mode_v2": "fp16"}, "E10001"),
    "no such precision": ({"precision_mode": "fp16"}, "E10001"),
    "not onnx": ({"framework": "3"}, "E10001"),
    "no such model": ({"model": "other.onnx"}, "E10410"),
    "no such folder": ({"output": "other/made"}, "E10410"),
    "no such option": ({"soc": "Ascend310P3"}, "E10001"),
    "another input": ({"input_shape": "input:1,3,32,32"}, "E10016"),
    "another shape": ({"input_shape": "image:1,32,32,3"}, "E10017"),
    "no shape": ({"input_shape": "image"}, "E10002"),
    "a layout onnx has not": ({"input_format": "NHWC"}, "E10001"),
    "gears of two kinds": (
        {
            "input_shape": "image:1,3,-1,-1",
            "dynamic_image_size": "32,32;16,32",
            "dynamic_dims": "32,32;16,32",
        },
        "E10009",
    ),
    "gears in ND": (
        {
            "input_format": "ND",
            "input_shape": "image:1,3,-1,-1",
            "dynamic_image_size": "32,32;16,32",
        },
        "E10009",
    ),
    "gears of a static shape": ({"dynamic_image_size": "32,32;16,32"}, "E10012"),
    "one gear": (
        {"input_shape": "image:1,3,-1,-1", "dynamic_image_size": "32,32"},
        "E10036",
    ),
    "no such switches": ({"fusion_switch_file": "switches.json"}, "E10410"),
    "AIPP in ND": ({"input_format": "ND", "insert_op_conf": "model.onnx"}, "E10009"),
}


@pytest.mark.parametrize(("changes", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_the_manual_forbids(atc: Atc, changes: dict[str, str | None], code: str) -> None:
    status, said = atc(**changes)
    assert status != 0
    assert code in said
    assert not list(Path().glob("*.om"))


@pytest.mark.parametrize("text", ["GridSampler2DFusionPass:maybe", '{"Switch": {}}', ""])
def test_switches_are_on_or_off(atc: Atc, text: str) -> None:
    Path("switches").write_text(text)
    assert "E10001" in atc(fusion_switch_file="switches")[1]


def test_a_comment_behind_a_backslash_becomes_arguments(atc: Atc) -> None:
    """`... \\ # comment` escapes the blank, not the end of the line."""
    assert "E10001" in atc(" # comment")[1]


def test_an_option_counts_once(atc: Atc) -> None:
    assert "twice" in atc("--framework=5")[1]


def test_more_than_one_opset_import(atc: Atc) -> None:
    model = onnx.load("model.onnx")
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 1))
    onnx.save(model, "model.onnx")
    assert "E16005" in atc()[1]


def test_an_operator_without_a_kernel(atc: Atc) -> None:
    model = onnx.load("model.onnx")
    model.graph.node[0].op_type = "Einsum"
    onnx.save(model, "model.onnx")
    assert "EZ3003" in atc()[1]


def test_it_is_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [TOOLKIT / "bin" / "atc", "--help"],
        env={"PATH": "/usr/bin:/bin", "STAND_IN_PYTHON": sys.executable},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 255
    assert "E10001" in done.stdout
