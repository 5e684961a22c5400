"""Limits on the memory and the time that the decoding of one photo may take."""

import sys
from dataclasses import dataclass
from pathlib import Path

# Of any photo: for the file's copies, the tables of decoders, and metadata.
BASE_BYTES = 150_000_000
BYTES_PER_FILE_BYTE = 4
# Enough for 50 MP in every mode: turned RGBA and CMYK, cut-short files, a PNG's transparent colour.
BYTES_PER_PIXEL = 32
# Of CPU time; a 50 MP photo takes 1 to 10 seconds on one core of a server.
BASE_SECONDS = 4
SECONDS_PER_MEGAPIXEL = 0.4
# On a busy host, a second of CPU time takes several seconds.
WALL_FACTOR = 4


@dataclass(frozen=True, slots=True)
class Budget:
    """What one photo may take.

    Attributes:
        memory_bytes: of address space, in addition to that of the idle process.
        cpu_seconds: of CPU time.
    """

    memory_bytes: int
    cpu_seconds: int

    @classmethod
    def of(cls, file_bytes: int, pixels: float) -> "Budget":
        """Return the budget of a file with a number of pixels."""
        memory = BASE_BYTES + BYTES_PER_FILE_BYTE * file_bytes + BYTES_PER_PIXEL * pixels
        return cls(int(memory), round(BASE_SECONDS + SECONDS_PER_MEGAPIXEL * pixels / 1e6))

    @property
    def wall_seconds(self) -> int:
        """How long it may take by the clock."""
        return self.cpu_seconds * WALL_FACTOR


def restrict(now: Budget, most: Budget) -> None:
    """Apply a budget to this process, and give up what a decoder has no need of.

    Linux enforces all of it; macOS does not limit the address space. Windows has none of these
    limits: there the caller's clock alone ends the process.

    Args:
        now: applies from now on; another call may change it.
        most: what no later call can exceed.
    """
    if sys.platform == "win32":
        return
    import resource
    import signal

    signal.setitimer(signal.ITIMER_REAL, now.wall_seconds)
    hard = most.cpu_seconds + 1
    _limit(resource.RLIMIT_CPU, now.cpu_seconds, hard)
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_FSIZE, 0, 0)  # it writes no file
    if sys.platform == "linux":
        # The size of this process in pages, before it decodes anything.
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
        base = pages * resource.getpagesize()
        _limit(resource.RLIMIT_AS, base + now.memory_bytes, base + most.memory_bytes)
        _limit(resource.RLIMIT_NPROC, 0, 0)  # it starts no program and no thread


def _limit(kind: int, soft: int, hard: int) -> None:
    import resource

    _, present = resource.getrlimit(kind)
    if present != resource.RLIM_INFINITY:
        hard = min(hard, present)
    resource.setrlimit(kind, (min(soft, hard), hard))
