"""`convert/atc.sh` runs the same command as `python -m convert atc`."""

import hashlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from convert.ascend.command_line import Tuning, plan_conversions
from convert.ascend.graphs import graph_for_atc
from convert.export import describe_graph
from segmentation.model_card import load_card, save_card
from tests.convert.ascend.model_folders import (
    arguments_in,
    convert_folder,
    path_with_toolkit,
    write_folder,
)
from tests.paths import ROOT


def run_script(folder: Path, *arguments: str, **variables: str) -> str:
    """Run the script with the stand-in of atc and return its output."""
    done = subprocess.run(
        [ROOT / "convert" / "atc.sh", folder, *arguments],
        env={**os.environ, "PATH": path_with_toolkit(), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("soc", "precision", "size"),
    [
        ("Ascend310P3", "mixed", "32x32"),
        ("Ascend910B4", "mixed", "16x32"),
        ("Ascend910B4", "fp16", "32x32"),
        ("Ascend910B4", "fp32", "32x32"),
    ],
)
def test_the_script_runs_the_same_command(
    folder: Path,
    atc_log: Path,
    capsys: pytest.CaptureFixture[str],
    soc: str,
    precision: str,
    size: str,
) -> None:
    output = run_script(folder, soc, size, precision)
    convert_folder(folder, "--precision", precision, "--size", size, "--dry-run", soc=soc)
    assert set(atc_log.read_text().splitlines()) == arguments_in(capsys.readouterr().out)
    om = folder / f"model_{soc.lower()}_{precision}_{size}.om"
    assert hashlib.sha256(om.read_bytes()).hexdigest() in output


def test_the_script_takes_a_graph_of_several_photos(
    tmp_path: Path, atc_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "small", "NHWC", [(32, 32)])
    card = load_card(folder)
    (conversion,) = plan_conversions(card, "Ascend310P3", Tuning(), gears=False, batch=3)
    graph, _ = graph_for_atc(card, conversion)
    onnx.save(graph, folder / "model_batch3.onnx")
    exported = describe_graph(folder / "model_batch3.onnx", "fp32", ((32, 32),), None, batch=3)
    save_card(replace(card, artifacts=(*card.artifacts, exported)))
    output = run_script(folder, "Ascend310P3", "32x32", BATCH="3")
    convert_folder(folder, "--batch", "3", "--dry-run")
    assert set(atc_log.read_text().splitlines()) == arguments_in(capsys.readouterr().out)
    assert '"made_with": "atc", "batch": 3}' in output


def test_the_script_takes_a_graph_with_channels_first(
    tmp_path: Path, atc_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "small", "NCHW", [(16, 32)])
    run_script(folder, "Ascend310P3", "16x32", LAYOUT="NCHW")
    convert_folder(folder, "--dry-run")
    assert set(atc_log.read_text().splitlines()) == arguments_in(capsys.readouterr().out)
