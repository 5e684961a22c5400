"""A file that takes too long to encode is refused before, with what to choose instead."""

import re

import numpy as np
import pytest

from segmentation.errors import ChoiceError
from segmentation.image.encoding_time import check_encoding_time
from segmentation.image.formats import OUTPUT_FORMATS, Format
from segmentation.image.photo import Limits
from segmentation.page.server.limits.policy import PRIVATE_PAGE, PUBLIC_PAGE
from tests.readmes import PAGE_README

SECONDS = PUBLIC_PAGE.limits.encoding_seconds or 0
# Settings, and the largest file in MP; the README states these.
STATED = [
    ("png", None, None, 150),
    ("webp", None, None, 27),
    ("webp", 100, None, 4.3),
    ("webp", None, 500, 3.4),
    ("jpeg", 95, 500, 37),
]


def check(
    megapixels: float, format_: Format, quality: int | None, kilobytes: float | None, channels: int
) -> None:
    # Of zeros, which take no memory before they are read.
    image = np.zeros((round(megapixels * 1000), 1000, channels), np.uint8)
    check_encoding_time(image, format_, quality, kilobytes, SECONDS)


@pytest.mark.parametrize(
    ("format_", "quality", "kilobytes", "most"),
    [
        *STATED,
        ("png", 100, 500, 150),  # it is lossless in any case, and is encoded once
        ("jpeg", 95, None, 300),
        ("jpeg", 100, None, 300),
    ],
)
def test_larger_files_than_the_largest_are_refused(
    format_: Format, quality: int | None, kilobytes: float | None, most: float
) -> None:
    check(most * 0.99, format_, quality, kilobytes, 3)
    with pytest.raises(ChoiceError, match=r"MP at most"):
        check(most * 1.02, format_, quality, kilobytes, 3)


@pytest.mark.parametrize("start", ["- 3 s of encoding are", "- 3 秒的编码时间相当于"])
def test_the_readme_states_the_largest_files(start: str) -> None:
    stated = PAGE_README.read_text("utf-8").split(start)[1].split("\n-")[0]
    units = {"MP": 1, "万像素": 0.01, "亿像素": 100}
    found = re.findall(rf"([\d.]+) ({'|'.join(units)})", stated)
    assert [float(most) * units[unit] for most, unit in found] == pytest.approx(
        [most for *_, most in STATED]
    )


def test_every_photo_of_a_public_page_fits_the_default_settings() -> None:
    largest = PUBLIC_PAGE.limits.max_pixels / 1e6
    for format_ in OUTPUT_FORMATS:
        check(largest, format_, None, None, 3)


@pytest.mark.parametrize(
    ("channels", "megapixels", "others"),
    [(4, 20, "or PNG or WebP with"), (3, 20, "or PNG, WebP or JPEG with"), (4, 160, "in pixels.")],
)
def test_what_else_to_choose_holds_the_transparency(
    channels: int, megapixels: float, others: str
) -> None:
    with pytest.raises(ChoiceError, match=others) as caught:
        check(megapixels, "webp", 100, None, channels)
    assert "429 万像素" in caught.value.text.zh


def test_a_private_page_has_no_such_limit() -> None:
    assert PRIVATE_PAGE.limits.encoding_seconds is Limits().encoding_seconds is None
