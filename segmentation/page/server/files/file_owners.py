"""The network that each stored file belongs to, and the share of each network."""

import threading
from contextlib import suppress
from functools import cache
from math import inf
from pathlib import Path

from segmentation.page.server.files.storage import MIN_FILE_BYTES, StorageUsage, usage_of


class FileOwners:
    """Files by network, the oldest first. Thread-safe.

    A network at its limit loses its own oldest files, and nobody else's.

    Args:
        usage: the running total of the folder that the files are in.

    Attributes:
        share_bytes: bytes that the files of one network may have.
    """

    def __init__(self, usage: StorageUsage) -> None:
        self.share_bytes = inf
        self._usage = usage
        self._lock = threading.Lock()
        self._sizes: dict[tuple[str, Path], int] = {}

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

    def make_room(self, network: str, size: int) -> None:
        """Delete the oldest files of a network until a file of this size fits into its share."""
        with self._lock:
            used = self._used_bytes(network)
            for owner, path in list(self._sizes):
                if used + size <= self.share_bytes:
                    return
                if owner == network:
                    used -= self._sizes.pop((owner, path))
                    self._delete(path)

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
