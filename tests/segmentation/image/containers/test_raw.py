"""Camera raw files and reduced first pages are refused, instead of a preview being cut out."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from segmentation.errors import PhotoError
from segmentation.image.read import read_photo
from tests.segmentation.image.photo_files import encode_image

RAW, REDUCED = "camera's raw file", "reduced copy"


def tiff(tags: dict[int, int | bytes], **options: bool) -> bytes:
    entries = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        entries[tag] = value
        entries.tagtype[tag] = 1 if isinstance(value, bytes) else 4
    return encode_image(
        Image.new("RGB", (160, 106), (9, 99, 199)), "TIFF", tiffinfo=entries, **options
    )


def read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    read_photo(tmp_path / "x")


@pytest.mark.parametrize("big_tiff", [False, True])
@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({50706: b"\x01\x04\0\0", 254: 1}, RAW),
        ({50706: b"\x01\x04\0\0"}, RAW),
        ({254: 1}, REDUCED),
        ({254: 5}, REDUCED),
        ({255: 2}, REDUCED),
    ],
)
def test_a_tiff_that_starts_with_a_preview_is_refused(
    tmp_path: Path, tags: dict[int, int | bytes], says: str, big_tiff: bool
) -> None:
    with pytest.raises(PhotoError, match=says):
        read(tmp_path, tiff(tags, big_tiff=big_tiff))


@pytest.mark.parametrize("tags", [{}, {254: 0}, {254: 2}, {255: 1}, {255: 3}])
def test_a_tiff_that_starts_with_the_photo_is_read(
    tmp_path: Path, tags: dict[int, int | bytes]
) -> None:
    read(tmp_path, tiff(tags))


def test_a_big_endian_tiff_that_starts_with_a_preview_is_refused(tmp_path: Path) -> None:
    entries = [(254, 4, 1), (256, 4, 20), (257, 4, 20), (258, 3, 8 << 16), (262, 3, 1 << 16),
               (273, 4, 200), (278, 4, 20), (279, 4, 400)]  # fmt: skip
    data = b"MM\0*" + struct.pack(">IH", 8, len(entries))
    data += b"".join(struct.pack(">HHII", tag, kind, 1, value) for tag, kind, value in entries)
    with pytest.raises(PhotoError, match=REDUCED):
        read(tmp_path, data.ljust(200, b"\0") + bytes(400))


@pytest.mark.parametrize(
    "start",
    [
        b"FUJIFILMCCD-RAW 0201",
        b"\0\0\0\x18ftypcrx \0\0\0\1",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x08\0\0\0",
        b"FOVb\0\0\0\0",
        b"\0MRM\0\0\0\0",
        b"II\x1a\0\0\0HEAPCCDR",
        b"II*\0\x10\0\0\0CR\x02\0",
        b"II*\0\x10\0\0\0CR\x02\0\0\0\0\0\1\0\0\1\4\0\1\0\0\0\x20\0\0\0",
    ],
)
def test_raw_files_are_known_by_their_first_bytes(tmp_path: Path, start: bytes) -> None:
    with pytest.raises(PhotoError, match=RAW):
        read(tmp_path, start.ljust(4000, b"\0"))


@pytest.mark.parametrize("photometric", [32803, 34892])
def test_a_tiff_of_sensor_data_is_refused(tmp_path: Path, photometric: int) -> None:
    data = tiff({})
    entry = struct.pack("<HHIHH", 262, 3, 1, 2, 0)
    with pytest.raises(PhotoError, match=RAW):
        read(tmp_path, data.replace(entry, struct.pack("<HHIHH", 262, 3, 1, photometric, 0)))


@pytest.mark.parametrize("count", [1, 2])
def test_a_tiff_with_sensor_data_below_its_first_page_is_refused(
    tmp_path: Path, count: int
) -> None:
    data = tiff({330: 0x7EEDFACE})
    page = struct.pack("<HHHIHHI", 1, 262, 3, 1, 32803, 0, 0)
    offsets = struct.pack("<II", 0, len(data) + 8)
    value = len(data) + 8 if count == 1 else len(data)
    pointer = struct.pack("<HHII", 330, 4, 1, 0x7EEDFACE)
    assert pointer in data
    data = data.replace(pointer, struct.pack("<HHII", 330, 4, count, value)) + offsets
    read(tmp_path, data)
    with pytest.raises(PhotoError, match=RAW):
        read(tmp_path, data + page)


@pytest.mark.usefixtures("decoded_here")
def test_damaged_tags_are_read_without_harm(tmp_path: Path) -> None:
    data, random = tiff({254: 0}), np.random.default_rng(4)
    for _ in range(300):
        damaged = bytearray(data[: int(random.integers(4, 400))] + data[400:])
        damaged[int(random.integers(0, 200))] = int(random.integers(256))
        try:
            read(tmp_path, bytes(damaged))
        except PhotoError:
            continue
