"""Paths that several tests use."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
DATA = ROOT / "tests" / "data"
# For a person to look at; git ignores it.
SCREENSHOTS = ROOT / "tests" / "screenshots"
