"""Images of every mode and colour profile become 8-bit sRGB."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from segmentation.errors import PhotoError
from segmentation.image.read import read_photo
from tests.segmentation.image.photo_files import SIZE_WH, is_near, save_image

D50 = (0.9642, 1.0, 0.8249)
SRGB_D50 = ((0.4361, 0.3851, 0.1431), (0.2225, 0.7169, 0.0606), (0.0139, 0.0971, 0.7141))
P3_D50 = ((0.5151, 0.2920, 0.1571), (0.2412, 0.6922, 0.0666), (-0.0011, 0.0419, 0.7841))
GAMMA = 2.2


@pytest.mark.parametrize(
    ("mode", "colour", "format_", "rgb", "alpha"),
    [
        ("L", 90, "PNG", (90, 90, 90), None),
        ("L", 90, "BMP", (90, 90, 90), None),
        ("1", 1, "PNG", (255, 255, 255), None),
        ("1", 0, "TIFF", (0, 0, 0), None),
        ("LA", (90, 50), "PNG", (90, 90, 90), 50),
        ("LA", (90, 255), "PNG", (90, 90, 90), None),
        ("RGBA", (9, 99, 199, 40), "PNG", (9, 99, 199), 40),
        ("RGBA", (9, 99, 199, 40), "TIFF", (9, 99, 199), 40),
        ("RGBA", (9, 99, 199, 0), "PNG", (255, 255, 255), 0),
        ("RGBA", (9, 99, 199, 255), "PNG", (9, 99, 199), None),
        ("RGBA", (9, 99, 199, 40), "WEBP", (9, 99, 199), 40),
        ("RGBA", (9, 99, 199, 40), "AVIF", (9, 99, 199), 40),
        ("RGB", (9, 99, 199), "WEBP", (9, 99, 199), None),
        ("RGB", (9, 99, 199), "AVIF", (9, 99, 199), None),
        ("RGB", (9, 99, 199), "GIF", (9, 99, 199), None),
        ("CMYK", (255, 0, 0, 0), "JPEG", (0, 255, 255), None),
        ("CMYK", (255, 0, 0, 0), "TIFF", (0, 255, 255), None),
        ("LAB", (255, 128, 128), "TIFF", (255, 255, 255), None),
    ],
)
def test_every_mode_becomes_rgb(
    tmp_path: Path, mode: str, colour: Any, format_: str, rgb: tuple[int, int, int], alpha: int
) -> None:
    photo = read_photo(save_image(tmp_path / "x", Image.new(mode, SIZE_WH, colour), format_))
    assert photo.rgb.shape == (*SIZE_WH[::-1], 3)
    assert photo.rgb.dtype == np.uint8
    assert is_near(photo.rgb[5, 5], rgb, 3)
    assert photo.alpha is None if alpha is None else int(photo.alpha[5, 5]) == alpha
    assert photo.notices == ()


@pytest.mark.parametrize(
    ("format_", "dtype"), [("PNG", "<u2"), ("TIFF", "<u2"), ("TIFF", ">u2"), ("TIFF", "<i4")]
)
@pytest.mark.parametrize(("value", "expected"), [(0, 0), (256, 0), (32896, 128), (65535, 255)])
def test_sixteen_bit_grey_is_scaled_not_clipped(
    tmp_path: Path, format_: str, dtype: Any, value: int, expected: int
) -> None:
    image = Image.fromarray(np.full(SIZE_WH[::-1], value, dtype))
    photo = read_photo(save_image(tmp_path / "x", image, format_))
    assert (photo.rgb == expected).all()


@pytest.mark.parametrize("format_", ["PNG", "GIF"])
def test_the_transparent_entry_of_a_palette_becomes_alpha(tmp_path: Path, format_: str) -> None:
    image = Image.new("P", SIZE_WH, 0)
    image.putpalette([1, 2, 3, 200, 100, 50])
    image.putpixel((7, 4), 1)
    opaque = read_photo(save_image(tmp_path / "opaque", image, format_))
    assert opaque.alpha is None
    assert tuple(opaque.rgb[4, 7]) == (200, 100, 50)
    photo = read_photo(save_image(tmp_path / "clear", image, format_, transparency=1))
    assert photo.alpha is not None
    assert np.argwhere(photo.alpha == 0).tolist() == [[4, 7]]
    assert tuple(photo.rgb[4, 7]) == (255, 255, 255)
    assert tuple(photo.rgb[0, 0]) == (1, 2, 3)


def test_floating_point_is_refused(tmp_path: Path) -> None:
    image = Image.fromarray(np.full(SIZE_WH[::-1], 0.5, np.float32))
    with pytest.raises(PhotoError, match="floating-point"):
        read_photo(save_image(tmp_path / "x.tif", image, "TIFF"))


def test_uncompressed_ycbcr_is_refused_and_other_ycbcr_is_read(tmp_path: Path) -> None:
    image = Image.new("RGB", SIZE_WH, (200, 100, 50)).convert("YCbCr")
    with pytest.raises(PhotoError, match="YCbCr"):
        read_photo(save_image(tmp_path / "x.tif", image, "TIFF"))
    photo = read_photo(save_image(tmp_path / "y.tif", image, "TIFF", compression="tiff_lzw"))
    assert np.abs(photo.rgb.astype(int) - (200, 100, 50)).max() <= 2
    assert photo.notices == ()


def matrix_profile(
    name: bytes, to_xyz: tuple[tuple[float, ...], ...], gamma: float = GAMMA
) -> bytes:
    """Make an ICC v2 display profile (ICC.1:2001-04) of three colorants and one gamma."""
    red, green, blue = (xyz(colorant) for colorant in zip(*to_xyz, strict=True))
    colorants = {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve(gamma))
    return profile(b"RGB ", name, colorants | curves)


def grey_profile(gamma: float) -> bytes:
    return profile(b"GRAY", b"Grey", {b"kTRC": curve(gamma)})


def xyz(values: Any) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def profile(space: bytes, name: bytes, tags: dict[bytes, bytes]) -> bytes:
    description = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + bytes(79)
    tags = {
        b"desc": description + bytes(-len(description) % 4),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz(D50),
        **tags,
    }
    table, body, offset = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        table += struct.pack(">4sII", tag, offset + len(body), len(data))
        body += data
    head = b"lcms" + struct.pack(">I", 0x02400000) + b"mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + struct.pack(">3i", *(round(value * 65536) for value in D50)) + bytes(48)
    return struct.pack(">I", 4 + len(head) + len(table) + len(body)) + head + table + body


def in_srgb(rgb: tuple[int, int, int], to_xyz: tuple[tuple[float, ...], ...]) -> tuple[int, ...]:
    """Convert a colour step by step: decode gamma, change primaries, encode (IEC 61966-2-1)."""
    linear = np.linalg.inv(SRGB_D50) @ np.array(to_xyz) @ (np.array(rgb) / 255) ** GAMMA
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(np.rint(255 * encoded).astype(int).tolist())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("rgb", [(200, 120, 80), (60, 160, 90), (128, 128, 128), (255, 0, 0)])
def test_display_p3_becomes_srgb(tmp_path: Path, mode: str, rgb: tuple[int, int, int]) -> None:
    image = Image.new("RGB", SIZE_WH, rgb).convert(mode, palette=Image.Palette.ADAPTIVE)
    profile = matrix_profile(b"Display P3", P3_D50)
    photo = read_photo(save_image(tmp_path / "x.png", image, "PNG", icc_profile=profile))
    assert is_near(photo.rgb[5, 5], in_srgb(rgb, P3_D50), 3)  # type: ignore[arg-type]
    assert photo.notices == ()


@pytest.mark.parametrize(("gamma", "expected"), [(1.0, 168), (1.75, 122)])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_grey_profile_is_applied(tmp_path: Path, gamma: float, expected: int, bits: int) -> None:
    values = np.full(
        (20, 24), 100 if bits == 8 else 100 * 257, np.uint8 if bits == 8 else np.uint16
    )
    grey = Image.fromarray(values)
    path = save_image(tmp_path / "x.png", grey, "PNG", icc_profile=grey_profile(gamma))
    assert is_near(read_photo(path).rgb[5, 5], (expected,) * 3, 2)


def test_linear_srgb_is_converted_to_srgb(tmp_path: Path) -> None:
    linear = matrix_profile(b"GIMP built-in Linear sRGB", SRGB_D50, gamma=1.0)
    image = Image.new("RGB", SIZE_WH, (55, 55, 55))
    path = save_image(tmp_path / "x.png", image, "PNG", icc_profile=linear)
    assert is_near(read_photo(path).rgb[5, 5], (128, 128, 128), 2)


def test_an_srgb_profile_changes_no_pixel(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("RGB", SIZE_WH, (201, 33, 77))
    photo = read_photo(save_image(tmp_path / "x.png", image, "PNG", icc_profile=profile))
    assert (photo.rgb == (201, 33, 77)).all()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_another_colour_space_is_not_applied(tmp_path: Path, mode: str) -> None:
    profile = matrix_profile(b"Display P3", P3_D50)
    plain = Image.new("RGB", SIZE_WH, (90, 90, 90)).convert(mode)
    with_profile = read_photo(save_image(tmp_path / "a", plain, "TIFF", icc_profile=profile))
    without = read_photo(save_image(tmp_path / "b", plain, "TIFF"))
    assert is_near(with_profile.rgb[0, 0], tuple(without.rgb[0, 0].tolist()), 12)


@pytest.mark.parametrize(
    "damage",
    [
        lambda profile: profile[:4],
        lambda profile: profile[:130],
        lambda profile: profile[:300],
        lambda profile: profile[:17] + b"\xff" + profile[18:],  # in the name of the colour space
        lambda profile: bytes(len(profile)),
    ],
)
def test_a_damaged_profile_is_ignored_with_a_notice(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    profile = damage(matrix_profile(b"Display P3", P3_D50))
    image = Image.new("RGB", SIZE_WH, (201, 33, 77))
    photo = read_photo(save_image(tmp_path / "x.png", image, "PNG", icc_profile=profile))
    assert (photo.rgb == (201, 33, 77)).all()
    assert "colour profile" in photo.notices[0].en
