"""A file that takes too long to encode is refused before, with what to choose instead."""

import numpy as np
import pytest

from segmentation.errors import ChoiceError
from segmentation.image.encoding_time import check_encoding_time
from segmentation.image.formats import Format
from segmentation.image.photo import Limits
from segmentation.page.server.limits.policy import PRIVATE_PAGE, PUBLIC_PAGE

SECONDS = PUBLIC_PAGE.limits.encoding_seconds or 0


def check(
    megapixels: float, format_: Format, quality: int | None, kilobytes: float | None, channels: int
) -> None:
    # Of zeros, which take no memory before they are read.
    image = np.zeros((int(megapixels * 1000), 1000, channels), np.uint8)
    check_encoding_time(image, format_, quality, kilobytes, SECONDS)


@pytest.mark.parametrize(
    ("format_", "quality", "kilobytes", "most"),
    [
        ("png", None, None, 150),
        ("png", None, 500, 150),  # it is encoded once
        ("webp", None, None, 27),
        ("webp", 100, None, 4.2),
        ("webp", None, 500, 3.4),
        ("jpeg", 95, None, 50),
        ("jpeg", 95, 500, 37),
    ],
)
def test_the_limits_are_those_of_the_readme(
    format_: Format, quality: int | None, kilobytes: float | None, most: float
) -> None:
    check(most, format_, quality, kilobytes, 3)
    if most != 50:
        with pytest.raises(ChoiceError, match=r"MP at most"):
            check(most * 1.05, format_, quality, kilobytes, 3)


def test_every_photo_of_a_public_page_fits_the_default_settings() -> None:
    largest = PUBLIC_PAGE.limits.max_pixels / 1e6
    for format_ in ("png", "webp", "jpeg"):
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
    assert "4.3 MP" in caught.value.text.zh


def test_a_private_page_has_no_such_limit() -> None:
    assert PRIVATE_PAGE.limits.encoding_seconds is Limits().encoding_seconds is None
