"""Write files into a model folder: an interrupted run leaves none, and two runs wait in turn."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from segmentation.errors import ConversionError
from segmentation.model_card import CARD, ModelCard, load_card, save_card

PREFIX = ".partial-"


def check_writable(folder: Path) -> None:
    """Check that files can be added to a model folder, before a long run finds out.

    Raises:
        ConversionError: they cannot.
    """
    if not os.access(folder, os.W_OK):
        raise ConversionError(
            f"{folder} cannot be written to. Copy the model folder, and give the copy.",
            f"无法写入 {folder}。请复制模型文件夹，并改用副本。",
        )


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other runs from writing to a model folder while the block runs; wait for them first."""
    if sys.platform == "win32":  # folders cannot be locked there
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems have no such locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def update_card(folder: Path, change: Callable[[ModelCard], ModelCard]) -> ModelCard:
    """Change the card of a model folder as it is now, which another run may have changed.

    Returns:
        The new card.

    Raises:
        ModelError: the card cannot be read any more.
        OSError: the folder cannot be written.
    """
    with lock_folder(folder):
        card = change(load_card(folder))
        save_card(card)
    return card


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """Create a temporary folder inside a model folder, which is locked for other runs.

    The temporary folder is removed when the block ends, with any that a killed run left there. The
    model folder is created if it does not exist, and removed again if it is still empty.

    Raises:
        OSError: the folder cannot be created or written to.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with lock_folder(folder):
            for leftover in folder.glob(f"{PREFIX}*"):
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder) as partial:
                yield Path(partial)
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def move_files(partial: Path, folder: Path) -> None:
    """Move all files of a scratch folder into its model folder.

    The card is moved last, so that it never lists a file that is not there yet.

    Raises:
        OSError: a file cannot be moved.
    """
    for path in sorted(partial.iterdir(), key=lambda path: path.name == CARD):
        path.replace(folder / path.name)
