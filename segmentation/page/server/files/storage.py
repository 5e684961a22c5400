"""The space that visitors' files take: a running total for each folder."""

import logging
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from segmentation.errors import StorageFull
from segmentation.i18n import Text

# For the files of all visitors together, so that the page cannot fill the disk of its host.
STORAGE_MEGABYTES = 4_000
# A smaller file counts as this many bytes, since many small files burden a disk and a sweep too.
MIN_FILE_BYTES = 200_000
# A nearly full folder is counted again at most this often.
RECOUNT_SECONDS = 10

STORAGE_FULL = Text(
    "The server has no space for another file right now. Try again in a few minutes.",
    "服务器暂时没有空间存放更多文件，请过几分钟再试。",
)


class StorageUsage:
    """Running total of the bytes that the files in a folder count for. Thread-safe.

    The total is an upper bound: a file that replaces an equal one counts twice until the folder is
    counted again. Each sweep corrects the total, and `check` does before it refuses a file.

    Args:
        folder: files in it count at any depth, including those that are there already.
        max_megabytes: megabytes that the folder may hold.
        clock: monotonic time in seconds.
    """

    def __init__(
        self,
        folder: Path,
        max_megabytes: float = STORAGE_MEGABYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_megabytes * 1e6
        self._clock = clock
        self._lock = threading.Lock()
        # Bytes added since the start, and those of them that are not in the folder any more.
        self._added = 0
        self._removed = 0
        # Files that are still being written; they count by their size on disk.
        self._growing: set[Path] = set()
        self._recount_lock = threading.Lock()
        self._recount_at = clock()
        self._recount()

    @property
    def used_bytes(self) -> int:
        """The running total."""
        with self._lock:
            return self._added - self._removed + sum(map(_counted_bytes, self._growing))

    def check(self, size: int) -> None:
        """Make sure that a file fits.

        Args:
            size: bytes of the file.

        Raises:
            StorageFull: the folder would exceed its limit, or the disk has no space left.
        """
        if self.used_bytes + size > self._max_bytes:
            self._recount()
        full = self.used_bytes + size > self._max_bytes
        if full or (self._folder.exists() and shutil.disk_usage(self._folder).free < size):
            raise StorageFull(STORAGE_FULL.en, STORAGE_FULL.zh)

    def add(self, size: int) -> None:
        """Count bytes that are written to the folder."""
        with self._lock:
            self._added += size

    def add_file(self, size: int) -> None:
        """Count a file that is written to the folder."""
        self.add(max(size, MIN_FILE_BYTES))

    def remove_file(self, size: int, path: Path) -> None:
        """Count a file as deleted.

        Args:
            size: bytes of the file.
            path: the file; one that `add_growing_file` counted does not count any more.
        """
        with self._lock:
            if path in self._growing:
                self._growing.discard(path)
            else:
                self._removed += max(size, MIN_FILE_BYTES)

    def add_growing_file(self, path: Path) -> None:
        """Count a file that is written bit by bit, from now on and by its size on disk."""
        with self._lock:
            self._growing.add(path)

    def mark(self) -> int:
        """The bytes added since the start. Take it before the folder is counted."""
        with self._lock:
            return self._added

    def correct(self, sizes: Mapping[Path, int], mark: int) -> None:
        """Set the total right after the folder was counted.

        Bytes that were added during the count are added to it, whether it found them or not.

        Args:
            sizes: bytes that each file in the folder counts for.
            mark: what `mark` returned before the count.
        """
        with self._lock:
            # A file may be announced before it exists; its folder exists already.
            self._growing = {path for path in self._growing if path.parent.exists()}
            counted = sum(size for path, size in sizes.items() if path not in self._growing)
            self._removed = mark - counted

    def _recount(self) -> None:
        with self._recount_lock:
            if self._clock() < self._recount_at:
                return
            mark = self.mark()
            self.correct({path: _counted_bytes(path) for path in paths_in(self._folder)}, mark)
            self._recount_at = self._clock() + RECOUNT_SECONDS


@cache
def usage_of(folder: Path) -> StorageUsage:
    """The running total of a folder, one for all threads of this process."""
    return StorageUsage(folder)


def check_free_space(folder: Path, size: int) -> None:
    """Make sure that a file fits into the folder for visitors' files.

    Args:
        folder: the folder.
        size: bytes of the file.

    Raises:
        StorageFull: the folder would exceed its limit, or the disk has no space left.
    """
    usage_of(folder).check(size)


@contextmanager
def translate_disk_errors() -> Iterator[None]:
    """Report a file that cannot be written to the visitor, and the cause to the operator.

    Raises:
        StorageFull: any `OSError` was raised; the text names no path.
    """
    try:
        yield
    except OSError as error:
        logging.getLogger(__name__).exception("A visitor's file could not be written.")
        raise StorageFull(STORAGE_FULL.en, STORAGE_FULL.zh) from error


def paths_in(folder: Path) -> Iterator[Path]:
    """Files and folders in a folder, at any depth, the deepest first.

    Not `Path.rglob`, which raises where a folder is deleted in the meantime.
    """
    for parent, folders, files in os.walk(folder, topdown=False):
        yield from (Path(parent, name) for name in (*files, *folders))


def counted_bytes(status: os.stat_result) -> int:
    """The bytes that a path counts for: 0 for a folder, at least `MIN_FILE_BYTES` for a file."""
    return 0 if stat.S_ISDIR(status.st_mode) else max(status.st_size, MIN_FILE_BYTES)


def _counted_bytes(path: Path) -> int:
    with suppress(OSError):  # deleted in the meantime, or not written yet
        return counted_bytes(path.lstat())
    return 0
