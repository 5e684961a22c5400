"""The command line of atc: names of chips and files, the AIPP configuration, `--dry-run`."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from convert.ascend.chips import check_soc
from convert.ascend.command_line import Tuning, aipp_config, plan_conversions
from segmentation.errors import ConversionError
from segmentation.model_card import Artifact, find_model
from tests.convert.ascend.model_folders import (
    arguments_in,
    convert_folder,
    hide_toolkit,
    path_with_toolkit,
    write_folder,
)
from tests.stand_ins.om_card import small_card


@pytest.mark.parametrize("soc", ["Ascend310P3", "Ascend910B4", "Ascend910B4-1", "Ascend910_9382"])
def test_chips_that_atc_knows_are_accepted(soc: str) -> None:
    assert check_soc(soc) == soc


@pytest.mark.parametrize(
    ("soc", "similar"),
    [
        ("Ascend310P", "Ascend310P3"),
        ("Ascend910B", "Ascend910B4"),
        ("ascend310p3", "Ascend310P3"),
        ("310P3", "Ascend310P3"),
        ("310p", "Ascend310P3"),
        (" Ascend910B4 ", "Ascend910B4"),
        ("Ascned310P3", "Ascend310P3"),
    ],
)
def test_a_similar_chip_name_is_suggested(soc: str, similar: str) -> None:
    with pytest.raises(ConversionError, match=f"Did you mean {similar}\\?"):
        check_soc(soc)


def test_a_chip_that_runs_programs_itself_is_not_supported() -> None:
    with pytest.raises(ConversionError, match="on the chip itself"):
        check_soc("Ascend310B1")


@pytest.mark.parametrize("soc", ["gpu", "Ascend910_93", "Ascend950"])
def test_nothing_is_suggested_for_an_unlike_name(soc: str) -> None:
    with pytest.raises(ConversionError) as raised:
        check_soc(soc)
    assert "Did you mean" not in str(raised.value)


def test_two_graphs_with_gears_make_two_files(tmp_path: Path) -> None:
    graphs = [
        Artifact(name, "onnx", "fp32", sizes_hw, 0, "")
        for name, sizes_hw in (
            ("wide.onnx", ((32, 64), (32, 96))),
            ("tall.onnx", ((64, 32), (96, 32))),
        )
    ]
    card = small_card(tmp_path, graphs)
    conversions = plan_conversions(card, "Ascend310P3", Tuning(), gears=True)
    assert [conversion.name for conversion in conversions] == [
        "wide_ascend310p3_mixed_gears",
        "tall_ascend310p3_mixed_gears",
    ]


def test_all_sizes_of_the_card_are_converted_unless_some_are_named() -> None:
    card = find_model("compact")
    conversions = plan_conversions(card, "Ascend310P3", Tuning(), gears=False)
    sizes_hw = [conversion.sizes_hw[0] for conversion in conversions]
    # A photo gets the size that it gets with onnxruntime, and with it the same cut-out.
    assert sizes_hw == [*card.source_graphs[0].sizes_hw]
    assert len(sizes_hw) == 13
    (named,) = plan_conversions(card, "Ascend310P3", Tuning(), [(384, 256)], gears=False)
    assert named.sizes_hw == ((384, 256),)


def test_oms_that_take_different_inputs_have_different_names(tmp_path: Path) -> None:
    card = small_card(tmp_path, [Artifact("model.onnx", "onnx", "fp32", ((32, 32),), 0, "")])
    names = {
        conversion.name
        for tuning in (Tuning(), Tuning(aipp=True), Tuning(sampling="gather"))
        for conversion in plan_conversions(card, "Ascend310P3", tuning, gears=False)
    }
    assert len(names) == 3


def test_the_aipp_configuration_splits_the_mean() -> None:
    graph = Artifact("model.onnx", "onnx", "fp32", ((512, 768),), 0, "")
    card = small_card(Path("model"), [graph])
    (conversion,) = plan_conversions(card, "Ascend310P3", Tuning(), gears=False)
    entries = dict(
        line.strip().split(": ") for line in aipp_config(card, conversion).splitlines()[1:-1]
    )
    assert [entries[f"mean_chn_{i}"] for i in range(3)] == ["123", "116", "103"]
    fractions = [float(entries[f"min_chn_{i}"]) for i in range(3)]
    np.testing.assert_allclose(fractions, [0.675, 0.28, 0.53], atol=1e-9)
    reciprocals = [float(entries[f"var_reci_chn_{i}"]) for i in range(3)]
    np.testing.assert_allclose(
        reciprocals, [0.017124753831663668, 0.01750700280112045, 0.017429193899782135], rtol=1e-9
    )
    assert (entries["src_image_size_h"], entries["src_image_size_w"]) == ("512", "768")


def test_a_dry_run_shows_the_command_without_cann(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hide_toolkit(monkeypatch)
    assert convert_folder(folder, "--dry-run", "--size", "16x32") == 0
    assert arguments_in(capsys.readouterr().out) == {
        "--framework=5",
        "--model=model_16x32.onnx",
        "--output=model_ascend310p3_mixed_16x32",
        "--soc_version=Ascend310P3",
        "--input_format=ND",
        "--input_shape=image:1,16,32,3",
        "--precision_mode=allow_fp32_to_fp16",
        "--log=error",
        "--display_model_info=1",
    }


def test_a_dry_run_shows_one_command_for_each_size(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert_folder(folder, "--dry-run", soc="Ascend910B4") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("atc ")]
    assert [line.count("--input_shape=") for line in lines] == [1, 1]
    assert all("--precision_mode=allow_fp32_to_fp16" in line for line in lines)


@pytest.mark.parametrize(
    ("soc", "precision", "option"),
    [
        ("Ascend310P3", "mixed", "--precision_mode=allow_fp32_to_fp16"),
        ("Ascend310P3", "fp16", "--precision_mode_v2=fp16"),
        ("Ascend910B4", "mixed", "--precision_mode=allow_fp32_to_fp16"),
        ("Ascend310P3", "cube", "--precision_mode_v2=cube_fp16in_fp32out"),
        ("Ascend910B4", "fp32", "--precision_mode_v2=origin"),
    ],
)
def test_exactly_one_precision_option_is_given(
    folder: Path, capsys: pytest.CaptureFixture[str], soc: str, precision: str, option: str
) -> None:
    convert_folder(folder, "--precision", precision, "--dry-run", "--size", "32", soc=soc)
    arguments = arguments_in(capsys.readouterr().out)
    assert [text for text in arguments if "precision" in text.split("=")[0]] == [option]


@pytest.mark.parametrize("flags", [[], ["--aipp"], ["--gears"], ["--aipp", "--gears"]])
@pytest.mark.usefixtures("atc_log")
def test_commands_from_a_dry_run_work_when_pasted(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "a b", "NCHW", one_graph=True)
    assert convert_folder(folder, "--dry-run", *flags) == 0
    done = subprocess.run(
        ["bash", "-e"],
        input=capsys.readouterr().out,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": path_with_toolkit()},
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout
    assert len(list(folder.glob("*.om"))) == (1 if "--gears" in flags else 2)
    assert not list(folder.glob("*.om.om"))


def test_fp32_on_a_310p_warns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convert_folder(folder, "--precision", "fp32", "--dry-run", "--size", "32")
    assert "no float32" in capsys.readouterr().err
    convert_folder(folder, "--precision", "fp32", "--dry-run", "--size", "32", soc="Ascend910B4")
    assert capsys.readouterr().err == ""


def test_options_are_handed_to_atc(folder: Path, atc_log: Path) -> None:
    flags = ["--atc", "op_select_implmode=high_precision", "--keep-dtype", "OpType::InstanceNorm"]
    assert convert_folder(folder, "--size", "32", *flags) == 0
    arguments = atc_log.read_text().splitlines()
    assert "--op_select_implmode=high_precision" in arguments
    assert "--keep_dtype=keep_dtype.cfg" in arguments
    assert "OpType::InstanceNorm" in arguments  # the file's content


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--atc", "precision_mode=force_fp16"], "set by this command"),
        (["--atc", "presicion=1"], "has no option"),
        (["--atc", "log"], "not KEY=VALUE"),
        (["--keep-dtype", "OpType:Pow"], "neither a node nor"),
    ],
)
def test_options_that_atc_does_not_have_are_refused(
    folder: Path, flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        convert_folder(folder, *flags)
    assert message in capsys.readouterr().err
