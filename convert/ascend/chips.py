"""The chips that atc knows, and the name of the one on this host."""

import difflib
import re
import subprocess

from segmentation.engines.registry import available_chip
from segmentation.errors import ConversionError

# Names in CANN's platform configuration: github.com/hicann/runtime, src/platform/platform_config.
# The 310B is left out: its programs run on the chip itself, which the engine does not support.
SOC_VERSIONS = (
    *(f"Ascend310P{n}" for n in (3, 1, 5, 7)),
    *(f"Ascend910B{n}" for n in ("4", "1", "2", "2C", "3", "4-1")),
)
_A3 = re.compile(r"Ascend910_93\d\d")


def is_soc(soc: str) -> bool:
    """Whether atc knows a chip of this name and the engine supports it."""
    return soc in SOC_VERSIONS or _A3.fullmatch(soc) is not None


def is_310p(soc: str) -> bool:
    """Whether the chip's matrix unit has no float32."""
    return soc.startswith("Ascend310P")


def check_soc(soc: str) -> str:
    """Return the name of a chip if atc knows it.

    Raises:
        ConversionError: atc does not know the chip, and a similar name is suggested; or the engine
            does not support it.
    """
    if is_soc(soc):
        return soc
    if soc.startswith("Ascend310B"):
        raise ConversionError(
            f"{soc} is not supported: programs run on the chip itself there. Supported: "
            f"{', '.join(SOC_VERSIONS)}.",
            f"不支持 {soc}：该芯片上的程序直接运行在芯片内。支持：{'、'.join(SOC_VERSIONS)}。",
        )
    start = soc.strip().lower().removeprefix("ascend")
    longer = [known for known in SOC_VERSIONS if known[len("Ascend") :].lower().startswith(start)]
    similar = (longer or difflib.get_close_matches(soc, SOC_VERSIONS, n=1, cutoff=0.9))[:1]
    hint = f" Did you mean {similar[0]}?" if similar else ""
    hint_zh = f"是否想写 {similar[0]}？" if similar else ""
    raise ConversionError(
        f"atc knows no chip {soc}.{hint} It is `Ascend` and the Name that npu-smi info shows; "
        f"--soc-version auto reads it. Known: {', '.join(SOC_VERSIONS)}; for an A3, Ascend910_93 "
        "and two digits.",
        f"atc 不认识芯片 {soc}。{hint_zh}名称由 Ascend 加上 npu-smi info 显示的 Name 组成；"
        f"--soc-version auto 可自动读取。可用：{'、'.join(SOC_VERSIONS)}；A3 为 Ascend910_93 "
        "加两位数字。",
    )


def chip_of_host() -> str:
    """Read the chip of this host's first card from pyACL, or else from `npu-smi info`.

    The names that npu-smi prints for an A3 are not those of atc; pyACL's are.

    Raises:
        ConversionError: neither works, or atc does not know the chip.
    """
    chip = available_chip()
    return check_soc(chip) if chip else _ask_npu_smi()


def _ask_npu_smi() -> str:
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
