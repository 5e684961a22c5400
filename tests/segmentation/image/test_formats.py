"""Each row of the registry of output formats holds what it promises."""

import io

import numpy as np
import pytest
from PIL import Image

from segmentation.errors import ChoiceError
from segmentation.image.formats import (
    OUTPUT_FORMATS,
    OutputFormat,
    check_format,
    find_format,
    find_format_by_extension,
    join_titles,
)
from segmentation.image.write import encode

ROWS = pytest.mark.parametrize("output_format", OUTPUT_FORMATS.values(), ids=OUTPUT_FORMATS)


@ROWS
def test_a_file_is_in_the_format_of_its_row(output_format: OutputFormat) -> None:
    rgb = np.full((16, 20, 3), 90, np.uint8)
    with Image.open(io.BytesIO(encode(rgb, output_format.name))) as image:
        assert image.format == output_format.title.upper()
        assert image.size == (20, 16)


@ROWS
def test_transparency_is_stored_or_refused(output_format: OutputFormat) -> None:
    rgba = np.full((16, 20, 4), 90, np.uint8)
    if output_format.has_alpha:
        with Image.open(io.BytesIO(encode(rgba, output_format.name))) as image:
            assert image.mode == "RGBA"
    else:
        with pytest.raises(ChoiceError, match="no transparency"):
            encode(rgba, output_format.name)


@ROWS
def test_a_quality_setting_changes_the_file_and_has_a_default(output_format: OutputFormat) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    files = {output_format.encode(noise, quality) for quality in (20, 90)}
    assert output_format.has_quality == (len(files) == 2)
    if output_format.has_quality:
        check_format(output_format.name, output_format.default_quality, transparent=False)


def test_a_format_is_found_by_its_name() -> None:
    assert [find_format(name).name for name in OUTPUT_FORMATS] == list(OUTPUT_FORMATS)


@pytest.mark.parametrize("name", ["JPEG", "jpg", "JPG", ".jpg", " Jpeg "])
def test_a_format_is_found_in_any_case_and_by_its_extension(name: str) -> None:
    assert find_format(name).name == "jpeg"


@pytest.mark.parametrize("name", ["gif", "PNG8", "", ".", "x" * 1000])
def test_an_unknown_format_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(
        ChoiceError, match=f"^format takes {', '.join(OUTPUT_FORMATS)}, not '"
    ) as caught:
        find_format(name)
    assert len(caught.value.text.en) < 100


@pytest.mark.parametrize(
    ("extension", "name"),
    [(".png", "png"), (".WebP", "webp"), (".jpg", "jpeg"), (".JPEG", "jpeg")],
)
def test_a_format_is_found_by_its_extension(extension: str, name: str) -> None:
    assert find_format_by_extension(extension) is OUTPUT_FORMATS[name]


@pytest.mark.parametrize("extension", ["", ".", "png", ".gif"])
def test_other_extensions_have_no_format(extension: str) -> None:
    assert find_format_by_extension(extension) is None


def test_extensions_are_unique_and_in_lower_case() -> None:
    extensions = [
        extension
        for output_format in OUTPUT_FORMATS.values()
        for extension in output_format.extensions
    ]
    assert len(set(extensions)) == len(extensions)
    assert all(extension == extension.lower() != "." for extension in extensions)


def test_titles_are_joined_as_a_choice() -> None:
    assert join_titles([OUTPUT_FORMATS["png"], OUTPUT_FORMATS["webp"]]).en == "PNG or WebP"


@pytest.mark.parametrize(
    ("name", "quality", "transparent", "message"),
    [
        ("jpeg", None, True, "JPEG has no transparency. Choose a background, or PNG"),
        ("png", 90, True, "PNG keeps every pixel and has no quality setting."),
        ("webp", 0, True, "Quality goes from 1 to 100."),
        ("jpeg", 101, False, "Quality goes from 1 to 100."),
        ("gif", None, False, "format takes png, "),
    ],
)
def test_a_result_that_a_format_cannot_hold_is_refused(
    name: str, quality: int | None, transparent: bool, message: str
) -> None:
    with pytest.raises(ChoiceError) as caught:
        check_format(name, quality, transparent)
    assert str(caught.value).startswith(message)
