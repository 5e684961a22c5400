"""Types of argparse for the flags of the command line and of the page."""

import argparse

from segmentation.engines.registry import EngineChoice, check_engine_choice
from segmentation.errors import ChoiceError
from segmentation.image.formats import find_format


def percent(text: str) -> float:
    """Parse a percentage with or without its sign, as a type of argparse.

    Raises:
        ValueError: the text is not a number.
    """
    return float(text.removesuffix("%"))


def score(text: str) -> float:
    """Parse a number from 0 to 1, as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: the number is out of range.
        ValueError: the text is not a number.
    """
    if not 0 <= (value := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def count(text: str) -> int:
    """Parse a whole number that is not negative, as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: the number is negative.
        ValueError: the text is not a whole number.
    """
    if (value := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value


def format_name(text: str) -> str:
    """Turn a format's name or extension, in any case, into its name, as a type of argparse.

    Returns:
        The name; the text itself if there is no such format.
    """
    try:
        return find_format(text).name
    except ChoiceError:
        return text  # argparse lists the choices


def engine(text: str) -> EngineChoice:
    """Parse an engine's name or the address of replicas, as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: the text is neither.
    """
    try:
        return check_engine_choice(text if "://" in text else text.lower())
    except ChoiceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
