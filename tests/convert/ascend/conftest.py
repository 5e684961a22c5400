"""Fixtures of the tests of `convert atc`, which run against a stand-in as strict as the manual."""

from pathlib import Path

import pytest

from tests.convert.ascend.model_folders import set_toolkit, write_folder


@pytest.fixture
def atc_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Set up CANN's environment with the stand-in of atc, which writes its arguments to a file."""
    set_toolkit(monkeypatch, tmp_path / "atc_python")
    log = tmp_path / "arguments.txt"
    monkeypatch.setenv("ATC_STAND_IN_LOG", str(log))
    return log


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with two graphs of one size each."""
    return write_folder(tmp_path / "small", "NHWC")
