"""How files get into a model folder: whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segmentation.model_card import CARD

PREFIX = ".partial-"


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A scratch folder inside a model folder, which is made if there is none.

    It is gone however the block ends, and with it what a killed run may have left; so is a model
    folder that was made for a block that put nothing into it.

    Raises:
        OSError: the folder cannot be made or written.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(left)
    try:
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder) as partial:
            yield Path(partial)
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def move_in(partial: Path, folder: Path) -> None:
    """Move all files of a scratch folder into the model folder around it.

    The card comes last: before it nothing is listed that is not there.
    """
    for path in sorted(partial.iterdir(), key=lambda path: path.name == CARD):
        path.replace(folder / path.name)
