"""The host that figures are measured on."""

import os
import platform
from pathlib import Path


def describe_host() -> str:
    """Describe the processor and its number of cores, for print beside measured figures."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"
