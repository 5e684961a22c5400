"""Encodes PNG on all cores: strips of rows are compressed apart and joined to one zlib stream.

ISA-L (the package isal) makes smaller files of photos than zlib's fastest setting, in a fifth of
its time.

Portable Network Graphics, third edition, https://www.w3.org/TR/png-3/; the stream is that of
https://www.rfc-editor.org/rfc/rfc1950.
"""

import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from isal import isal_zlib

from segmentation.arrays import UInt8
from segmentation.image.containers.png import SIGNATURE, make_chunk
from segmentation.parallel.strips import map_parts

# Colour type (section 11.2.1) by the number of channels.
COLOUR_TYPES = {1: 0, 3: 2, 4: 6}
# The filter that stores the difference to the pixel above (section 9.2). It makes smaller files of
# photos than the difference to the left, and is as fast.
UP = 2
# Size of a strip: small enough for the processor's cache.
STRIP_BYTES = 1 << 20
# Deflate with a window of 32 kB, a fast setting.
ZLIB_HEADER = b"\x78\x01"
ADLER_MODULUS = 65_521


@dataclass(frozen=True, slots=True)
class _Strip:
    """Compressed rows.

    Attributes:
        deflated: a part of a deflate stream that needs no data of the parts before it.
        size: number of bytes before compression.
        adler32: checksum of these.
    """

    deflated: bytes
    size: int
    adler32: int


def encode_png(image: UInt8, profile: bytes | None) -> bytes:
    """Encode an image without loss. Pixels with alpha 0 are set to zero.

    Args:
        image: uint8 (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA with straight alpha.
        profile: ICC profile; None writes none.

    Returns:
        The bytes of the file.
    """
    pixels = image if image.ndim == 3 else image[..., None]
    height, width, channels = pixels.shape
    bounds = [*range(0, height, max(1, STRIP_BYTES // (width * channels))), height]
    strips = map_parts(lambda rows: _compress(pixels, *rows), pairwise(bounds))
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [make_chunk(b"IHDR", header)]
    if profile is not None:
        chunks.append(make_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
    start, checksum = ZLIB_HEADER, 1
    for strip in strips:
        chunks.append(make_chunk(b"IDAT", start + strip.deflated))
        start, checksum = b"", combine_adler32(checksum, strip.adler32, strip.size)
    chunks += [make_chunk(b"IDAT", struct.pack(">I", checksum)), make_chunk(b"IEND", b"")]
    return b"".join((SIGNATURE, *chunks))


def combine_adler32(first: int, second: int, second_size: int) -> int:
    """Compute the Adler-32 checksum of joined data from those of its two parts.

    Args:
        first: checksum of the first part.
        second: checksum of the second part.
        second_size: number of bytes of the second part.
    """
    low_before, high_before = first & 0xFFFF, first >> 16
    low = (low_before + (second & 0xFFFF) - 1) % ADLER_MODULUS
    high = (high_before + (second >> 16) + second_size * (low_before - 1)) % ADLER_MODULUS
    return high << 16 | low


def _compress(pixels: UInt8, top: int, bottom: int) -> _Strip:
    """Filter and compress the rows from `top` to `bottom` of an image (H, W, C)."""
    is_last = bottom == len(pixels)
    lines = _filter(pixels, top, bottom)
    compressor = _make_compressor(is_mask=pixels.shape[2] == 1)
    deflated = compressor.compress(lines.data)
    deflated += compressor.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)
    return _Strip(deflated, lines.size, isal_zlib.adler32(lines.data))


def _make_compressor(is_mask: bool) -> Any:
    """Make a compressor without a header: the stream of all strips has one of its own."""
    if is_mask:  # long runs, of which zlib's run-length coding makes smaller files than ISA-L
        return zlib.compressobj(1, wbits=-zlib.MAX_WBITS, memLevel=9, strategy=zlib.Z_RLE)
    return isal_zlib.compressobj(wbits=-zlib.MAX_WBITS)


def _filter(pixels: UInt8, top: int, bottom: int) -> UInt8:
    """Return rows as the filter stores them, uint8 (rows, 1 + W * C): the filter's type first."""
    rows = pixels[max(top - 1, 0) : bottom]
    if pixels.shape[2] == 4:
        rows = np.asarray(cv2.copyTo(rows, np.ascontiguousarray(rows[..., 3])), np.uint8)
    values = rows.reshape(len(rows), -1)
    lines = np.empty((bottom - top, 1 + values.shape[1]), np.uint8)
    lines[:, 0] = UP
    np.subtract(values[1:], values[:-1], out=lines[len(lines) - len(values) + 1 :, 1:])
    if top == 0:  # above the first row, there are zeros
        lines[0, 1:] = values[0]
    return lines
