"""The cores that the process may use, and their division among photos."""

import os
from pathlib import Path

import pytest

from segmentation.parallel.cores import MAX_JOBS, CoreShares, available_cores, cgroup_cores


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("quotas", "cores"),
    [
        ({}, None),
        ({"a/b": "max 100000"}, None),
        ({"a/b": "150000 100000"}, 1.5),
        ({"a": "200000 100000", "a/b": "max 100000"}, 2),
        ({"a": "100000 100000", "a/b": "400000 100000"}, 1),
        ({"": "300000 100000"}, 3),  # a container that sees the path of its host
        ({"c": "100000 100000"}, None),  # of other processes
    ],
)
def test_the_smallest_quota_above_the_process_counts(
    tmp_path: Path, quotas: dict[str, str], cores: float | None
) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/a/b\n")
    for group, quota in quotas.items():
        write(tmp_path / "sys/fs/cgroup" / group / "cpu.max", quota + "\n")
    assert cgroup_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", None), ("250000", 2.5)])
def test_version_1_of_cgroups(tmp_path: Path, quota: str, cores: float | None) -> None:
    write(tmp_path / "proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/a\n")
    write(tmp_path / "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", quota + "\n")
    write(tmp_path / "sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n")
    assert cgroup_cores(tmp_path) == cores


def test_a_host_without_cgroups_has_no_quota(tmp_path: Path) -> None:
    assert cgroup_cores(tmp_path) is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="there is no affinity here")
def test_affinity_counts() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert available_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("photos", "cores", "threads", "jobs", "expected"),
    [
        (1, 8, 0, 0, (1, 8)),
        (40, 2, 0, 0, (2, 1)),
        (3, 8, 0, 0, (3, 2)),
        (40, 64, 0, 0, (MAX_JOBS, 8)),
        (40, 64, 0, 16, (16, 4)),
        (40, 8, 0, 1, (1, 8)),
        (40, 8, 4, 0, (4, 1)),
        (40, 8, 4, 2, (2, 2)),
        (40, 2, 16, 16, (2, 1)),
    ],
)
def test_photos_share_the_cores(
    photos: int, cores: int, threads: int, jobs: int, expected: tuple[int, int]
) -> None:
    shares = CoreShares.of(photos, cores, threads, jobs)
    assert (shares.jobs, shares.threads) == expected
    assert shares.jobs * shares.threads <= cores
