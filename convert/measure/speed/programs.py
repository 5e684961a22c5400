"""python -m convert programs: the command line beside other programs, as whole processes."""

import argparse
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from convert.arguments import positive_int
from convert.measure.host import describe_conditions, describe_host
from convert.measure.speed.page_process import ROOT
from convert.measure.speed.scaled_photo import scale_photo
from segmentation import Limits, encode, read_photo
from segmentation.errors import ConversionError

# Runs a program and prints its exit code, seconds, processor time and largest memory in KiB. A
# process of its own, since Linux counts the memory of the one that starts a program as the
# program's, too.
LAUNCHER = """
import resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
seconds = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(code, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


@dataclass(frozen=True, slots=True)
class ProgramCost:
    """What one run of a program takes.

    Attributes:
        seconds: from its start to its end.
        cpu_seconds: processor time, that of its own child processes included.
        peak_mb: largest memory of one of these processes, in MB.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--photo", type=Path, default=ROOT / "examples" / "two_dogs.jpg")
    parser.add_argument("--megapixels", type=float, default=12, help="the photo is scaled to this")
    parser.add_argument("--rounds", type=positive_int, default=5)
    parser.add_argument(
        "--against",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "COMMAND"),
        help="another program; {photo} and {output} in its command are replaced by paths",
    )
    parser.add_argument(
        "--files",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="the other programs' files, which are read from the disk again in a cold run",
    )


def run(args: argparse.Namespace) -> None:
    """Print a Markdown table: each program warm and cold, in turns.

    Raises:
        ConversionError: a program failed.
        KoutuError: the photo cannot be used.
    """
    print(f"{describe_host()}, {args.rounds} runs each, {args.megapixels:g} MP")
    print(f"{describe_conditions()}\n")
    with tempfile.TemporaryDirectory() as folder:
        photo, output = Path(folder, "photo.jpg"), Path(folder, "output.png")
        source = scale_photo(read_photo(args.photo, Limits(megapixels=1e3)), args.megapixels)
        photo.write_bytes(encode(source.rgb, "jpeg"))
        ours = [sys.executable, "-m", "segmentation", str(photo), "-o", str(output)]
        commands = {"python -m segmentation": ours} | {
            name: shlex.split(command.format(photo=photo, output=output))
            for name, command in args.against
        }
        files = (Path(sys.prefix), ROOT, *args.files)
        warm: dict[str, list[ProgramCost]] = {name: [] for name in commands}
        cold: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(args.rounds):
            for name, command in commands.items():
                drop_cached(files)
                cold[name].append(run_program(command).seconds)
                warm[name].append(run_program(command))
    print("| program | warm s | cold s | processor s | peak MB |\n|---|---|---|---|---|")
    for name in commands:
        print(format_row(name, warm[name], cold[name]))


def run_program(command: list[str]) -> ProgramCost:
    """Run a program to its end.

    Raises:
        ConversionError: it is not installed, or its exit code is not 0.
    """
    if shutil.which(command[0]) is None:
        raise _failed(command, "it is not installed", "未安装该程序")
    launcher = [sys.executable, "-c", LAUNCHER, *command]
    process = subprocess.run(launcher, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    code, seconds, cpu_seconds, peak_kib = process.stdout.split()
    if code != "0":
        raise _failed(command, f"exit code {code}", f"退出码 {code}")
    return ProgramCost(float(seconds), float(cpu_seconds), int(peak_kib) * 1024 / 1e6)


def drop_cached(folders: Iterable[Path]) -> None:
    """Let the system forget the contents of files, as far as no running program uses them."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and os.access(path, os.R_OK):
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(descriptor)


def format_row(name: str, warm: list[ProgramCost], cold: list[float]) -> str:
    """Format a row of the table: medians, and the largest memory."""
    cells = (
        name,
        f"{statistics.median(cost.seconds for cost in warm):.2f}",
        f"{statistics.median(cold):.2f}",
        f"{statistics.median(cost.cpu_seconds for cost in warm):.2f}",
        f"{max(cost.peak_mb for cost in warm):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _failed(command: list[str], reason: str, reason_zh: str) -> ConversionError:
    return ConversionError(
        f"{shlex.join(command)} failed: {reason}. Run it by itself to see why.",
        f"{shlex.join(command)} 运行失败：{reason_zh}。请单独运行以查看原因。",
    )
