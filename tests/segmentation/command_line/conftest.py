"""Run `python -m segmentation` in the test process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.__main__ import main
from tests.paths import ROOT

CAT = ROOT / "examples" / "chelsea.png"
PORTRAIT = ROOT / "examples" / "cameraman.jpg"
Reports = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch, kept_engine: None) -> None:  # noqa: ARG001
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def reports(capsys: pytest.CaptureFixture[str]) -> Callable[..., Reports]:
    def run(*argv: object, ends_with: int = 0) -> Reports:
        assert main([*map(str, argv), "--json", "--threads", "1"]) == ends_with
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def image(path: Path | str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(Image.open(path))


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Write a photo without objects."""
    Image.new("RGB", (64, 48), (128, 128, 128)).save(tmp_path / "grey.png")
    return tmp_path / "grey.png"
