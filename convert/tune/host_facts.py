"""Versions of what an Ascend host consists of."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from segmentation.engines.ascend.chip import detect_host

DRIVER_VERSION = Path("/usr/local/Ascend/driver/version.info")
NPU_SMI_TIMEOUT_S = 60.0
_VERSION = re.compile(r"^(?:version|Version)\s*=\s*\[?([^\s\]]+)", re.MULTILINE)


def host_facts() -> Mapping[str, str]:
    """Return the chip, the devices, and the versions of CANN, driver, firmware tools and Python.

    Raises:
        EngineUnavailable: no device responds.
    """
    host = detect_host()
    return {
        "chip": f"{host.device_count} × {host.chip}",
        "CANN": _toolkit_version(),
        "driver": _version_in(DRIVER_VERSION),
        "npu-smi": _npu_smi_version(),
        "python": platform.python_version(),
        "host": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} "
        f"{platform.release()}",
    }


def _toolkit_version() -> str:
    home = os.environ.get("ASCEND_TOOLKIT_HOME") or os.environ.get("ASCEND_HOME_PATH")
    if home is None:
        return "unknown: set_env.sh was not sourced"
    files = [*sorted(Path(home).glob("*/ascend_toolkit_install.info")), Path(home, "version.cfg")]
    versions = [version for file in files if (version := _version_in(file)) != "unknown"]
    return versions[0] if versions else "unknown"


def _version_in(path: Path) -> str:
    try:
        match = _VERSION.search(path.read_text("utf-8", "replace"))
    except OSError:
        return "unknown"
    return match[1] if match else "unknown"


def _npu_smi_version() -> str:
    if shutil.which("npu-smi") is None:
        return "not installed"
    try:
        done = subprocess.run(
            ["npu-smi", "info"], capture_output=True, text=True, timeout=NPU_SMI_TIMEOUT_S
        )
    except subprocess.SubprocessError:
        return "unknown"
    match = re.search(r"Version:\s*(\S+)", done.stdout)
    return match[1] if match else "unknown"
