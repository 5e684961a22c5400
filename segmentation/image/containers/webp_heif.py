"""Completes the containers of WebP, AVIF and HEIC that were cut short, and reads their CICP."""

import struct
from collections.abc import Iterator

from segmentation.errors import PhotoError
from segmentation.image.truncated import MOSTLY_MISSING

# Chunks of WebP that hold pixels (RFC 9649, 2.5 to 2.7).
PIXEL_CHUNKS = (b"VP8 ", b"VP8L", b"ANMF")
# Of the boxes on the way to the colour information (ISO/IEC 23008-12, 6.5), the bytes before their
# contents.
COLOUR_PATH = ((b"meta", 4), (b"iprp", 0), (b"ipco", 0))
MAX_BOXES = 10_000


def complete_container(data: bytes, filler: bytes) -> bytes | None:
    """Fill up the container of a photo that was cut short.

    Args:
        data: the file.
        filler: the bytes to repeat in place of the missing ones.

    Returns:
        A file of the stated length, or None if none is missing, or it is in another format.

    Raises:
        PhotoError: most of the file is missing.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _complete_webp(data, filler)
    if data[4:8] == b"ftyp":
        missing = max((end for _, _, end in _boxes(data, 0, 1 << 62)), default=0) - len(data)
        return data + _repeat(filler, _check(missing, data)) if missing > 0 else None
    return None


def read_nclx(data: bytes) -> tuple[int, int] | None:
    """Return the first CICP primaries and transfer of an AVIF or HEIC (ISO/IEC 23091-2), if any."""
    if data[4:8] != b"ftyp":
        return None
    start, end = 0, len(data)
    for kind, skipped in COLOUR_PATH:
        box = next((box for box in _boxes(data, start, end) if box[0] == kind), None)
        if box is None:
            return None
        start, end = box[1] + skipped, min(box[2], end)
    for kind, begin, _ in _boxes(data, start, end):
        if kind == b"colr" and data[begin : begin + 4] == b"nclx" and begin + 8 <= len(data):
            primaries, transfer = struct.unpack_from(">HH", data, begin + 4)
            return primaries, transfer
    return None


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box, where its contents start, and where it says that it ends."""
    for _ in range(MAX_BOXES):
        if start + 8 > min(end, len(data)):
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and start + 16 <= len(data):
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        after = start + size if size else len(data)
        if after < start + head:
            return
        yield kind, start + head, after
        start = after


def _complete_webp(data: bytes, filler: bytes) -> bytes | None:
    stated = 8 + struct.unpack_from("<I", data, 4)[0]
    if stated <= len(data):
        return None
    start = 12
    for _ in range(MAX_BOXES):
        if start + 8 > len(data):
            break
        kind, size = struct.unpack_from("<4sI", data, start)
        after = start + 8 + size + size % 2
        if after > len(data):
            if kind not in PIXEL_CHUNKS:
                break  # nothing but metadata is missing
            return _webp(data[12:] + _repeat(filler, _check(after - len(data), data)))
        start = after
    return _webp(data[12:start])


def _check(missing: int, data: bytes) -> int:
    if missing > len(data):
        raise PhotoError.from_text(MOSTLY_MISSING)
    return missing


def _webp(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def _repeat(filler: bytes, length: int) -> bytes:
    return (filler * (length // len(filler) + 1))[:length]
