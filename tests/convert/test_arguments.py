"""Argument types that several commands share."""

import argparse

import pytest

from convert.arguments import format_size, parse_size_hw, positive_float, positive_int
from segmentation.arrays import SizeHW


@pytest.mark.parametrize(("text", "size_hw"), [("512", (512, 512)), ("384x512", (384, 512))])
def test_a_size_is_one_side_or_height_and_width(text: str, size_hw: SizeHW) -> None:
    assert parse_size_hw(text) == size_hw
    assert parse_size_hw(format_size(size_hw)) == size_hw


@pytest.mark.parametrize("text", ["", "big", "1x", "x2"])
def test_other_texts_are_not_sizes(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_size_hw(text)


def test_positive_numbers_are_parsed() -> None:
    assert positive_int("3") == 3
    assert positive_float("0.5") == 0.5


def test_zero_and_infinity_are_not_positive_numbers() -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        positive_int("0")
    for text in ("0", "-1", "inf", "nan"):
        with pytest.raises(argparse.ArgumentTypeError):
            positive_float(text)
