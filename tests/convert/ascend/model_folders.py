"""Small model folders for `convert atc`, and short ways to run it."""

import hashlib
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.arguments import format_size
from convert.ascend import toolkit as cann
from segmentation.arrays import SizeHW
from segmentation.model_card import Artifact, save_card
from tests.stand_ins.om_card import small_card
from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import TOOLKIT

SIZES_HW = ((32, 32), (16, 32))


def write_folder(
    folder: Path, layout: str, sizes_hw: Sequence[SizeHW] = SIZES_HW, *, one_graph: bool = False
) -> Path:
    """Write a model folder with a graph for each size, or with one graph for all sizes."""
    folder.mkdir()
    graphs = [(None, tuple(sizes_hw))] if one_graph else [(size, (size,)) for size in sizes_hw]
    artifacts = []
    for size_hw, listed_hw in graphs:
        content = small_model(size_hw, layout)
        name = "model.onnx" if len(graphs) == 1 else f"model_{format_size(listed_hw[0])}.onnx"
        (folder / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        artifacts.append(Artifact(name, "onnx", "fp32", listed_hw, len(content), digest))
    save_card(small_card(folder, artifacts, layout))
    return folder


def convert_folder(folder: Path, *options: str, soc: str = "Ascend310P3") -> int:
    """Run `python -m convert atc` in this process and return its exit code."""
    return main(["atc", str(folder), "--soc-version", soc, *options])


def arguments_in(text: str) -> set[str]:
    """The arguments of the only atc command in a text."""
    (line,) = [line for line in text.splitlines() if line.startswith("atc ")]
    return set(shlex.split(line)[1:])


def path_with_toolkit() -> str:
    """A PATH on which the stand-ins of atc and npu-smi come first."""
    return f"{TOOLKIT / 'bin'}{os.pathsep}{os.environ['PATH']}"


def hide_toolkit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this a host without CANN, apart from PATH."""
    for variable in ("ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(cann, "DEFAULT_LOCATIONS", ())


def set_toolkit(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Set CANN's variables for the stand-in, and put a Python that suits it first on PATH."""
    hide_toolkit(monkeypatch)
    monkeypatch.setenv("ASCEND_TOOLKIT_HOME", str(TOOLKIT))
    monkeypatch.setenv("STAND_IN_PYTHON", sys.executable)
    set_atc_python(monkeypatch, folder, "1.26.4")


def set_atc_python(monkeypatch: pytest.MonkeyPatch, folder: Path, numpy: str) -> None:
    """Put a python3 with this version of NumPy first on PATH, for atc to take."""
    folder.mkdir(parents=True)
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' {program} 11 {numpy}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
