"""The stand-in of atc: it refuses what the manual forbids and what the article does."""

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
    """Runs atc with GOOD and changes (None drops an option); returns its status and its output."""
    monkeypatch.syspath_prepend(SITE_PACKAGES)
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").write_bytes(small_model(None))
    import stand_in_atc

    def run(*arguments: str, **changes: str | None) -> tuple[int, str]:
        options = {**GOOD, **changes}
        flags = [f"--{name}={value}" for name, value in options.items() if value is not None]
        return stand_in_atc.main([*flags, *arguments]), capsys.readouterr().out

    return run


def test_a_good_command_writes_an_om(atc: Atc) -> None:
    status, output = atc()
    assert status == 0
    assert "ATC run success" in output
    assert Path("made.om").is_file()


def test_the_suffix_is_appended_to_any_name(atc: Atc) -> None:
    assert atc(output="made.om")[0] == 0
    assert Path("made.om.om").is_file()


def test_open_sides_write_another_file(atc: Atc) -> None:
    assert atc(input_shape="image:1,3,-1,-1")[0] == 0
    assert [path.name for path in Path().glob("*.om")] == ["made_linux_x86_64.om"]


REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "unknown chip": ({"soc_version": "Ascend310P"}, "E10001"),
    "no chip": ({"soc_version": None}, "E10007"),
    "both precision options": ({"precision_mode_v2": "fp16"}, "E10001"),
    "unknown precision": ({"precision_mode": "fp16"}, "E10001"),
    "not ONNX": ({"framework": "3"}, "E10001"),
    "missing model": ({"model": "other.onnx"}, "E10410"),
    "missing folder": ({"output": "other/made"}, "E10410"),
    "unknown option": ({"soc": "Ascend310P3"}, "E10001"),
    "another input": ({"input_shape": "input:1,3,32,32"}, "E10016"),
    "another shape": ({"input_shape": "image:1,32,32,3"}, "E10017"),
    "no shape": ({"input_shape": "image"}, "E10002"),
    "layout that ONNX lacks": ({"input_format": "NHWC"}, "E10001"),
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
    "missing switch file": ({"fusion_switch_file": "switches.json"}, "E10410"),
    "AIPP in ND": ({"input_format": "ND", "insert_op_conf": "model.onnx"}, "E10009"),
}


@pytest.mark.parametrize(("changes", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_command_that_the_manual_forbids_is_refused(
    atc: Atc, changes: dict[str, str | None], code: str
) -> None:
    status, output = atc(**changes)
    assert status != 0
    assert code in output
    assert not list(Path().glob("*.om"))


@pytest.mark.parametrize("text", ["GridSampler2DFusionPass:maybe", '{"Switch": {}}', ""])
def test_a_switch_is_on_or_off(atc: Atc, text: str) -> None:
    Path("switches").write_text(text)
    assert "E10001" in atc(fusion_switch_file="switches")[1]


def test_a_comment_behind_a_backslash_becomes_arguments(atc: Atc) -> None:
    """`... \\ # comment` escapes the space, not the end of the line."""
    assert "E10001" in atc(" # comment")[1]


def test_a_repeated_option_is_refused(atc: Atc) -> None:
    assert "twice" in atc("--framework=5")[1]


def test_a_second_opset_import_is_refused(atc: Atc) -> None:
    model = onnx.load("model.onnx")
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 1))
    onnx.save(model, "model.onnx")
    assert "E16005" in atc()[1]


def test_an_operator_without_a_kernel_is_refused(atc: Atc) -> None:
    model = onnx.load("model.onnx")
    model.graph.node[0].op_type = "Einsum"
    onnx.save(model, "model.onnx")
    assert "EZ3003" in atc()[1]


def test_atc_is_a_program(tmp_path: Path) -> None:
    process = subprocess.run(
        [TOOLKIT / "bin" / "atc", "--help"],
        env={"PATH": "/usr/bin:/bin", "STAND_IN_PYTHON": sys.executable},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 255
    assert "E10001" in process.stdout
