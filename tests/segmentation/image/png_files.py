"""PNG files put together chunk by chunk."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIDE = 20


def chunk(kind: bytes, contents: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + contents) if checksum is None else checksum
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", checksum)


def png(
    pixel: bytes, before: bytes = b"", after: bytes = b"", depth: int = 8, other: bytes = b""
) -> bytes:
    """Make a PNG of `SIDE` x `SIDE` pixels.

    Args:
        pixel: bytes of a pixel, or of the whole row if `depth` is less than 8.
        before: chunks between header and pixels.
        after: chunks behind the pixels.
        depth: bits per channel.
        other: the top left pixel, if it is another.
    """
    channels = 1 if depth < 8 else len(pixel) * 8 // depth
    header = struct.pack(">IIBBBBB", SIDE, SIDE, depth, {1: 0, 3: 2}[channels], 0, 0, 0)
    row = pixel if depth < 8 else pixel * SIDE
    first = (other or row[: len(other)]) + row[len(other) :]
    rows = b"\0" + first + (b"\0" + row) * (SIDE - 1)
    body = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + after
    return SIGNATURE + body + chunk(b"IEND", b"")
