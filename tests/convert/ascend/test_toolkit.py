"""Finding atc and the chip on a host, the environment of atc, and its error codes."""

import io
import os
import select
import sys
from pathlib import Path

import pytest

from convert.ascend import toolkit as cann
from convert.ascend.atc_errors import ERROR_CODES
from tests.convert.ascend.model_folders import (
    convert_folder,
    hide_toolkit,
    path_with_toolkit,
    set_atc_python,
)
from tests.stand_ins.toolkit import TOOLKIT, fresh_acl


def test_atc_is_found_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_toolkit(monkeypatch)
    monkeypatch.setenv("PATH", str(TOOLKIT / "bin"))
    assert cann.find_toolkit() == cann.Toolkit(TOOLKIT / "bin/atc")


@pytest.mark.usefixtures("atc_log")
def test_atc_is_found_in_the_default_locations_and_set_env_is_sourced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_toolkit(monkeypatch)
    monkeypatch.setattr(cann, "DEFAULT_LOCATIONS", (folder, TOOLKIT))
    assert cann.find_toolkit() == cann.Toolkit(TOOLKIT / "bin/atc", TOOLKIT / "set_env.sh")
    assert convert_folder(folder, "--size", "32") == 0


def test_a_missing_toolkit_says_how_to_set_it_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hide_toolkit(monkeypatch)
    assert convert_folder(folder) == 1
    assert "set_env.sh" in capsys.readouterr().err


def test_atc_does_not_use_our_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/somewhere/venv")
    monkeypatch.setenv("PATH", "/somewhere/venv/bin:/usr/bin")
    assert cann._environment()["PATH"] == "/usr/bin"
    # Python does not see a conda environment as a virtual one.
    monkeypatch.setattr(sys, "base_prefix", "/somewhere/venv")
    assert cann._environment()["PATH"] == "/somewhere/venv/bin:/usr/bin"
    monkeypatch.setenv("CONDA_PREFIX", "/somewhere/venv")
    assert cann._environment()["PATH"] == "/usr/bin"


def test_an_interrupt_ends_atc_and_its_compilers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    atc = tmp_path / "atc"
    atc.write_text(
        f"#!/bin/sh\nexec 3> {tmp_path / 'alive'}\ntail -f /dev/null &\necho compiling\nwait\n"
    )
    atc.chmod(0o755)

    class Interrupted(io.StringIO):
        def write(self, _: str) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdout", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        cann.run_atc(cann.Toolkit(atc), [], tmp_path)
    # The end of the pipe comes when its last writer is gone.
    assert select.select([alive], [], [], 60)[0]
    assert os.read(alive, 1) == b""
    os.close(alive)


def test_small_hosts_start_fewer_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TE_PARALLEL_COMPILER", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert cann._environment()["TE_PARALLEL_COMPILER"] == "1"
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert cann._environment()["TE_PARALLEL_COMPILER"] == "8"
    monkeypatch.setenv("TE_PARALLEL_COMPILER", "3")
    assert cann._environment()["TE_PARALLEL_COMPILER"] == "3"


def test_atc_writes_its_fusion_report_where_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCEND_WORK_PATH", "/elsewhere")
    assert "ASCEND_WORK_PATH" not in cann._environment()


def test_the_codes_that_users_meet_most_are_explained() -> None:
    met = {"E10001", "E10016", "E16005", "EZ3003", "EE1010", "np.float_"}
    met |= {"E13000", "E14001", "E16002", "E19999", "EZ9999"}
    met |= {"E40001", "E40002", "E40020", "E40021", "E40024"}
    assert met <= ERROR_CODES.keys()


@pytest.mark.parametrize("code", ERROR_CODES)
@pytest.mark.usefixtures("atc_log")
def test_error_codes_of_atc_are_explained(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    monkeypatch.setenv("ATC_STAND_IN_SAYS", f"[ERROR] {code} something")
    before = sorted(folder.iterdir())
    assert convert_folder(folder) == 1
    captured = capsys.readouterr()
    assert f"[ERROR] {code} something" in captured.out
    assert f"{code}: {ERROR_CODES[code].en}" in captured.err
    assert sorted(folder.iterdir()) == before


@pytest.mark.usefixtures("atc_log")
def test_an_unknown_error_code_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATC_STAND_IN_SAYS", "E29999: something new")
    assert convert_folder(folder) == 1
    assert "E29999" in capsys.readouterr().err


@pytest.mark.parametrize(("numpy", "is_accepted"), [("1.26.4", True), ("2.1.0", False)])
def test_the_numpy_of_atc_is_looked_at_before_it_runs(
    folder: Path,
    atc_log: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    numpy: str,
    is_accepted: bool,
) -> None:
    set_atc_python(monkeypatch, tmp_path / "other", numpy)
    assert convert_folder(folder, "--size", "32") == (0 if is_accepted else 1)
    assert atc_log.exists() == is_accepted
    assert ("has NumPy 2.1.0" in capsys.readouterr().err) != is_accepted


def test_a_path_without_python3_is_left_to_atc_to_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cann.check_python(cann.Toolkit(TOOLKIT / "bin/atc"))


def test_pyacl_names_the_chip_before_npu_smi(
    folder: Path, atc_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh_acl(monkeypatch).stand_in.chip.soc = "Ascend910_9382"
    monkeypatch.setenv("PATH", path_with_toolkit())
    assert convert_folder(folder, "--size", "32", soc="auto") == 0
    assert "--soc_version=Ascend910_9382" in atc_log.read_text().splitlines()


def test_npu_smi_names_the_chip(
    folder: Path, atc_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_with_toolkit())
    monkeypatch.setenv("NPU_SMI_NAME", "910B4")
    assert convert_folder(folder, "--size", "32", soc="auto") == 0
    assert "--soc_version=Ascend910B4" in atc_log.read_text().splitlines()


@pytest.mark.parametrize("name", ["910A", ""])
@pytest.mark.usefixtures("atc_log")
def test_a_chip_that_atc_does_not_know_is_refused(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.setenv("PATH", path_with_toolkit())
    monkeypatch.setenv("NPU_SMI_NAME", name)
    assert convert_folder(folder, soc="auto") == 1
    assert "no chip that atc knows" in capsys.readouterr().err


def test_a_host_without_npu_smi_must_name_the_chip(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert convert_folder(folder, soc="auto") == 1
    assert "npu-smi info did not work" in capsys.readouterr().err
