"""Detection of the chip: hosts without Ascend, impostors of pyACL, and devices that fail."""

from pathlib import Path
from types import ModuleType

import pytest

from segmentation.engines.ascend import acl as ascend_acl
from segmentation.engines.ascend.chip import detect_chip
from segmentation.errors import EngineUnavailable
from tests.stand_ins.om_card import CHIP
from tests.stand_ins.toolkit import hide_acl


@pytest.mark.usefixtures("acl")
def test_the_chip_is_detected() -> None:
    assert detect_chip() == CHIP


def test_a_host_without_ascend_has_no_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_acl(monkeypatch)
    assert detect_chip() is None


def test_a_device_without_pyacl_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hide_acl(monkeypatch)
    monkeypatch.setattr(ascend_acl, "DEVICE_NODE", tmp_path)
    with pytest.raises(EngineUnavailable, match=r"set_env\.sh"):
        detect_chip()


def test_another_package_called_acl_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hide_acl(monkeypatch)
    (tmp_path / "acl.py").write_text("class Acl: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EngineUnavailable, match="pip uninstall acl pyacl"):
        detect_chip()


@pytest.mark.parametrize(
    "source",
    [
        "raise ImportError('libascendcl.so: cannot open shared object file')",
        "import a_module_of_cann_that_is_missing",
    ],
)
def test_a_pyacl_that_cannot_be_loaded_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    hide_acl(monkeypatch)
    (tmp_path / "acl.py").write_text(source + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EngineUnavailable, match=r"cannot be loaded .*set_env\.sh"):
        detect_chip()


def test_a_driver_without_devices_is_an_error(acl: ModuleType) -> None:
    acl.stand_in.chip.devices = 0
    with pytest.raises(EngineUnavailable, match="No Ascend device responds"):
        detect_chip()


def test_a_user_without_permission_is_an_error(acl: ModuleType) -> None:
    acl.stand_in.inject("rt.get_device_count", 207006)
    with pytest.raises(EngineUnavailable, match="HwHiAiUser"):
        detect_chip()
