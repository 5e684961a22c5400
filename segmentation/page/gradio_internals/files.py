"""Gradio's folder for visitors' files, and files among the inputs of a call."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gradio import routes
from gradio.utils import get_upload_folder, is_in_or_equal
from gradio_client.utils import is_file_obj_with_meta, traverse

# Gradio makes this folder for a feature of its development mode, which the page has no route to.
_UNUSED_FOLDER = "vibe_edit_history"


def upload_folder() -> Path:
    """The folder for visitors' files: GRADIO_TEMP_DIR, or Gradio's default for it."""
    return Path(get_upload_folder())


def is_uploaded(path: str) -> bool:
    """Whether a path is in the folder for visitors' files, by the rule that Gradio serves by."""
    return bool(is_in_or_equal(path, upload_folder()))


def is_file(value: Any) -> bool:
    """Whether a value is a file as Gradio marks them."""
    return bool(is_file_obj_with_meta(value))


def visit_files(inputs: Any, visit: Callable[[dict[str, Any]], object]) -> None:
    """Call a function for each file among the inputs of a call, at any depth."""
    traverse(inputs, visit, is_file_obj_with_meta)


def keep_folders_below(folder: Path) -> None:
    """Make Gradio create its own folder below the folder for visitors' files.

    Gradio chooses the place when it is imported, where its folder would stay behind.
    """
    setattr(routes, "DEFAULT_TEMP_DIR", str(folder))  # noqa: B010


def delete_unused_folder(folder: Path) -> None:
    """Delete the empty folder that the launch of a page created."""
    with suppress(OSError):
        (folder / _UNUSED_FOLDER).rmdir()
