"""CANN's toolkit on this host: find atc, run it, and explain its error codes."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.ascend.command_line import is_soc
from segmentation.errors import ConversionError
from segmentation.i18n import Text

DEFAULT_LOCATIONS = (
    Path("/usr/local/Ascend/ascend-toolkit/latest"),
    Path("/usr/local/Ascend/cann"),
    Path.home() / "Ascend/ascend-toolkit/latest",
    Path.home() / "Ascend/cann",
)

# Sources: the ATC manual's error codes, the parser of github.com/hicann/ge, and users' reports.
ERROR_CODES = {
    "E10001": Text(
        "an option has a value that atc does not accept",
        "某个选项的取值不被 atc 接受",
    ),
    "E10016": Text(
        "--input_shape names an input that the graph does not have; export the model again",
        "--input_shape 中的输入名在图中不存在，请重新导出模型",
    ),
    "E16005": Text(
        "the graph imports more than one operator set; export it with --target ascend",
        "图引用了多个算子集（opset），请用 --target ascend 重新导出",
    ),
    "EZ3003": Text(
        "there is no kernel for an operator: the ops package of this chip is not installed, the "
        "chip is another one, or the operator is not supported",
        "找不到算子的实现：未安装该芯片的算子包（ops），或芯片型号不对，或算子不受支持",
    ),
    "EE1010": Text(
        "an object does not belong to the current context; check for several CANN versions on this "
        "host",
        "对象不属于当前 context，请检查本机是否混装了多个 CANN 版本",
    ),
    "np.float_": Text(
        "atc runs on a Python with NumPy 2; give it one with NumPy 1.26 or older",
        "atc 所用的 Python 装有 NumPy 2，请换用 NumPy 1.26 或更早版本的 Python 环境",
    ),
}
_CODE = re.compile(r"\bE[A-Z0-9]\d{4}\b|np\.float_")
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
    command = [str(toolkit.atc), *arguments]
    if toolkit.set_env:
        command = ["bash", "-c", 'source "$0" && exec "$@"', str(toolkit.set_env), *command]
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    output = "".join(lines)
    if process.returncode != 0:
        raise _failure(output, process.returncode)
    version = _VERSION.search(output)
    return version[1] if version else None


def ask_npu_smi() -> str:
    """Read the chip of this host's first card from `npu-smi info`.

    Raises:
        ConversionError: npu-smi is missing, fails, or shows no chip that atc knows.
    """
    try:
        done = subprocess.run(
            ["npu-smi", "info"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConversionError(
            f"npu-smi info did not work ({error}). Name the chip yourself, for example "
            "--soc-version Ascend310P3",
            f"npu-smi info 运行失败（{error}）。请直接指定芯片，例如 --soc-version Ascend310P3",
        ) from error
    names = re.findall(r"^\|\s*\d+\s+(\S+)\s*\|", done.stdout, re.MULTILINE)
    chips = [f"Ascend{name}" for name in names if is_soc(f"Ascend{name}")]
    if not chips:
        raise ConversionError(
            f"npu-smi info shows no chip that atc knows (Name: {', '.join(names) or 'none'}). "
            "Name the chip yourself with --soc-version.",
            f"npu-smi info 未显示 atc 认识的芯片（Name：{'、'.join(names) or '无'}）。"
            "请用 --soc-version 指定。",
        )
    return chips[0]


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
    environment.pop("ASCEND_WORK_PATH", None)
    return environment


def _failure(output: str, exit_code: int) -> ConversionError:
    """Make the error for a failed run of atc from the codes in its output."""
    codes = dict.fromkeys(_CODE.findall(output))
    known = [(code, ERROR_CODES[code]) for code in codes if code in ERROR_CODES]
    if known:
        en = "; ".join(f"{code}: {cause.en}" for code, cause in known)
        zh = "；".join(f"{code}：{cause.zh}" for code, cause in known)
    else:
        en = ", ".join(codes) or "no code in its output"
        zh = "、".join(codes) or "输出中没有错误码"
    return ConversionError(
        f"atc failed (exit code {exit_code}). {en}. Details are above and in $HOME/ascend/log.",
        f"atc 转换失败（退出码 {exit_code}）。{zh}。详情见上方输出和 $HOME/ascend/log。",
    )
