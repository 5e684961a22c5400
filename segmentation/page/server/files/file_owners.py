"""The network that each stored file belongs to, and the share of each network."""

import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cache
from math import inf
from pathlib import Path

from segmentation.errors import StorageFull
from segmentation.i18n import Text
from segmentation.page.server.files.storage import MIN_FILE_BYTES, StorageUsage, usage_of

# A hold ends this long after it was renewed, since a visitor may leave while a batch runs.
HOLD_SECONDS = 600
SHARE_HELD = Text(
    "A batch from your network is still running and needs the space. Try again when it has "
    "finished.",
    "您所在网络的批量任务还在进行，空间暂时不足，请等其完成后再试。",
)


class FileOwners:
    """Files by network, the oldest first. Thread-safe.

    A network at its limit loses its own oldest files, and nobody else's; files that are held stay.

    Args:
        usage: the running total of the folder that the files are in.
        clock: monotonic time in seconds.

    Attributes:
        share_bytes: bytes that the files of one network may have.
    """

    def __init__(self, usage: StorageUsage, clock: Callable[[], float] = time.monotonic) -> None:
        self.share_bytes = inf
        self._usage = usage
        self._clock = clock
        self._lock = threading.Lock()
        self._sizes: dict[tuple[str, Path], int] = {}
        # By the file that a batch makes: when its hold ends, and the files that it needs.
        self._holds: dict[Path, tuple[float, frozenset[Path]]] = {}

    def used_bytes(self, network: str) -> int:
        """The bytes that the files of a network count for."""
        with self._lock:
            return self._used_bytes(network)

    def add(self, network: str, path: Path) -> None:
        """Count a stored file for a network. A file that several networks stored counts for each.

        Args:
            network: the network.
            path: the file; one that does not exist yet counts as a small file until `refresh`.
        """
        with self._lock:
            self._sizes.pop((network, path), None)
            self._sizes[network, path] = _size(path) or MIN_FILE_BYTES

    def hold(self, holder: Path, paths: Collection[Path]) -> None:
        """Keep files from being deleted to make room, until `HOLD_SECONDS` from now.

        Args:
            holder: the file that is being made of them; its former hold ends.
            paths: the files; without any there is no hold.
        """
        now = self._clock()
        with self._lock:
            self._holds = {key: hold for key, hold in self._holds.items() if hold[0] >= now}
            self._holds.pop(holder, None)
            if paths:
                self._holds[holder] = now + HOLD_SECONDS, frozenset(paths)

    def make_room(self, network: str, size: int) -> None:
        """Delete the oldest files of a network until a file of this size fits into its share.

        Raises:
            StorageFull: files that are held leave no room.
        """
        with self._lock:
            used, held = self._used_bytes(network), self._held_paths()
            for owner, path in list(self._sizes):
                if used + size <= self.share_bytes:
                    return
                if owner == network and path not in held:
                    used -= self._sizes.pop((owner, path))
                    self._delete(path)
            if used and used + size > self.share_bytes:
                raise StorageFull(SHARE_HELD.en, SHARE_HELD.zh)

    def delete(self, network: str, path: Path) -> None:
        """Delete a file of a network, unless it belongs to another one too."""
        with self._lock:
            self._sizes.pop((network, path), None)
            self._delete(path)

    def refresh(self) -> None:
        """Forget files that do not exist any more, and measure the others again."""
        with self._lock:
            sizes = {key: _size(key[1]) for key in self._sizes}
            self._sizes = {key: size for key, size in sizes.items() if size is not None}

    def _used_bytes(self, network: str) -> int:
        return sum(size for (owner, _), size in self._sizes.items() if owner == network)

    def _held_paths(self) -> set[Path]:
        now = self._clock()
        return {path for end, paths in self._holds.values() if end >= now for path in paths}

    def _delete(self, path: Path) -> None:
        if any(other == path for _, other in self._sizes):
            return
        # It may have been swept. If Windows has it open, the sweep deletes it later.
        with suppress(OSError):
            size = path.lstat().st_size
            path.unlink()
            self._usage.remove_file(size, path)
            path.parent.rmdir()


@cache
def owners_of(folder: Path) -> FileOwners:
    """The owners of the files in a folder, one table for all threads of this process."""
    return FileOwners(usage_of(folder))


def _size(path: Path) -> int | None:
    with suppress(OSError):
        return max(path.lstat().st_size, MIN_FILE_BYTES)
    return None
