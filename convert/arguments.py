"""Argument types that several commands share."""

import argparse
import re

from segmentation.arrays import SizeHW


def parse_size_hw(text: str) -> SizeHW:
    """Parse `512` or `512x768` (height x width).

    Raises:
        argparse.ArgumentTypeError: the text is not a size.
    """
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is not a size such as 512 or 512x768")
    return int(match[1]), int(match[2] or match[1])


def format_size(size_hw: SizeHW) -> str:
    """Format a size as HEIGHTxWIDTH."""
    return f"{size_hw[0]}x{size_hw[1]}"


def positive_int(text: str) -> int:
    """Parse a whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: the number is less than 1.
        ValueError: the text is not a whole number.
    """
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def positive_float(text: str) -> float:
    """Parse a finite number greater than 0.

    Raises:
        argparse.ArgumentTypeError: the number is not finite or not greater than 0.
        ValueError: the text is not a number.
    """
    if not 0 < (value := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value
