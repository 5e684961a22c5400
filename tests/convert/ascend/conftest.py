"""Fixtures of the tests of `convert atc`, which run against a stand-in as strict as the manual."""

import sys
from pathlib import Path

import pytest

from tests.convert.ascend.model_folders import hide_toolkit, set_atc_python, write_folder
from tests.stand_ins.toolkit import TOOLKIT


@pytest.fixture
def atc_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Set up CANN's environment with the stand-in of atc, which writes its arguments to a file."""
    hide_toolkit(monkeypatch)
    monkeypatch.setenv("ASCEND_TOOLKIT_HOME", str(TOOLKIT))
    monkeypatch.setenv("STAND_IN_PYTHON", sys.executable)
    set_atc_python(monkeypatch, tmp_path / "atc_python", "1.26.4")
    log = tmp_path / "arguments.txt"
    monkeypatch.setenv("ATC_STAND_IN_LOG", str(log))
    return log


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with two graphs of one size each."""
    return write_folder(tmp_path / "small", "NHWC")
