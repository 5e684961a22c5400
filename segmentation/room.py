"""The folder for what visitors send and get: how much may lie in it, and for how long."""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from segmentation.errors import NoRoom
from segmentation.text import Text

# Of all visitors together, so that the page cannot fill the disk of the host it runs on.
ROOM_MEGABYTES = 4_000
NO_ROOM = Text(
    "The server has no room for another file right now. Try again in some minutes.",
    "服务器暂时没有空间存放更多文件，请过几分钟再试。",
)


def check_room(folder: Path, size: int, megabytes: float = ROOM_MEGABYTES) -> None:
    """Make sure that more may be put into a folder.

    Args:
        folder: what lies in it counts, at any depth.
        size: in bytes, of what is to come.
        megabytes: how much the folder may hold.

    Raises:
        NoRoom: the folder would hold more, or the disk would be full.
    """
    full = sum(_size(path) for path in _files(folder)) + size > megabytes * 1e6
    if full or (folder.exists() and shutil.disk_usage(folder).free < size):
        raise NoRoom(NO_ROOM.en, NO_ROOM.zh)


@contextmanager
def disk_explained() -> Iterator[None]:
    """Tell the visitor that a file could not be written, and the operator why.

    Raises:
        NoRoom: for any `OSError`; it names no path.
    """
    try:
        yield
    except OSError as error:
        logging.getLogger(__name__).exception("A visitor's file could not be written.")
        raise NoRoom(NO_ROOM.en, NO_ROOM.zh) from error


def sweep(folder: Path, seconds: float) -> None:
    """Delete what was put into a folder longer ago than this, and folders in it left empty.

    The disk is asked, not a list of what was put there: a list ends with its process, does not know
    of an upload cut short, and may be lied to by an upload's name.
    """
    born_before = time.time() - seconds
    deepest_first = sorted(folder.rglob("*"), reverse=True)
    for path in deepest_first:
        # What is gone, or a folder filled again, in this moment has found its way already.
        with suppress(OSError):
            if path.lstat().st_ctime < born_before:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:  # swept in the meantime
        return 0
