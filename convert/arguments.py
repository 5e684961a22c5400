"""Types of arguments that several commands take."""

import argparse
import re

from segmentation.arrays import SizeHW


def parse_size(text: str) -> SizeHW:
    """`512` or `512x768` (height x width), as argparse wants its types."""
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is not a size such as 512 or 512x768")
    return int(match[1]), int(match[2] or match[1])


def size_text(size_hw: SizeHW) -> str:
    """A size as people write it: HEIGHTxWIDTH."""
    return f"{size_hw[0]}x{size_hw[1]}"


def positive(text: str) -> int:
    """A whole number from 1, as argparse wants its types."""
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def some_time(text: str) -> float:
    """A duration of more than nothing, as argparse wants its types."""
    if not 0 < (value := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time to work in")
    return value
