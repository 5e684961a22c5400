"""`convert/atc.sh` runs the same command as `python -m convert atc`."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

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


def test_the_script_takes_a_graph_with_channels_first(
    tmp_path: Path, atc_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "small", "NCHW", [(16, 32)])
    run_script(folder, "Ascend310P3", "16x32", LAYOUT="NCHW")
    convert_folder(folder, "--dry-run")
    assert set(atc_log.read_text().splitlines()) == arguments_in(capsys.readouterr().out)
