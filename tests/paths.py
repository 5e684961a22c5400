"""Folders and files that several tests read."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
DATA = ROOT / "tests" / "data"
# For a person to look at; not kept.
SCREENSHOTS = ROOT / "tests" / "screenshots"
