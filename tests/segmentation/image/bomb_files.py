"""Small files that take far more memory or time to read than photos of their size."""

import struct
import zlib

from PIL import Image

from tests.segmentation.image.photo_files import encode_image
from tests.segmentation.image.png_files import chunk


def exif_of_one_value(tags: int, length: int) -> bytes:
    """Make EXIF data whose tags all name the same bytes."""
    entries = b"".join(
        struct.pack("<HHII", 0x9000 + tag, 7, length, 14 + 12 * tags) for tag in range(tags)
    )
    return b"II*\0" + struct.pack("<IH", 8, tags) + entries + bytes(4 + length)


def tiff_of_one_value(tags: int, length: int) -> bytes:
    """Make a TIFF whose private tags all name the same bytes."""
    own = {256: 20, 257: 20, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 20, 279: 400}
    count = len(own) + tags
    values = 8 + 2 + 12 * count + 4
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in own.items()]
    entries += [struct.pack("<HHII", 40_000 + tag, 7, length, values) for tag in range(tags)]
    table = struct.pack("<H", count) + b"".join(entries)
    return b"II*\0" + struct.pack("<I", 8) + table + bytes(4 + length)


def tiff_of_one_tile(side: int) -> bytes:
    """Make a TIFF of 20 x 20 pixels in one tile of a larger size."""
    tags = {256: 20, 257: 20, 258: 8, 259: 8, 262: 1, 277: 1, 322: side, 323: side, 324: 8, 325: 8}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def progressive_scans(count: int, side: int) -> bytes:
    """Make a progressive JPEG that repeats a scan."""
    data = encode_image(Image.new("RGB", (side, side), (90, 30, 30)), "JPEG", progressive=True)
    last, end = data.rindex(b"\xff\xda"), len(data) - 2
    # The last scans refine single bits, which can be done again and again.
    return data[:end] + data[last:end] * count + data[end:]


def jpeg_of_segments(marker: int, contents: bytes, count: int) -> bytes:
    data = encode_image(Image.new("RGB", (24, 20), (90, 30, 30)), "JPEG")
    segment = bytes((0xFF, marker)) + struct.pack(">H", 2 + len(contents)) + contents
    return data[:2] + segment * count + data[2:]


def gif_of_comments(count: int) -> bytes:
    data = encode_image(Image.new("P", (24, 20)), "GIF")
    comment = b"!\xfe" + (b"\xff" + b"x" * 255) * 200 + b"\0"
    at = data.index(b",", 13)
    return data[:at] + comment * count + data[at:]


def png_of_raw_profile(tags: int, length: int) -> bytes:
    """Make a PNG whose EXIF is a compressed text."""
    exif = b"Exif\0\0" + exif_of_one_value(tags, length)
    text = b"\nexif\n" + str(len(exif)).encode() + b"\n" + exif.hex().encode()
    contents = b"Raw profile type exif\0\0" + zlib.compress(text, 9)
    data = encode_image(Image.new("RGB", (24, 20)), "PNG")
    return data[:33] + chunk(b"zTXt", contents) + data[33:]


def webp_of_one_value(tags: int, length: int) -> bytes:
    """Make a WebP whose EXIF tags all name the same bytes."""
    exif = exif_of_one_value(tags, length)
    return encode_image(Image.new("RGB", (24, 20)), "WEBP", exif=exif)
