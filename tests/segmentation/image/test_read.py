"""Files of every kind become photos, or one sentence; images become files."""

import io
import random
import struct
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, PngImagePlugin, TiffImagePlugin

from segmentation.errors import KoutuError, PhotoError, PhotoTooLarge
from segmentation.image.read import Limits, read_photo, safe_stem

SIZE_WH = (24, 20)
TOP_LEFT, REST = (250, 10, 10), (10, 10, 250)


def written(path: Path, image: Image.Image, format_: str, **options: Any) -> Path:
    image.save(path, format_, **options)
    return path


def bytes_of(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def corner_photo() -> Image.Image:
    """Red in its top left quarter, blue elsewhere."""
    image = Image.new("RGB", SIZE_WH, REST)
    image.paste(TOP_LEFT, (0, 0, SIZE_WH[0] // 2, SIZE_WH[1] // 2))
    return image


def frames() -> tuple[Image.Image, Image.Image]:
    return Image.new("RGB", SIZE_WH, TOP_LEFT), Image.new("RGB", SIZE_WH, REST)


def near(colour: Any, expected: tuple[int, int, int], tolerance: int = 6) -> bool:
    return bool(np.abs(np.asarray(colour, int) - expected).max() <= tolerance)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is of that size, and has next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def tiff_of_pages(count: int) -> bytes:
    """A grey 20 x 20 TIFF whose pages all show the same strip."""
    strip = bytes(400)
    tags = {256: 20, 257: 20, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 20, 279: len(strip)}
    length, data = 2 + 12 * len(tags) + 4, b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip
    for page in range(1, count + 1):
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        after = 8 + len(strip) + page * length if page < count else 0
        data += struct.pack("<H", len(tags)) + entries + struct.pack("<I", after)
    return data


@pytest.fixture
def nothing_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make decoding a failure of the test."""

    for kind in (Image.Image, ImageFile.ImageFile, PngImagePlugin.PngImageFile):

        def load(image: Image.Image, original: Callable[..., Any] = kind.load) -> Any:
            if image.format is not None:
                pytest.fail(f"pixels of a {image.format} were decoded")
            return original(image)

        monkeypatch.setattr(kind, "load", load)


# Orientation


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_upright(tmp_path: Path, format_: str, orientation: int) -> None:
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
    photo = read_photo(written(tmp_path / "photo", image, format_, exif=exif))
    assert photo.hw == SIZE_WH[::-1]
    assert near(photo.rgb[3, 3], TOP_LEFT, 40)
    for x, y in ((-4, 3), (3, -4), (-4, -4)):
        assert near(photo.rgb[y, x], REST, 40)


def test_an_orientation_in_xmp_counts(tmp_path: Path) -> None:
    xmp = b'<x tiff:Orientation="6"/>'
    image = corner_photo().transpose(Image.Transpose.ROTATE_90)
    photo = read_photo(written(tmp_path / "x.jpg", image, "JPEG", xmp=xmp))
    assert photo.hw == SIZE_WH[::-1]


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_unknown_orientation_is_none(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = read_photo(written(tmp_path / "x.jpg", corner_photo(), "JPEG", exif=exif))
    assert near(photo.rgb[3, 3], TOP_LEFT, 40)


def test_unreadable_exif_costs_the_orientation_not_the_photo(tmp_path: Path) -> None:
    damaged = b"Exif\0\0not a header at all"
    photo = read_photo(written(tmp_path / "x.webp", corner_photo(), "WEBP", exif=damaged))
    assert photo.hw == SIZE_WH[::-1]
    assert "EXIF" in photo.notices[0].en


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_malformed_exif_never_costs_the_photo(tmp_path: Path, format_: str) -> None:
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
            written(path, corner_photo(), format_, exif=bytes(data))
        except Exception:  # the writer of AVIF reads the EXIF itself
            continue
        assert sorted(read_photo(path).hw) == sorted(SIZE_WH)


# Modes


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
    photo = read_photo(written(tmp_path / "x", Image.new(mode, SIZE_WH, colour), format_))
    assert photo.rgb.shape == (*SIZE_WH[::-1], 3)
    assert photo.rgb.dtype == np.uint8
    assert near(photo.rgb[5, 5], rgb, 3)
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
    photo = read_photo(written(tmp_path / "x", image, format_))
    assert (photo.rgb == expected).all()


@pytest.mark.parametrize("format_", ["PNG", "GIF"])
def test_a_palettes_transparent_entry_is_alpha(tmp_path: Path, format_: str) -> None:
    image = Image.new("P", SIZE_WH, 0)
    image.putpalette([1, 2, 3, 200, 100, 50])
    image.putpixel((7, 4), 1)
    opaque = read_photo(written(tmp_path / "opaque", image, format_))
    assert opaque.alpha is None
    assert tuple(opaque.rgb[4, 7]) == (200, 100, 50)
    photo = read_photo(written(tmp_path / "clear", image, format_, transparency=1))
    assert photo.alpha is not None
    assert np.argwhere(photo.alpha == 0).tolist() == [[4, 7]]
    assert tuple(photo.rgb[4, 7]) == (255, 255, 255)
    assert tuple(photo.rgb[0, 0]) == (1, 2, 3)


def test_floating_point_is_refused(tmp_path: Path) -> None:
    image = Image.fromarray(np.full(SIZE_WH[::-1], 0.5, np.float32))
    with pytest.raises(PhotoError, match="floating-point"):
        read_photo(written(tmp_path / "x.tif", image, "TIFF"))


# Colour profiles

D50 = (0.9642, 1.0, 0.8249)
SRGB_D50 = ((0.4361, 0.3851, 0.1431), (0.2225, 0.7169, 0.0606), (0.0139, 0.0971, 0.7141))
P3_D50 = ((0.5151, 0.2920, 0.1571), (0.2412, 0.6922, 0.0666), (-0.0011, 0.0419, 0.7841))
GAMMA = 2.2


def matrix_profile(
    name: bytes, to_xyz: tuple[tuple[float, ...], ...], gamma: float = GAMMA
) -> bytes:
    """An ICC v2 display profile (ICC.1:2001-04): three colorants, one gamma."""
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
    """The same colour by the book: decode gamma, change primaries, encode as IEC 61966-2-1."""
    linear = np.linalg.inv(SRGB_D50) @ np.array(to_xyz) @ (np.array(rgb) / 255) ** GAMMA
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(np.rint(255 * encoded).astype(int).tolist())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("rgb", [(200, 120, 80), (60, 160, 90), (128, 128, 128), (255, 0, 0)])
def test_display_p3_becomes_srgb(tmp_path: Path, mode: str, rgb: tuple[int, int, int]) -> None:
    image = Image.new("RGB", SIZE_WH, rgb).convert(mode, palette=Image.Palette.ADAPTIVE)
    profile = matrix_profile(b"Display P3", P3_D50)
    photo = read_photo(written(tmp_path / "x.png", image, "PNG", icc_profile=profile))
    assert near(photo.rgb[5, 5], in_srgb(rgb, P3_D50), 3)  # type: ignore[arg-type]
    assert photo.notices == ()


@pytest.mark.parametrize(("gamma", "expected"), [(1.0, 168), (1.75, 122)])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_grey_profile_counts(tmp_path: Path, gamma: float, expected: int, bits: int) -> None:
    values = np.full(
        (20, 24), 100 if bits == 8 else 100 * 257, np.uint8 if bits == 8 else np.uint16
    )
    grey = Image.fromarray(values)
    path = written(tmp_path / "x.png", grey, "PNG", icc_profile=grey_profile(gamma))
    assert near(read_photo(path).rgb[5, 5], (expected,) * 3, 2)


def test_linear_srgb_is_another_colour_space(tmp_path: Path) -> None:
    linear = matrix_profile(b"GIMP built-in Linear sRGB", SRGB_D50, gamma=1.0)
    image = Image.new("RGB", SIZE_WH, (55, 55, 55))
    path = written(tmp_path / "x.png", image, "PNG", icc_profile=linear)
    assert near(read_photo(path).rgb[5, 5], (128, 128, 128), 2)


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("RGB", SIZE_WH, (201, 33, 77))
    photo = read_photo(written(tmp_path / "x.png", image, "PNG", icc_profile=profile))
    assert (photo.rgb == (201, 33, 77)).all()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_another_colour_space_is_not_applied(tmp_path: Path, mode: str) -> None:
    profile = matrix_profile(b"Display P3", P3_D50)
    plain = Image.new("RGB", SIZE_WH, (90, 90, 90)).convert(mode)
    with_profile = read_photo(written(tmp_path / "a", plain, "TIFF", icc_profile=profile))
    without = read_photo(written(tmp_path / "b", plain, "TIFF"))
    assert near(with_profile.rgb[0, 0], tuple(without.rgb[0, 0].tolist()), 12)


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
def test_a_damaged_profile_is_said_and_ignored(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    profile = damage(matrix_profile(b"Display P3", P3_D50))
    image = Image.new("RGB", SIZE_WH, (201, 33, 77))
    photo = read_photo(written(tmp_path / "x.png", image, "PNG", icc_profile=profile))
    assert (photo.rgb == (201, 33, 77)).all()
    assert "colour profile" in photo.notices[0].en


# Frames


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_several_frames_the_first_is_used_and_said(tmp_path: Path, format_: str) -> None:
    first, second = frames()
    path = written(tmp_path / "x", first, format_, save_all=True, append_images=[second])
    photo = read_photo(path)
    assert near(photo.rgb[5, 5], TOP_LEFT)
    assert [notice.en for notice in photo.notices] == [
        "The file has several frames; the first one is used."
    ]


def test_a_phones_second_view_is_not_worth_a_notice(tmp_path: Path) -> None:
    first, second = frames()
    path = written(tmp_path / "x.jpg", first, "MPO", save_all=True, append_images=[second])
    photo = read_photo(path)
    assert near(photo.rgb[5, 5], TOP_LEFT)
    assert photo.notices == ()


def test_a_gif_without_frames_is_refused(tmp_path: Path) -> None:
    data = bytes_of(Image.new("P", SIZE_WH), "GIF")
    path = tmp_path / "x.gif"
    path.write_bytes(data[: data.index(b",")] + b";")
    with pytest.raises(PhotoError):
        read_photo(path)


# Limits


@pytest.mark.usefixtures("nothing_decodes")
@pytest.mark.parametrize(
    ("width", "height"),
    [
        (20_000, 20_000),  # Pillow itself refuses
        (12_000, 12_000),  # Pillow warns
        (7_072, 7_072),  # just above ours
        (30_001, 20),
        (20, 30_001),
    ],
)
def test_a_header_of_a_huge_photo_is_enough_to_refuse(
    tmp_path: Path, width: int, height: int
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height))
    with pytest.raises(PhotoTooLarge, match="smaller"):
        read_photo(path)


@pytest.mark.usefixtures("nothing_decodes")
def test_a_long_photo_is_told_the_limit_it_is_beyond(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    path.write_bytes(png_header(16, 31_000))
    with pytest.raises(PhotoTooLarge, match=r"16 x 31000 pixels; the limit is 30000 a side\."):
        read_photo(path)


@pytest.mark.usefixtures("nothing_decodes")
@pytest.mark.parametrize("format_", ["JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF"])
def test_every_format_is_judged_by_its_header(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes_of(Image.new("RGB", SIZE_WH), format_))
    with pytest.raises(PhotoTooLarge):
        read_photo(path, Limits(megapixels=0.0004))
    with pytest.raises(PhotoTooLarge):
        read_photo(path, Limits(longest_side=23))
    with pytest.raises(PhotoError, match="at least 21"):
        read_photo(path, Limits(shortest_side=21))


def test_a_bomb_of_a_few_kilobytes_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.png", Image.new("1", (20_000, 20_000)), "PNG")
    assert path.stat().st_size < 100_000
    with pytest.raises(PhotoTooLarge):
        read_photo(path)


def test_the_limits_themselves_are_allowed(tmp_path: Path) -> None:
    path = written(tmp_path / "x.png", Image.new("RGB", SIZE_WH), "PNG")
    size = path.stat().st_size
    exact = Limits(size / 1e6, 480 / 1e6, longest_side=24, shortest_side=20, frames=1)
    assert read_photo(path, exact).hw == (20, 24)
    with pytest.raises(PhotoTooLarge, match="MB"):
        read_photo(path, Limits(megabytes=(size - 1) / 1e6))


def test_one_pixel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="only 1 x 1 pixels"):
        read_photo(written(tmp_path / "x.png", Image.new("RGB", (1, 1)), "PNG"))


@pytest.mark.usefixtures("nothing_decodes")
@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP", "TIFF"])
def test_frames_are_limited(tmp_path: Path, format_: str) -> None:
    shades = [Image.new("RGB", SIZE_WH, (40 * i, 0, 0)) for i in range(4)]
    data = bytes_of(shades[0], format_, save_all=True, append_images=shades[1:])
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(PhotoTooLarge, match="more than 3 frames"):
        read_photo(tmp_path / "x", Limits(frames=3))


def test_pages_are_counted_no_further_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(tiff_of_pages(60))
    counting = property(lambda _: pytest.fail("counted to the end"))
    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "n_frames", counting)
    with pytest.raises(PhotoTooLarge, match="more than 5 frames"):
        read_photo(path, Limits(frames=5))


# What is not a photo


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
HEIC_START = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("empty.jpg", b"", "empty"),
        ("text.jpg", b"Dear Sir or Madam, this is no photo.", "not a photo"),
        ("drawing.svg", SVG, "SVG is a drawing"),
        ("drawing.png", b"  \n" + SVG, "SVG is a drawing"),
        ("page.pdf", b"%PDF-1.7\n", "not a photo"),
        ("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a photo"),
        ("start.png", b"\x89PNG\r\n\x1a\n", "not a photo"),
        ("start.jpg", b"\xff\xd8\xff", "not a photo"),
    ],
)
def test_what_is_no_photo_is_called_so(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PhotoError, match=says) as caught:
        read_photo(tmp_path / name)
    assert "\n" not in caught.value.text.en + caught.value.text.zh


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.jpg", "no file missing.jpg"),
        ("", "is a folder"),
        ("x" * 300, "cannot be read"),
    ],
)
def test_what_cannot_be_opened_is_called_so(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(PhotoError, match=says):
        read_photo(tmp_path / name)


def test_an_endless_file_is_read_up_to_the_limit() -> None:
    with pytest.raises(PhotoTooLarge, match=r"0\.5 MB"):
        read_photo(Path("/dev/zero"), Limits(megabytes=0.5))


def test_a_name_no_file_can_have_is_refused() -> None:
    with pytest.raises(PhotoError, match="cannot be read"):
        read_photo(Path("a\0b"))


FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF", "MPO", "tiled"]


def sample(format_: str) -> bytes:
    noise = np.random.default_rng(3).integers(0, 255, (20, 24, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    match format_:
        case "HEIF":
            import pillow_heif

            pillow_heif.register_heif_opener()
        case "tiled":
            return bytes_of(image, "TIFF", compression="tiff_adobe_deflate")
        case "JPEG" | "WEBP" | "AVIF" | "PNG":
            exif = Image.Exif()
            exif[0x0112] = 6
            return bytes_of(image, format_, exif=exif)
        case "GIF" | "MPO":
            return bytes_of(image, format_, save_all=True, append_images=[image.rotate(180)])
    return bytes_of(image, format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_cut_short_is_refused(tmp_path: Path, format_: str) -> None:
    data = sample(format_)
    path = tmp_path / "x"
    for length in (1, 3, 8, 12, 20, 40, 80, len(data) // 3, len(data) // 2):
        path.write_bytes(data[:length])
        with pytest.raises(PhotoError):
            read_photo(path)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, format_: str) -> None:
    data, chance = sample(format_), random.Random(format_)
    path = tmp_path / "x"
    for attempt in range(150):
        damaged = bytearray(data)
        reach = 300 if attempt % 2 else len(data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            damaged[chance.randrange(min(reach, len(data)))] = chance.choice(
                (0, 255, chance.randrange(256))
            )
        path.write_bytes(damaged)
        try:
            photo = read_photo(path)
        except KoutuError:
            continue
        assert photo.rgb.shape == (*photo.hw, 3)


# HEIC


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where pillow-heif was never installed."""
    for registry in ("OPEN", "MIME", "EXTENSION", "DECODERS"):
        monkeypatch.setattr(Image, registry, dict(getattr(Image, registry)))
    Image.OPEN.pop("HEIF", None)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


def test_heic_is_read_where_pillow_heif_is(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.heic").write_bytes(sample("HEIF"))
    photo = read_photo(tmp_path / "IMG_1.heic")
    assert photo.hw == (20, 24)
    assert photo.notices == ()


@pytest.mark.usefixtures("nothing_decodes")
def test_heic_is_judged_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.heic").write_bytes(sample("HEIF"))
    with pytest.raises(PhotoTooLarge):
        read_photo(tmp_path / "IMG_1.heic", Limits(longest_side=23))


def test_damaged_heic_is_not_blamed_on_a_missing_package(tmp_path: Path) -> None:
    (tmp_path / "x.heic").write_bytes(HEIC_START)
    with pytest.raises(PhotoError, match="not a photo"):
        read_photo(tmp_path / "x.heic")


@pytest.mark.usefixtures("without_heif")
def test_without_pillow_heif_heic_is_refused_and_the_rest_read(tmp_path: Path) -> None:
    (tmp_path / "x.heic").write_bytes(HEIC_START)
    with pytest.raises(PhotoError, match="pip install pillow-heif"):
        read_photo(tmp_path / "x.heic")
    assert read_photo(written(tmp_path / "x.png", corner_photo(), "PNG")).hw == (20, 24)


# Density


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
def test_density_is_read_where_it_can_be_true(
    tmp_path: Path, format_: str, dpi: Any, expected: Any
) -> None:
    options = {"dpi": dpi} if dpi else {}
    photo = read_photo(written(tmp_path / "x", corner_photo(), format_, **options))
    assert photo.dpi_xy == (expected and pytest.approx(expected, abs=0.02))


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_density_turns_with_the_photo(tmp_path: Path, format_: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = written(tmp_path / "x", corner_photo(), format_, exif=exif, dpi=(300, 150))
    assert read_photo(path).dpi_xy == (150, 300)


# Names


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("IMG_0001.JPG", "IMG_0001"),
        ("我的照片.jpg", "我的照片"),
        ("cafe\u0301.png", "caf\u00e9"),
        ("two words (1).jpeg", "two_words_1"),
        ("a.tar.gz", "a_tar"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot"),
        ("..", "photo"),
        ("", "photo"),
        (".", "photo"),
        (".hidden", "hidden"),
        ("😀.png", "photo"),
        ("😀cat😀.png", "cat"),
        ("❤\ufe0f.png", "photo"),
        ("हिन्दी तस्वीर.jpg", "हिन्दी_तस्वीर"),
        ("ภาพถ่าย.jpg", "ภาพถ่าย"),
        ("தமிழ்.jpg", "தமிழ்"),
        ("مُحَمَّد.jpg", "مُحَمَّد"),
        ("-rf.png", "-rf"),
        ("a\nb\0c\udcff.png", "a_b_c"),
        ("%s<script>.png", "s_script"),
    ],
)
def test_a_stem_is_safe_and_still_recognised(name: str, stem: str) -> None:
    assert safe_stem(name) == stem


@pytest.mark.parametrize("letter", ["a", "照", "𠮷", "é"])
def test_a_long_name_still_fits_a_file_system(letter: str) -> None:
    stem = safe_stem(letter * 300 + ".jpg")
    assert stem
    assert set(stem) == {letter}
    assert len(f"{stem}_1000_cutout.png".encode()) <= 255


def test_a_photo_carries_its_stem(tmp_path: Path) -> None:
    assert read_photo(written(tmp_path / "我的 猫.png", corner_photo(), "PNG")).stem == "我的_猫"


def test_threads_read_the_same_photos(tmp_path: Path) -> None:
    """Registering pillow-heif and quieting Pillow are done in every thread."""
    for format_ in FORMATS:
        (tmp_path / format_).write_bytes(sample(format_))
    alone = [read_photo(tmp_path / format_) for format_ in FORMATS]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(read_photo, [tmp_path / name for name in FORMATS * 6]))
    for one, other in zip(alone * 6, together, strict=True):
        np.testing.assert_array_equal(one.rgb, other.rgb)
        assert one.notices == other.notices
