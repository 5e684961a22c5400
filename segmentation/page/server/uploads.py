"""The folder for what visitors send and get: how much may lie in it, and for how long."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from segmentation.errors import PhotoError, StorageFull
from segmentation.i18n import Text
from segmentation.image.photo import Limits, Photo
from segmentation.image.read import read_photo
from segmentation.page.strings import STRINGS

# Of all visitors together, so that the page cannot fill the disk of the host it runs on.
ROOM_MEGABYTES = 4_000
# What a file counts for at least: a disk, and whoever looks through it, minds their number too.
LEAST_BYTES = 200_000
ROOM = "koutu-"
# In a room as long as a page lives there: a name that no folder of anybody else's has by chance.
TENANT = ".koutu-tenant"
TENANT_TO_BE = ".koutu-tenant-to-be"
# A file, and when the disk says that it was last changed.
Sighting = tuple[Path, int]
NOTHING_SEEN: Mapping[Sighting, float] = MappingProxyType({})
STORAGE_FULL = Text(
    "The server has no room for another file right now. Try again in some minutes.",
    "服务器暂时没有空间存放更多文件，请过几分钟再试。",
)


@contextmanager
def temporary_uploads_folder(base: Path) -> Iterator[Path]:
    """A new folder that nobody else reads, gone in the end with all that lies in it.

    Others of the kind below `base`, whose pages were killed before they could, go as well.
    Nothing else there is touched.

    Raises:
        StorageFull: `base` cannot be made or written.
    """
    try:
        base.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=ROOM, dir=base))
        tenant = os.open(room / TENANT_TO_BE, os.O_CREAT | os.O_RDWR, 0o600)
        # Held before it has the name that others look for: else one who starts at the same time
        # would take the room for abandoned.
        _lock(tenant)
        (room / TENANT_TO_BE).rename(room / TENANT)
    except OSError as error:
        raise StorageFull(
            f"No folder for visitors' photos can be made in {base}. Name another place in "
            "GRADIO_TEMP_DIR.",
            f"无法在 {base} 中建立存放访客照片的文件夹，请用 GRADIO_TEMP_DIR 指定其他位置。",
        ) from error
    try:
        _clear_the_abandoned(base)
        yield room
    finally:
        os.close(tenant)
        shutil.rmtree(room, ignore_errors=True)
        _clear_the_abandoned(base)


def _clear_the_abandoned(base: Path) -> None:
    for room in base.glob(ROOM + "*"):
        # What cannot be opened or locked is somebody's; where nothing can be locked, all are.
        with suppress(OSError):
            if room.is_symlink():
                continue
            tenant = os.open(room / TENANT, os.O_RDWR)
            try:
                if _lock(tenant):
                    shutil.rmtree(room, ignore_errors=True)
            finally:
                os.close(tenant)


def _lock(file: int) -> bool:
    """Hold a file until it is closed or the process ends, however; whether nobody else does.

    On Windows, which has other locks, nothing is held, and rooms of killed pages stay.
    """
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def check_free_space(folder: Path, size: int, megabytes: float = ROOM_MEGABYTES) -> None:
    """Make sure that more may be put into a folder.

    Args:
        folder: what lies in it counts, at any depth, and tiny files as LEAST_BYTES.
        size: in bytes, of what is to come.
        megabytes: how much the folder may hold.

    Raises:
        StorageFull: the folder would hold more, or the disk would be full.
    """
    full = sum(_size(path) for path in _files(folder)) + size > megabytes * 1e6
    if full or (folder.exists() and shutil.disk_usage(folder).free < size):
        raise StorageFull(STORAGE_FULL.en, STORAGE_FULL.zh)


@contextmanager
def translate_disk_errors() -> Iterator[None]:
    """Tell the visitor that a file could not be written, and the operator why.

    Raises:
        StorageFull: for any `OSError`; it names no path.
    """
    try:
        yield
    except OSError as error:
        logging.getLogger(__name__).exception("A visitor's file could not be written.")
        raise StorageFull(STORAGE_FULL.en, STORAGE_FULL.zh) from error


def read_upload(path: str | Path, limits: Limits, gone: Text = STRINGS["gone"]) -> Photo:
    """Read a file of a visitor's again.

    Raises:
        PhotoError: it was swept away in the meantime, which `gone` says, or cannot be used.
    """
    if not Path(path).exists():
        raise PhotoError(gone.en, gone.zh)
    return read_photo(Path(path), limits)


def sweep(
    folder: Path,
    seconds: float,
    seen: Mapping[Sighting, float] = NOTHING_SEEN,
    clock: Callable[[], float] = time.monotonic,
) -> dict[Sighting, float]:
    """Delete what has lain in a folder for longer than this, and folders that were empty as long.

    What lies there is asked of the disk, not of a list of what was put there: a list ends with its
    process, does not know of an upload cut short, and may be lied to by an upload's name. How long
    it has lain is not: the time of a file is that of a clock which is set right on some hosts when
    they have been up for hours.

    Args:
        folder: the folder.
        seconds: since it was seen here first, or changed.
        seen: what the last sweep answered.
        clock: seconds that never go back.

    Returns:
        What is left, and since when it has been seen.
    """
    now = clock()
    left: dict[Sighting, float] = {}
    deepest_first = sorted(folder.rglob("*"), reverse=True)
    for path in deepest_first:
        if path == folder / TENANT:
            continue
        # What is gone, or a folder filled again, in this moment has found its way already.
        with suppress(OSError):
            sighting = path, path.lstat().st_ctime_ns
            left[sighting] = seen.get(sighting, now)
            if now - left[sighting] > seconds:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
                del left[sighting]
    return left


def _files(folder: Path) -> Iterator[Path]:
    # Its own tenant alone: an upload may have any name.
    return (path for path in folder.rglob("*") if path.is_file() and path != folder / TENANT)


def _size(path: Path) -> int:
    try:
        return max(path.lstat().st_size, LEAST_BYTES)
    except FileNotFoundError:  # swept in the meantime
        return 0
