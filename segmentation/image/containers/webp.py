"""Puts the density of an image into the container of a WebP (RFC 9649, 2.7)."""

import struct

from segmentation.image.containers.exif import density_exif

# The flags of a VP8X chunk come after its name and size.
FLAGS_AT = 8
HAS_EXIF = 0x08


def write_webp_density(data: bytes, dpi_xy: tuple[float, float]) -> bytes:
    """Add an EXIF chunk that states the dots per inch across and down, and nothing else.

    Args:
        data: a WebP without one.
        dpi_xy: dots per inch.

    Returns:
        The new file. The chunks of its pixels, alpha and profile stay as they are.
    """
    chunks = bytearray(data[12:] if data[12:16] == b"VP8X" else _extended_header(data) + data[12:])
    chunks[FLAGS_AT] |= HAS_EXIF
    chunks += _chunk(b"EXIF", density_exif(dpi_xy))
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def _extended_header(data: bytes) -> bytes:
    """The VP8X chunk that a file of one opaque image, VP8 or VP8L, may have before it."""
    if data[12:16] == b"VP8L":
        # After a signature, 14 bits of the width and 14 of the height, both less one.
        sides = struct.unpack_from("<I", data, 21)[0]
        width, height = (sides & 0x3FFF), (sides >> 14 & 0x3FFF)
    else:
        # After a frame tag and a start code (RFC 6386, 9.1).
        width, height = ((side & 0x3FFF) - 1 for side in struct.unpack_from("<HH", data, 26))
    flags_and_reserved = bytes(4)
    return _chunk(
        b"VP8X", flags_and_reserved + width.to_bytes(3, "little") + height.to_bytes(3, "little")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
