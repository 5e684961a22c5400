"""Write files into a model folder so that an interrupted run leaves none behind."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segmentation.model_card import CARD

PREFIX = ".partial-"


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """Create a temporary folder inside a model folder.

    The temporary folder is removed when the block ends, with any that a killed run left there. The
    model folder is created if it does not exist, and removed again if it is still empty.

    Raises:
        OSError: the folder cannot be created or written to.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(leftover)
    try:
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
