"""Photos are turned upright, and their density with them."""

import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from segmentation.image.read import read_photo
from tests.segmentation.image.photo_files import (
    REST,
    SIZE_WH,
    TOP_LEFT,
    corner_photo,
    is_near,
    save_image,
)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(
    tmp_path: Path, format_: str, orientation: int
) -> None:
    stored_as = {
        1: (),
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }[orientation]
    image = corner_photo()
    for turn in stored_as:
        image = image.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = read_photo(save_image(tmp_path / "photo", image, format_, exif=exif))
    assert photo.hw == SIZE_WH[::-1]
    assert is_near(photo.rgb[3, 3], TOP_LEFT, 40)
    for x, y in ((-4, 3), (3, -4), (-4, -4)):
        assert is_near(photo.rgb[y, x], REST, 40)


def test_an_orientation_in_xmp_is_applied(tmp_path: Path) -> None:
    xmp = b'<x tiff:Orientation="6"/>'
    image = corner_photo().transpose(Image.Transpose.ROTATE_90)
    photo = read_photo(save_image(tmp_path / "x.jpg", image, "JPEG", xmp=xmp))
    assert photo.hw == SIZE_WH[::-1]


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_unknown_orientation_is_ignored(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = read_photo(save_image(tmp_path / "x.jpg", corner_photo(), "JPEG", exif=exif))
    assert is_near(photo.rgb[3, 3], TOP_LEFT, 40)


def test_a_photo_with_unreadable_exif_is_read_with_a_notice(tmp_path: Path) -> None:
    damaged = b"Exif\0\0not a header at all"
    photo = read_photo(save_image(tmp_path / "x.webp", corner_photo(), "WEBP", exif=damaged))
    assert photo.hw == SIZE_WH[::-1]
    assert "EXIF" in photo.notices[0].en


@pytest.mark.usefixtures("decoded_here")
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_photo_with_malformed_exif_is_read(tmp_path: Path, format_: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A] = 1, "maker", 72.5
    exif.get_ifd(0x8825)[1] = "N"
    sound, chance = exif.tobytes(), random.Random(5)
    for attempt in range(60):
        data = bytearray(sound)
        for _ in range(chance.choice((1, 3, 9))):
            data[chance.randrange(6, len(data))] = chance.randrange(256)
        if attempt % 3 == 0:
            del data[chance.randrange(6, len(data)) :]
        path = tmp_path / f"{attempt}"
        try:
            save_image(path, corner_photo(), format_, exif=bytes(data))
        except Exception:  # the writer of AVIF reads the EXIF itself
            continue
        assert sorted(read_photo(path).hw) == sorted(SIZE_WH)


@pytest.mark.parametrize(
    ("format_", "dpi", "expected"),
    [
        ("PNG", (300, 150), (300, 150)),
        ("JPEG", (300, 150), (300, 150)),
        ("TIFF", (300, 150), (300, 150)),
        ("PNG", None, None),
        ("JPEG", None, None),
        ("PNG", (0.01, 300), None),
        ("PNG", (300, 1e6), None),
    ],
)
def test_a_plausible_density_is_read(tmp_path: Path, format_: str, dpi: Any, expected: Any) -> None:
    options = {"dpi": dpi} if dpi else {}
    photo = read_photo(save_image(tmp_path / "x", corner_photo(), format_, **options))
    assert photo.dpi_xy == (expected and pytest.approx(expected, abs=0.02))


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_density_turns_with_the_photo(tmp_path: Path, format_: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save_image(tmp_path / "x", corner_photo(), format_, exif=exif, dpi=(300, 150))
    assert read_photo(path).dpi_xy == (150, 300)


@pytest.mark.parametrize(
    ("unit", "orientation", "expected"),
    [(2, 1, (300, 150)), (2, 6, (150, 300)), (3, 1, (762, 381)), (1, 1, None), (None, 1, None)],
)
def test_a_density_in_exif_is_read_in_its_unit(
    tmp_path: Path, unit: int | None, orientation: int, expected: tuple[int, int] | None
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x011A], exif[0x011B] = orientation, 300.0, 150.0
    if unit is not None:
        exif[0x0128] = unit
    photo = read_photo(save_image(tmp_path / "x", corner_photo(), "WEBP", exif=exif))
    assert photo.dpi_xy == (expected and pytest.approx(expected))
