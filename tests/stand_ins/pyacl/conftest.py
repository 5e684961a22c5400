"""Fixtures of the stand-in's tests: a fresh stand-in and an OM for it."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.stand_ins.pyacl.calls import SIZE_HW, write_om
from tests.stand_ins.toolkit import fresh_acl


@pytest.fixture
def acl(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_acl(monkeypatch)


@pytest.fixture
def om(acl: ModuleType, tmp_path: Path) -> str:  # noqa: ARG001 - puts the file format on the path
    return write_om(tmp_path / "model.om", [SIZE_HW])
