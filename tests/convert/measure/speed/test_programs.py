"""Whole processes beside each other."""

import sys
from pathlib import Path

import pytest

from convert.measure.speed.programs import ProgramCost, drop_cached, format_row, run_program
from segmentation.errors import ConversionError

HUNDRED_MB = "buffer = bytearray(100_000_000)"
# Takes processor time in a child process, not in the process that is started.
BUSY_CHILD = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(3_000_000))'])"
)


def test_the_memory_and_the_time_of_a_process_are_its_own() -> None:
    idle, large = (run_program([sys.executable, "-c", code]) for code in ("pass", HUNDRED_MB))
    assert 90 < large.peak_mb - idle.peak_mb < 110
    assert idle.cpu_seconds > 0
    assert idle.seconds > 0


def test_the_processor_time_of_child_processes_counts() -> None:
    idle, busy = (run_program([sys.executable, "-c", code]) for code in ("pass", BUSY_CHILD))
    assert busy.cpu_seconds > 1.5 * idle.cpu_seconds


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ([sys.executable, "-c", "raise SystemExit(3)"], "exit code 3"),
        (["/nowhere/program"], "it is not installed"),
    ],
)
def test_a_program_that_fails_is_named(command: list[str], reason: str) -> None:
    with pytest.raises(ConversionError, match=f"{command[0]}.* failed: {reason}"):
        run_program(command)


def test_files_keep_their_contents(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "weights.bin"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    (tmp_path / "broken").symlink_to("nowhere")
    drop_cached([tmp_path])
    assert path.read_bytes() == b"weights"


def test_a_row_has_medians_and_the_largest_memory() -> None:
    warm = [ProgramCost(seconds, 2 * seconds, 100 * seconds) for seconds in (1.0, 5.0, 2.0)]
    assert format_row("ours", warm, [3.0, 4.0, 9.0]) == "| ours | 2.00 | 4.00 | 4.00 | 500 |"
