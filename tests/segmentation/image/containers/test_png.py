"""Side chunks of a PNG, huge or broken, neither stop a photo nor cost time."""

import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from segmentation.errors import PhotoError
from segmentation.image.containers.png import drop_side_chunks
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from tests.segmentation.image.png_files import SIDE, chunk, png

COLOUR = bytes((40, 120, 200))
TEXT = zlib.compress(bytes(1_600_000))
BROKEN_CHUNKS = {
    "long text": chunk(b"tEXt", b"Comment\0" + b"x" * 1_600_000),
    "text that inflates to 1.6 MB": chunk(b"zTXt", b"Comment\0\0" + TEXT),
    "international text of 1.6 MB": chunk(b"iTXt", b"prompt\0\1\0\0\0" + TEXT),
    "EXIF text of 1.6 MB": chunk(b"zTXt", b"Raw profile type exif\0\0" + TEXT),
    "text with a wrong checksum": chunk(b"tEXt", b"Comment\0x", checksum=7),
    "text that is not compressed": chunk(b"zTXt", b"Comment\0\0not compressed"),
    "density of three bytes": chunk(b"pHYs", b"abc"),
    "gamma of no bytes": chunk(b"gAMA", b""),
    "primaries of no bytes": chunk(b"cHRM", b""),
    "animation of two bytes": chunk(b"acTL", b"ab"),
    "frame of two bytes": chunk(b"fcTL", b"ab"),
    "EXIF of 1 MB": chunk(b"eXIf", b"II*\0" + bytes(1_000_000)),
    "key with a wrong checksum": chunk(b"tRNS", bytes(6), checksum=7),
    "intent of no bytes": chunk(b"sRGB", b""),
    "key of no bytes": chunk(b"tRNS", b""),
    "key of a grey photo": chunk(b"tRNS", b"ab"),
    "unknown chunk": chunk(b"vpAg", bytes(300)),
}


def read(tmp_path: Path, data: bytes) -> Photo:
    (tmp_path / "x.png").write_bytes(data)
    return read_photo(tmp_path / "x.png")


@pytest.mark.parametrize("name", BROKEN_CHUNKS)
@pytest.mark.parametrize("behind", [False, True])
def test_a_broken_side_chunk_does_not_stop_a_photo(tmp_path: Path, name: str, behind: bool) -> None:
    side = BROKEN_CHUNKS[name]
    data = png(COLOUR, after=side) if behind else png(COLOUR, before=side)
    photo = read(tmp_path, data)
    assert photo.hw == (SIDE, SIDE)
    assert (photo.rgb == tuple(COLOUR)).all()
    assert photo.notices == ()


@pytest.mark.parametrize(
    "profile",
    [
        chunk(b"iCCP", b"name\0\0" + TEXT),
        chunk(b"iCCP", b"name\0\0not compressed"),
        chunk(b"iCCP", b"name\0\0" + zlib.compress(b"x"), checksum=7),
        chunk(b"iCCP", b"n" * 2_000_000),
    ],
)
def test_a_broken_profile_makes_a_notice(tmp_path: Path, profile: bytes) -> None:
    photo = read(tmp_path, png(COLOUR, before=profile))
    assert (photo.rgb == tuple(COLOUR)).all()
    assert "colour profile is damaged" in photo.notices[0].en


def test_density_and_orientation_are_kept_wherever_they_are(tmp_path: Path) -> None:
    exif = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 3, 1, 6, 0)
    side = chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)) + chunk(b"eXIf", exif)
    for data in (png(COLOUR, side, other=bytes(3)), png(COLOUR, after=side, other=bytes(3))):
        photo = read(tmp_path, data)
        assert photo.dpi_xy == pytest.approx((300, 300), abs=0.1)
        assert not photo.rgb[0, -1].any()


@pytest.mark.parametrize(
    "side", [chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", b""), chunk(b"pHYs", b"")]
)
def test_a_million_chunks_cost_little_time(tmp_path: Path, side: bytes) -> None:
    data = png(COLOUR, before=side * 1_000_000)
    started = time.process_time()
    try:
        read(tmp_path, data)
    except PhotoError:
        assert side[4:8] == b"IDAT"
    assert time.process_time() - started < 1


def test_a_file_in_another_format_stays_as_it_is() -> None:
    data = b"\xff\xd8\xff" + bytes(100)
    assert drop_side_chunks(data) is data


@pytest.mark.parametrize("behind", [False, True])
def test_a_grey_key_is_compared_at_16_bits(tmp_path: Path, behind: bool) -> None:
    key = chunk(b"tRNS", b"\x12\x00")
    pixel, other = (b"\x12\x01", b"\x12\x00") if behind else (b"\x80\0", b"\x12\x00")
    photo = read(tmp_path, png(pixel, key, depth=16, other=other))
    assert photo.alpha is not None
    assert np.argwhere(photo.alpha == 0).tolist() == [[0, 0]]


def test_a_colour_key_is_compared_at_16_bits(tmp_path: Path) -> None:
    colour = bytes.fromhex("12003456789a")
    photo = read(
        tmp_path, png(colour[:-1] + b"\x9b", chunk(b"tRNS", colour), depth=16, other=colour)
    )
    assert photo.alpha is not None
    assert np.argwhere(photo.alpha == 0).tolist() == [[0, 0]]
    assert tuple(photo.rgb[3, 3]) == (0x12, 0x34, 0x78)


def test_a_grey_key_of_few_bits_is_scaled_with_the_pixels(tmp_path: Path) -> None:
    row = bytes([0x35]) * (SIDE // 2)
    photo = read(tmp_path, png(row, chunk(b"tRNS", b"\0\x05"), depth=4))
    assert photo.alpha is not None
    assert (photo.alpha[:, 1::2] == 0).all()
    assert (photo.alpha[:, ::2] == 255).all()
    assert (photo.rgb[:, ::2] == 0x33).all()


def test_only_the_low_bits_of_a_key_count(tmp_path: Path) -> None:
    key = struct.pack(">3H", 0x0100 + 40, 120, 200)
    photo = read(tmp_path, png(bytes((1, 2, 3)), chunk(b"tRNS", key), other=COLOUR))
    assert photo.alpha is not None
    assert np.argwhere(photo.alpha == 0).tolist() == [[0, 0]]


def test_a_grey_profile_is_applied_to_grey_with_a_key(tmp_path: Path) -> None:
    from tests.segmentation.image.test_colour import grey_profile

    profile = chunk(b"iCCP", b"g\0\0" + zlib.compress(grey_profile(1.0)))
    photo = read(tmp_path, png(b"\x64", profile + chunk(b"tRNS", b"\0\0"), other=b"\0"))
    assert abs(int(photo.rgb[5, 5, 0]) - 168) <= 2
