"""Files that were cut short are read as far as they go, with a notice."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.errors import PhotoError
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from tests.segmentation.image.photo_files import encode_image

WIDTH, HEIGHT = 240, 200
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpeg": ("JPEG", {}),
    "jpeg with restart markers": ("JPEG", {"restart_marker_rows": 1}),
    "progressive jpeg": ("JPEG", {"progressive": True}),
    "webp": ("WEBP", {}),
    "lossless webp": ("WEBP", {"lossless": True}),
    "tiff": ("TIFF", {}),
    "avif": ("AVIF", {}),
    "heif": ("HEIF", {}),
    "png": ("PNG", {}),
    "bmp": ("BMP", {}),
}


def noisy_ramp() -> Image.Image:
    """Make an image whose rows cost about the same number of bytes each."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ramp = np.stack([x, y * 1.2, (x + y) / 2], -1)
    noise = np.random.default_rng(1).normal(0, 12, ramp.shape)
    return Image.fromarray(np.clip(ramp + noise, 0, 255).astype(np.uint8))


def encoded(name: str) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    format_, options = FORMATS[name]
    return encode_image(noisy_ramp(), format_, **options)


def read(tmp_path: Path, data: bytes) -> Photo:
    (tmp_path / "x").write_bytes(data)
    return read_photo(tmp_path / "x")


def notices(photo: Photo) -> str:
    return " ".join(notice.en for notice in photo.notices)


@pytest.mark.parametrize("name", ["jpeg", "progressive jpeg", "jpeg with restart markers", "png"])
def test_a_photo_that_lacks_only_its_end_is_read_whole(tmp_path: Path, name: str) -> None:
    data = encoded(name)
    end = 12 if name == "png" else 2
    whole, cut = read(tmp_path, data), read(tmp_path, data[:-end])
    np.testing.assert_array_equal(cut.rgb, whole.rgb)
    assert cut.notices == ()


@pytest.mark.parametrize("name", FORMATS)
def test_a_photo_with_missing_rows_is_read_with_a_notice(tmp_path: Path, name: str) -> None:
    data = encoded(name)
    whole, cut = read(tmp_path, data), read(tmp_path, data[: int(len(data) * 0.8)])
    assert "cut short" in notices(cut)
    assert cut.hw == whole.hw
    rows = slice(110, None) if name == "bmp" else slice(0, 90)  # BMP starts at the bottom
    difference = np.abs(cut.rgb[rows].astype(int) - whole.rgb[rows])
    assert difference.mean() < 1


@pytest.mark.parametrize("name", FORMATS)
def test_a_photo_that_is_mostly_missing_is_refused(tmp_path: Path, name: str) -> None:
    data = encoded(name)
    with pytest.raises(PhotoError, match="Most of the photo is missing"):
        # Scans of a progressive JPEG add detail to the whole photo.
        read(tmp_path, data[: len(data) // (12 if name == "progressive jpeg" else 6)])


@pytest.mark.parametrize("width", [WIDTH, 5000])
def test_a_jpeg_whose_header_states_far_more_than_there_is_is_refused(
    tmp_path: Path, width: int
) -> None:
    with pytest.raises(PhotoError, match="Most of the photo is missing"):
        read(tmp_path, with_stated_size(encoded("jpeg"), width, 5000))


def test_a_jpeg_whose_header_states_some_rows_more_is_read_with_a_notice(tmp_path: Path) -> None:
    photo = read(tmp_path, with_stated_size(encoded("jpeg"), WIDTH, 300))
    assert photo.hw == (300, WIDTH)
    assert "cut short" in notices(photo)


def with_stated_size(data: bytes, width: int, height: int) -> bytes:
    frame = data.index(b"\xff\xc0") + 5
    return data[:frame] + struct.pack(">HH", height, width) + data[frame + 4 :]


def test_a_whole_jpeg_with_a_mid_grey_lower_half_makes_no_notice(tmp_path: Path) -> None:
    image = Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))
    image.paste((200, 10, 10), (0, 0, WIDTH, 60))
    assert read(tmp_path, encode_image(image, "JPEG")).notices == ()


def test_bytes_behind_a_photo_do_no_harm(tmp_path: Path) -> None:
    for name in ("jpeg", "png", "webp"):
        assert read(tmp_path, encoded(name) + b"SEFT trailer" * 30).notices == ()


def test_a_webp_without_its_metadata_is_read_whole(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker" * 40
    data = encode_image(noisy_ramp(), "WEBP", exif=exif)
    whole, cut = read(tmp_path, data), read(tmp_path, data[:-100])
    np.testing.assert_array_equal(cut.rgb, whole.rgb)
    assert cut.notices == ()


def test_missing_pixels_of_a_photo_with_transparency_are_transparent(tmp_path: Path) -> None:
    data = encode_image(noisy_ramp().convert("RGBA"), "PNG")
    photo = read(tmp_path, data[: int(len(data) * 0.7)])
    assert photo.alpha is not None
    assert not photo.alpha[-20:].any()
    assert photo.alpha[:100].all()


def test_a_tiff_without_its_tags_is_not_called_another_kind_of_file(tmp_path: Path) -> None:
    data = encode_image(noisy_ramp(), "TIFF", compression="tiff_lzw")  # tags are at the end
    with pytest.raises(PhotoError, match="cut short"):
        read(tmp_path, data[: int(len(data) * 0.8)])
