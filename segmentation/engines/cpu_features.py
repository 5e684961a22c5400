"""What the processor computes fast."""

import platform
import sys
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
# Names in /proc/cpuinfo of instructions that add up products of 8-bit integers in 32 bits: VNNI on
# x86, and the dot product on ARM. Without them, int8 is hardly faster than float32.
INT8_FLAGS = frozenset({"avx_vnni", "avx512_vnni", "amx_int8", "asimddp"})


def multiplies_int8_fast() -> bool:
    """Whether int8 is much faster than float32 on this processor; False if that is not known.

    Linux names the instructions, see INT8_FLAGS. All Apple processors with the ARM instruction set
    have them.
    """
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return CPUINFO.exists() and has_int8_flags(CPUINFO.read_text("utf-8", errors="replace"))


def has_int8_flags(cpuinfo: str) -> bool:
    """Whether the text of /proc/cpuinfo names one of INT8_FLAGS."""
    return not INT8_FLAGS.isdisjoint(cpuinfo.split())
