"""The photos of the examples, in the order of the gallery."""

import json
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def example_photos() -> list[Path]:
    """Return the paths of the examples' photos.

    Raises:
        OSError: the gallery cannot be read.
    """
    entries = json.loads((EXAMPLES / "gallery.json").read_text("utf-8"))
    return [EXAMPLES / entry["file"] for entry in entries]
