"""Photos beyond the limits are refused before a pixel is decoded."""

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, TiffImagePlugin

from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.image.photo import Limits
from segmentation.image.read import read_photo
from tests.segmentation.image.bomb_files import tiff_of_one_tile
from tests.segmentation.image.photo_files import SIZE_WH, encode_image, save_image


def png_header(width: int, height: int) -> bytes:
    """Make a PNG whose header states a size, without the pixels for it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def tiff_of_pages(count: int) -> bytes:
    """Make a grey 20 x 20 TIFF whose pages all refer to the same pixels."""
    strip = bytes(400)
    tags = {256: 20, 257: 20, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 20, 279: len(strip)}
    length, data = 2 + 12 * len(tags) + 4, b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip
    for page in range(1, count + 1):
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        after = 8 + len(strip) + page * length if page < count else 0
        data += struct.pack("<H", len(tags)) + entries + struct.pack("<I", after)
    return data


@pytest.mark.usefixtures("decoding_forbidden")
@pytest.mark.parametrize(
    ("width", "height"),
    [
        (20_000, 20_000),  # Pillow refuses
        (12_000, 12_000),  # Pillow warns
        (7_142, 7_142),  # just above the limit and its tolerance
        (30_001, 20),
        (20, 30_001),
    ],
)
def test_a_huge_photo_is_refused_by_its_header(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height))
    with pytest.raises(PhotoTooLarge, match="smaller"):
        read_photo(path)


@pytest.mark.usefixtures("decoding_forbidden")
def test_the_message_names_the_limit_on_sides(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    path.write_bytes(png_header(16, 31_000))
    with pytest.raises(PhotoTooLarge, match=r"16 x 31000 pixels; the limit is 30000 a side\."):
        read_photo(path)


@pytest.mark.usefixtures("decoding_forbidden")
@pytest.mark.parametrize("format_", ["JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF"])
def test_limits_are_checked_on_the_header_of_every_format(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(encode_image(Image.new("RGB", SIZE_WH), format_))
    with pytest.raises(PhotoTooLarge):
        read_photo(path, Limits(megapixels=0.0004))
    with pytest.raises(PhotoTooLarge):
        read_photo(path, Limits(longest_side=23))
    with pytest.raises(PhotoError, match="at least 21"):
        read_photo(path, Limits(shortest_side=21))


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    path = save_image(tmp_path / "x.png", Image.new("1", (20_000, 20_000)), "PNG")
    assert path.stat().st_size < 100_000
    with pytest.raises(PhotoTooLarge):
        read_photo(path)


@pytest.mark.usefixtures("decoding_forbidden")
def test_a_tiff_of_one_huge_tile_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(tiff_of_one_tile(46_336))
    with pytest.raises(PhotoTooLarge, match="far too many pixels"):
        read_photo(path)


def test_a_photo_exactly_at_the_limits_is_read(tmp_path: Path) -> None:
    path = save_image(tmp_path / "x.png", Image.new("RGB", SIZE_WH), "PNG")
    size = path.stat().st_size
    exact = Limits(size / 1e6, 480 / 1e6, longest_side=24, shortest_side=20, frames=1)
    assert read_photo(path, exact).hw == (20, 24)
    with pytest.raises(PhotoTooLarge, match="MB"):
        read_photo(path, Limits(megabytes=(size - 1) / 1e6))


@pytest.mark.parametrize("size_wh", [(8160, 6144), (8192, 6144), (8064, 6048), (7072, 7072)])
def test_photos_of_50_megapixel_phones_are_within_the_limit(
    tmp_path: Path, size_wh: tuple[int, int]
) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(png_header(*size_wh))
    with pytest.raises(PhotoError, match="cut short"):  # there are no pixels, but the size is fine
        read_photo(path)


@pytest.mark.parametrize(
    ("size_wh", "megapixels", "says"),
    [
        ((7150, 7150), 50, r"\(51 MP\); the limit is 50 MP"),
        ((205, 102), 0.02, r"\(0\.021 MP\); the limit is 0\.02 MP"),
        ((1030, 1000), 1, r"\(1\.03 MP\); the limit is 1 MP"),
        ((1600, 1300), 2, r"\(2\.1 MP\); the limit is 2 MP"),
    ],
)
def test_the_message_shows_a_number_above_the_limit(
    tmp_path: Path, size_wh: tuple[int, int], megapixels: float, says: str
) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(png_header(*size_wh))
    with pytest.raises(PhotoTooLarge, match=says):
        read_photo(path, Limits(megapixels=megapixels))


def test_the_chinese_message_counts_pixels_in_ten_thousands(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(png_header(7150, 7150))
    with pytest.raises(PhotoTooLarge) as error:
        read_photo(path)
    assert error.value.text.zh.startswith("照片为 7150 × 7150 像素（5112 万），上限 5000 万像素。")


def test_a_photo_of_one_pixel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="only 1 x 1 pixels"):
        read_photo(save_image(tmp_path / "x.png", Image.new("RGB", (1, 1)), "PNG"))


@pytest.mark.usefixtures("decoding_forbidden")
@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP", "TIFF"])
def test_too_many_frames_are_refused(tmp_path: Path, format_: str) -> None:
    shades = [Image.new("RGB", SIZE_WH, (40 * i, 0, 0)) for i in range(4)]
    data = encode_image(shades[0], format_, save_all=True, append_images=shades[1:])
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(PhotoTooLarge, match="more than 3 frames"):
        read_photo(tmp_path / "x", Limits(frames=3))


@pytest.mark.usefixtures("decoded_here")
def test_pages_of_a_tiff_are_not_counted_beyond_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(tiff_of_pages(60))
    counting = property(lambda _: pytest.fail("counted to the end"))
    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "n_frames", counting)
    with pytest.raises(PhotoTooLarge, match="more than 5 frames"):
        read_photo(path, Limits(frames=5))
