"""Figures of other processes, from Linux's /proc."""

import os
from contextlib import suppress
from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the ids of a process's children; none if it has ended."""
    with suppress(OSError):
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    return []


def megabytes(pid: int, name: str) -> float:
    """Return a memory figure of a process, such as VmRSS; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far; 0 if it has ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0
