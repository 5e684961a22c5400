"""A file of at most so many kilobytes has the highest quality that fits."""

from functools import cache

import pytest

from segmentation.errors import ChoiceError
from segmentation.image.formats import Format
from segmentation.image.read import read_photo
from segmentation.image.write import encode, encode_within
from tests.paths import EXAMPLES

CAT = read_photo(EXAMPLES / "chelsea.png").rgb


@cache
def sizes(format_: Format) -> list[int]:
    """Sizes of the photo's files in bytes, for every quality below the best."""
    return [len(encode(CAT, format_, quality)) for quality in range(1, 100)]


@pytest.mark.parametrize("format_", ["jpeg", "webp"])
@pytest.mark.parametrize("max_kilobytes", [8, 20, 40])
def test_the_highest_quality_that_fits_is_used(format_: Format, max_kilobytes: int) -> None:
    best = max(size for size in sizes(format_) if size <= max_kilobytes * 1000)
    data = encode_within(CAT, max_kilobytes, format_, dpi_xy=None)
    assert len(data) <= max_kilobytes * 1000
    assert len(data) >= 0.97 * best


def test_a_file_that_is_small_enough_has_the_quality_asked_for() -> None:
    assert encode_within(CAT, 1000, "jpeg", 80) == encode(CAT, "jpeg", 80)
    assert encode_within(CAT, 1000, "webp") == encode(CAT, "webp", 99)
    assert encode_within(CAT, 1000) == encode(CAT)


@pytest.mark.parametrize("format_", ["jpeg", "webp"])
def test_the_density_counts_and_is_kept(format_: Format) -> None:
    expected = encode(CAT, format_, 80, (300, 300))
    assert encode_within(CAT, len(expected) / 1000, format_, 80, (300, 300)) == expected
    smaller = encode_within(CAT, len(expected) / 1000 - 0.001, format_, 80, (300, 300))
    assert len(smaller) < len(expected)


def test_a_png_that_is_too_large_says_by_how_much() -> None:
    size = len(encode(CAT))
    says = rf"has {size / 1000:.1f} kB, {size / 1000 - 100:.1f} kB too much.* Choose WebP or JPEG"
    with pytest.raises(ChoiceError, match=says):
        encode_within(CAT, 100)


@pytest.mark.parametrize("format_", ["jpeg", "webp"])
def test_a_limit_below_the_lowest_quality_says_by_how_much(format_: Format) -> None:
    size = len(encode(CAT, format_, 1))
    with pytest.raises(ChoiceError, match=rf"still has {size / 1000:.1f} kB, .* kB too much"):
        encode_within(CAT, 1, format_)
