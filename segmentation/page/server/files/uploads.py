"""The folder for visitors' files: created, read and swept."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType

from filelock import FileLock

from segmentation.errors import PhotoError, StorageFull
from segmentation.i18n import Text
from segmentation.image.photo import Limits, Photo
from segmentation.image.read import read_photo
from segmentation.page.server.files.file_owners import owners_of
from segmentation.page.server.files.storage import counted_bytes, paths_in, usage_of
from segmentation.page.strings import STRINGS

# Visitors' files are deleted this long after they were stored.
KEEP_SECONDS = 3600
SWEEP_SECONDS = 300
FOLDER_PREFIX = "koutu-"
TOKEN_BYTES = 8
# The lock of each folder, which its page holds, stands beside it: Windows deletes no folder in
# which a file is open. Random names keep other people's files from matching.
LOCK_PATTERN = FOLDER_PREFIX + "[0-9a-f]" * 2 * TOKEN_BYTES + ".lock"
# Another page that starts or ends may hold a new lock for a moment.
LOCK_SECONDS = 10

# A path, and the change time that the file system reports for it in nanoseconds.
Sighting = tuple[Path, int]
NOTHING_SEEN: Mapping[Sighting, float] = MappingProxyType({})


@contextmanager
def temporary_uploads_folder(base: Path) -> Iterator[Path]:
    """Create a new folder that only this user can read, and delete it with its content at the end.

    Folders below `base` that killed pages left behind are deleted too. Nothing else there is
    touched.

    Args:
        base: the folder to create it in; it is created if it does not exist.

    Raises:
        StorageFull: `base` cannot be created or written.
    """
    folder = base / (FOLDER_PREFIX + token_hex(TOKEN_BYTES))
    lock = _lock_of(folder)
    try:
        base.mkdir(parents=True, exist_ok=True)
        # The lock comes first, or a page that starts now would consider the folder abandoned. On
        # a file system without locks, no page deletes the folder of another.
        with suppress(OSError):
            lock.acquire(timeout=LOCK_SECONDS)
        folder.mkdir(mode=0o700)
    except OSError as error:
        _delete_lock(lock)
        raise StorageFull(
            f"The folder for visitors' photos cannot be created in {base}. Set GRADIO_TEMP_DIR to "
            "another place.",
            f"无法在 {base} 中建立存放访客照片的文件夹，请用 GRADIO_TEMP_DIR 指定其他位置。",
        ) from error
    try:
        _delete_abandoned_folders(base)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _delete_lock(lock)
        _delete_abandoned_folders(base)


def discard_folder(folder: Path) -> None:
    """Delete a folder of `temporary_uploads_folder` whose process ends before its block does."""
    shutil.rmtree(folder, ignore_errors=True)
    _delete_lock(_lock_of(folder))


def _delete_abandoned_folders(base: Path) -> None:
    for path in base.glob(LOCK_PATTERN):
        folder = path.with_suffix("")
        lock = _lock_of(folder)
        # A lock that is held, or belongs to another user, marks a folder in use.
        with suppress(OSError):
            lock.acquire(blocking=False)
            shutil.rmtree(folder, ignore_errors=True)
            _delete_lock(lock)


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder.with_suffix(".lock"), mode=0o600, thread_local=False)


def _delete_lock(lock: FileLock) -> None:
    # Deleted while it is held, so that no other page can take it. Windows refuses that, and
    # `release` deletes it there.
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


def read_upload(path: str | Path, limits: Limits, gone: Text = STRINGS["photo_deleted"]) -> Photo:
    """Read a visitor's file again.

    Args:
        path: the file.
        limits: limits on the photo.
        gone: the text of the error if the file was deleted in the meantime.

    Raises:
        PhotoError: the file was deleted, or cannot be used.
    """
    if not Path(path).exists():
        raise PhotoError(gone.en, gone.zh)
    return read_photo(Path(path), limits)


def delete_all(folder: Path) -> None:
    """Delete everything in a folder, which is several times as fast as a sweep.

    Args:
        folder: the folder; it stays.
    """
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def sweep(
    folder: Path,
    seconds: float,
    seen: Mapping[Sighting, float] = NOTHING_SEEN,
    clock: Callable[[], float] = time.monotonic,
) -> dict[Sighting, float]:
    """Delete files that are older than a time limit, and folders that were empty as long.

    The folder itself is searched instead of a list of stored files: such a list ends with its
    process, misses uploads that were cut short, and can be misled by the name of an upload. The
    age of a file counts from the sweep that saw it first and not from its time stamp: some hosts
    set their clock right hours after they start.

    The running total of the folder is corrected.

    Args:
        folder: the folder.
        seconds: time since a path was first seen here, or changed.
        seen: what the last sweep returned.
        clock: monotonic time in seconds.

    Returns:
        The paths that remain, and when each was first seen.
    """
    now = clock()
    usage = usage_of(folder)
    mark = usage.mark()
    remaining: dict[Sighting, float] = {}
    sizes: dict[Path, int] = {}
    for path in paths_in(folder):
        # The path may be deleted by now, and the folder may have files again.
        with suppress(OSError):
            status = path.lstat()
            sighting = path, status.st_ctime_ns
            remaining[sighting] = seen.get(sighting, now)
            sizes[path] = counted_bytes(status)
            if now - remaining[sighting] > seconds:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
                del remaining[sighting], sizes[path]
    usage.correct(sizes, mark)
    owners_of(folder).refresh()
    return remaining
