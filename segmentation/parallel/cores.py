"""How many processor cores this process may use, and how photos share them."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Photos that are processed at a time unless more are asked for: each one is in memory.
MAX_JOBS = 8


def available_cores() -> int:
    """Count the cores that this process may use, by its affinity and the quota of its cgroups.

    Returns:
        At least 1. A part of a core is not counted.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    quota = cgroup_cores(Path("/"))
    return cores if quota is None else max(1, min(cores, int(quota)))


def cgroup_cores(root: Path) -> float | None:
    """Read the smallest quota of this process' cgroups, version 1 or 2.

    See https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files and
    https://docs.kernel.org/scheduler/sched-bwc.html.

    Args:
        root: the folder that holds `proc` and `sys`.

    Returns:
        Cores, such as 1.5; None without a quota.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    quotas: list[float] = []
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") > 1):
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        # In a container, the path may be that of the host, and only the root exists.
        relative = PurePosixPath(path.lstrip("/"))
        groups = [mount / group for group in (relative, *relative.parents)]
        quotas += [quota for group in groups if (quota := _quota(group)) is not None]
    return min(quotas, default=None)


def _quota(group: Path) -> float | None:
    try:
        if (group / "cpu.max").is_file():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            quota, period = ((group / name).read_text().strip() for name in names)
    except OSError:
        return None
    return None if quota in ("max", "-1") else int(quota) / int(period)


@dataclass(frozen=True, slots=True)
class CoreShares:
    """How photos share the cores.

    Attributes:
        jobs: photos processed at a time.
        threads: of each of them; 0 leaves the number to the libraries.
    """

    jobs: int
    threads: int

    @classmethod
    def of(cls, photos: int, cores: int, threads: int = 0, jobs: int = 0) -> "CoreShares":
        """Divide the cores among photos.

        Threads of one photo wait for each other; photos do not. So each photo gets one core as
        long as there are enough photos.

        Args:
            photos: number of photos, at least 1.
            cores: that the process may use.
            threads: the most that all photos use together; 0 takes all cores.
            jobs: the most photos at a time; 0 takes up to `MAX_JOBS`.
        """
        limit = min(threads or cores, cores)
        at_once = min(jobs or MAX_JOBS, photos, limit)
        return cls(at_once, limit // at_once)
