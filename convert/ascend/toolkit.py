"""CANN's toolkit on this host: find atc, run it, and explain its error codes."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from convert.ascend.atc_errors import atc_failure
from segmentation.errors import ConversionError

DEFAULT_LOCATIONS = (
    Path("/usr/local/Ascend/ascend-toolkit/latest"),
    Path("/usr/local/Ascend/cann"),
    Path.home() / "Ascend/ascend-toolkit/latest",
    Path.home() / "Ascend/cann",
)

# How long an atc that is told to stop may take.
STOP_TIMEOUT_S = 10.0
_VERSION = re.compile(r"atc_version\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Toolkit:
    """CANN's toolkit on this host.

    Attributes:
        atc: the program.
        set_env: script to source before running atc; None if it has been sourced already.
    """

    atc: Path
    set_env: Path | None = None


def find_toolkit() -> Toolkit:
    """Find atc by the variables of set_env.sh, on PATH, or in CANN's default locations.

    Raises:
        ConversionError: atc is not found.
    """
    for variable in ("ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH"):
        atc = Path(os.environ.get(variable, "/nowhere"), "bin/atc")
        if atc.is_file():
            return Toolkit(atc)
    if on_path := shutil.which("atc"):
        return Toolkit(Path(on_path))
    for home in DEFAULT_LOCATIONS:
        if (home / "bin/atc").is_file():
            beside, above = home / "set_env.sh", home.parent / "set_env.sh"
            return Toolkit(home / "bin/atc", beside if beside.is_file() else above)
    raise ConversionError(
        "atc is not found. Install CANN's toolkit and the ops package of the chip (hiascend.com; "
        "no card is needed), then run: source /usr/local/Ascend/ascend-toolkit/set_env.sh "
        "(CANN 8.5+: /usr/local/Ascend/cann/set_env.sh). --dry-run shows the command without it.",
        "未找到 atc。请安装 CANN toolkit 及该芯片的算子包（见 hiascend.com，转换不需要昇腾卡），"
        "然后执行："
        "source /usr/local/Ascend/ascend-toolkit/set_env.sh（CANN 8.5 及以后："
        "/usr/local/Ascend/cann/set_env.sh）。加 --dry-run 可只显示命令。",
    )


def run_atc(toolkit: Toolkit, arguments: Sequence[str], folder: Path) -> str | None:
    """Run atc in a folder and show its output while it runs.

    Returns:
        The version of atc, if its output names it.

    Raises:
        ConversionError: atc failed; the error codes in its output are explained.
    """
    lines: list[str] = []
    with subprocess.Popen(
        _sourced(toolkit, [str(toolkit.atc), *arguments]),
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        process_group=0,
    ) as process:
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
        except BaseException:
            _stop(process)  # else the block would wait for it
            raise
    output = "".join(lines)
    if process.returncode != 0:
        raise atc_failure(output, process.returncode)
    version = _VERSION.search(output)
    return version[1] if version else None


def _stop(process: "subprocess.Popen[str]") -> None:
    """End atc, with the compilers that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def check_python(toolkit: Toolkit) -> None:
    """Check the NumPy of the Python that atc will start: the `python3` of its PATH.

    atc takes it by its name (ge v8.5.0, py_decouple.cc). CANN needs NumPy 1 on a Python before 3.13
    (CANN's installation guide, instg_0045).

    Raises:
        ConversionError: it is NumPy 2 on such a Python.
    """
    program = (
        "import sys, numpy; "
        "print(sys.executable, sys.version_info[1], numpy.__version__, sep='\\n')"
    )
    # Without python3 or NumPy, atc fails with a code that is explained (E40001, E40020).
    try:
        done = subprocess.run(
            _sourced(toolkit, ["python3", "-c", program]),
            env=_environment(),
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return
    if done.returncode == 0:
        python, minor, numpy = done.stdout.split("\n")[-4:-1]
        if int(numpy.split(".")[0]) >= 2 and int(minor) < 13:
            raise ConversionError(
                f"atc would take {python}, which has NumPy {numpy}; CANN needs NumPy 1 there. Put "
                "a python3 with numpy<2 first on PATH, or install Koutu in a venv of its own.",
                f"atc 将使用 {python}，其中的 NumPy 为 {numpy}，而 CANN 要求 NumPy 1。请把装有 "
                "numpy<2 的 python3 放在 PATH 最前面，或把 Koutu 装进单独的 venv。",
            )


def _sourced(toolkit: Toolkit, command: Sequence[str]) -> list[str]:
    """The command, run after set_env.sh if that has not been sourced."""
    if toolkit.set_env is None:
        return list(command)
    return ["bash", "-c", 'source "$0" && exec "$@"', str(toolkit.set_env), *command]


def _environment() -> dict[str, str]:
    """The environment of this process without its virtual or conda environment.

    atc starts a Python of its own that needs NumPy 1, which ours need not have. Without
    ASCEND_WORK_PATH, atc writes its fusion report to the folder where it runs.
    """
    own = str(Path(sys.prefix) / "bin")
    inside = sys.prefix != sys.base_prefix or sys.prefix == os.environ.get("CONDA_PREFIX")
    path = os.environ.get("PATH", "").split(os.pathsep)
    kept = [entry for entry in path if not (inside and entry == own)]
    environment = {**os.environ, "PATH": os.pathsep.join(kept)}
    # atc starts eight compilers by default, for which small hosts lack memory.
    environment.setdefault("TE_PARALLEL_COMPILER", str(min(8, max(1, (os.cpu_count() or 1) // 2))))
    environment.pop("ASCEND_WORK_PATH", None)
    return environment
