"""Colours are sRGB whether a profile or numbers name a file's colour space.

The expected values are what Chromium 156 shows in sRGB.
"""

import struct
from pathlib import Path

import pytest
from PIL import Image

from segmentation.image.photo import Photo
from segmentation.image.profiles import SRGB_PRIMARIES, cicp_profile, rgb_profile
from segmentation.image.read import read_photo
from tests.segmentation.image.photo_files import SIZE_WH, encode_image, is_near
from tests.segmentation.image.png_files import chunk, png
from tests.segmentation.image.test_colour import P3_D50, SRGB_D50, matrix_profile

SRGB_CHRM = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CHRM = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
ORANGE = bytes((200, 100, 50))


def read(tmp_path: Path, data: bytes) -> Photo:
    (tmp_path / "x").write_bytes(data)
    return read_photo(tmp_path / "x")


def gama(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def grey(value: int) -> bytes:
    return bytes([value]) * 3


@pytest.mark.parametrize(
    ("name", "to_xyz", "gamma"),
    [
        (b"sRGB-elle-V2-g10", SRGB_D50, 1.0),
        (b"RT_Large_gsRGB", P3_D50, 2.2),
        (b"sRGB IEC61966-2.1", P3_D50, 1.8),
    ],
)
def test_a_profile_is_applied_whatever_its_name(
    tmp_path: Path, name: bytes, to_xyz: tuple[tuple[float, ...], ...], gamma: float
) -> None:
    image = Image.new("RGB", SIZE_WH, (150, 120, 90))
    profile = matrix_profile(name, to_xyz, gamma)
    photo = read(tmp_path, encode_image(image, "PNG", icc_profile=profile))
    plain = matrix_profile(b"other", to_xyz, gamma)
    other = read(tmp_path, encode_image(image, "PNG", icc_profile=plain))
    assert tuple(photo.rgb[0, 0]) == tuple(other.rgb[0, 0]) != (150, 120, 90)


def test_a_profile_that_changes_next_to_nothing_changes_nothing(tmp_path: Path) -> None:
    profile = cicp_profile(1, 13)
    image = Image.effect_noise(SIZE_WH, 60).convert("RGB")
    photo = read(tmp_path, encode_image(image, "PNG", icc_profile=profile))
    assert (photo.rgb == image).all()


@pytest.mark.parametrize(
    ("before", "pixel", "expected"),
    [
        (gama(100_000), grey(55), grey(128)),
        (gama(100_000), b"\x37", grey(128)),
        (gama(100_000) + chunk(b"sRGB", b"\0"), grey(55), grey(55)),
        (gama(45_455), grey(20), grey(20)),
        (gama(45_455) + chunk(b"cHRM", SRGB_CHRM), grey(20), grey(12)),
        (gama(55_000) + chunk(b"cHRM", P3_CHRM), ORANGE, (224, 112, 48)),
        (chunk(b"cHRM", P3_CHRM), ORANGE, ORANGE),
        (gama(0), ORANGE, ORANGE),
        (gama(100_000) + chunk(b"cHRM", bytes(32)), ORANGE, ORANGE),
    ],
)
def test_gamma_and_primaries_of_a_png_are_applied(
    tmp_path: Path, before: bytes, pixel: bytes, expected: tuple[int, int, int]
) -> None:
    photo = read(tmp_path, png(pixel, before))
    assert is_near(photo.rgb[5, 5], tuple(expected), 1)
    assert photo.notices == ()


@pytest.mark.parametrize(
    ("primaries", "transfer", "colour", "expected"),
    [
        (1, 13, ORANGE, (200, 100, 50)),
        (4, 13, ORANGE, (232, 93, 30)),
        (5, 13, ORANGE, (203, 100, 51)),
        (6, 13, ORANGE, (196, 102, 49)),
        (9, 13, ORANGE, (241, 76, 29)),
        (11, 13, ORANGE, (211, 93, 32)),
        (12, 13, ORANGE, (215, 93, 31)),
        (22, 13, ORANGE, (202, 102, 49)),
        (2, 13, ORANGE, (200, 100, 50)),
        (9, 1, grey(100), grey(91)),
        (9, 4, grey(20), grey(12)),
        (9, 5, grey(150), grey(131)),
        (9, 8, grey(55), grey(128)),
        (9, 14, grey(20), grey(7)),
    ],
)
def test_the_cicp_numbers_of_a_png_are_applied(
    tmp_path: Path, primaries: int, transfer: int, colour: bytes, expected: tuple[int, int, int]
) -> None:
    cicp = chunk(b"cICP", bytes((primaries, transfer, 0, 1)))
    photo = read(tmp_path, png(colour, cicp))
    assert is_near(photo.rgb[5, 5], tuple(expected), 2)
    assert photo.notices == ()


def test_cicp_numbers_come_before_gamma(tmp_path: Path) -> None:
    photo = read(tmp_path, png(ORANGE, chunk(b"cICP", b"\x0c\x0d\0\1") + gama(100_000)))
    assert is_near(photo.rgb[5, 5], (215, 93, 31), 1)


@pytest.mark.parametrize(
    ("transfer", "value", "expected"),
    [(16, 20, 1), (16, 100, 76), (16, 150, 193), (16, 255, 255), (18, 20, 5), (18, 100, 75),
     (18, 150, 122), (18, 255, 255)],
)  # fmt: skip
def test_hdr_is_converted_with_a_notice(
    tmp_path: Path, transfer: int, value: int, expected: int
) -> None:
    cicp = chunk(b"cICP", bytes((9, transfer, 0, 1)))
    photo = read(tmp_path, png(grey(value), cicp))
    assert is_near(photo.rgb[5, 5], (expected,) * 3, 2)
    assert "HDR" in photo.notices[0].en


@pytest.mark.parametrize("format_", ["AVIF", "HEIF"])
@pytest.mark.parametrize(
    ("numbers", "expected", "is_hdr"),
    [
        ((12, 13), (215, 93, 31), False),
        ((12, 1), (215, 93, 31), False),
        ((1, 1), (200, 100, 50), False),
        ((2, 2), (200, 100, 50), False),
        ((9, 14), (241, 76, 29), False),
        ((1, 8), (229, 168, 122), False),
        ((9, 16), (255, 0, 0), True),
    ],
)
def test_the_cicp_numbers_of_avif_and_heic_are_applied(
    tmp_path: Path, format_: str, numbers: tuple[int, int], expected: tuple[int, ...], is_hdr: bool
) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    data = encode_image(Image.new("RGB", (64, 64), tuple(ORANGE)), format_, quality=100)
    start = data.index(b"colrnclx") + 8
    photo = read(tmp_path, data[:start] + struct.pack(">HH", *numbers) + data[start + 4 :])
    assert is_near(photo.rgb[30, 30], expected, 4)  # type: ignore[arg-type]
    assert any("HDR" in notice.en for notice in photo.notices) == is_hdr


def test_primaries_that_span_no_colours_make_no_profile() -> None:
    assert rgb_profile((0.3,) * 8, lambda values: values) is None
    assert rgb_profile((0.0,) * 8, lambda values: values) is None
    assert rgb_profile(SRGB_PRIMARIES, lambda values: values) is not None
    assert cicp_profile(200, 13) is None
