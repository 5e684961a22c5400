"""Drops what is not needed of a PNG before it is opened, and reads its colour chunks.

Pillow reads every text into memory, and refuses a photo for a broken side chunk of no importance.
Chunks: Portable Network Graphics, third edition, https://www.w3.org/TR/png-3/.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Lengths of the chunks that have one, and of tRNS by colour type.
LENGTHS: Mapping[bytes, int] = {
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"cICP": 4,
    b"pHYs": 9,
    b"acTL": 8,
}
KEY_LENGTHS = {0: range(2, 3), 2: range(6, 7), 3: range(1, 257)}
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# Side chunks that are kept, and the length up to which they are.
KEPT_CHUNKS: Mapping[bytes, int] = {
    **LENGTHS,
    b"PLTE": 768,
    b"tRNS": 768,
    b"iCCP": 1 << 20,
    b"eXIf": 65_535,
    **dict.fromkeys(TEXTS, 65_535),
}
# Texts that may state the orientation.
KEPT_TEXTS = (b"Raw profile type exif\0", b"Raw profile type APP1\0", b"XML:com.adobe.xmp\0\0\0")
COMPRESSED = (b"iCCP", b"zTXt")
REQUIRED = (b"IHDR", b"PLTE")
MAX_INFLATED = 1 << 20  # as much as Pillow takes
MAX_CHUNKS = 50_000
# Stands for a profile that cannot be read, so that it is reported like any other damaged one.
NO_PROFILE = b"damaged\0\0" + zlib.compress(b"damaged")


def drop_side_chunks(data: bytes) -> bytes:
    """Rebuild a PNG from its pixels and the few sound side chunks that matter.

    Args:
        data: the file; one in another format, or without pixels, is returned as it is.

    Returns:
        The file with side chunks before the pixels, and these in one chunk.
    """
    if not data.startswith(SIGNATURE):
        return data
    before, pixels, seen, colour_type = [], [], set(), -1
    for kind, contents, checksum in _chunks(data):
        if kind == b"IDAT":
            pixels.append(contents)
        elif kind == b"IHDR" or (kind in KEPT_CHUNKS and kind not in seen):
            kept = _keep(kind, bytes(contents), checksum)
            if kind == b"IHDR":
                colour_type = contents[9] if len(contents) == 13 else -1
            elif kind == b"tRNS" and len(contents) not in KEY_LENGTHS.get(colour_type, ()):
                continue
            if kept is not None:
                before.append(make_chunk(kind, kept))
                if kind not in TEXTS:
                    seen.add(kind)
    if not pixels or not before:
        return data
    return b"".join(
        (SIGNATURE, *before, make_chunk(b"IDAT", b"".join(pixels)), make_chunk(b"IEND", b""))
    )


def read_header(data: bytes) -> dict[bytes, bytes]:
    """Return the chunks before the pixels of a PNG, the last of each kind; none of other files."""
    chunks: dict[bytes, bytes] = {}
    if data.startswith(SIGNATURE):
        for kind, contents, _ in _chunks(data):
            if kind == b"IDAT":
                break
            chunks[kind] = bytes(contents)
    return chunks


def _keep(kind: bytes, contents: bytes, checksum: int) -> bytes | None:
    """Return the contents under which a chunk is kept, or None if it is dropped."""
    if kind in REQUIRED:  # the decoder refuses the photo if they are damaged
        return contents if zlib.crc32(kind + contents) == checksum else contents[:-1]
    if kind in TEXTS and not contents.startswith(KEPT_TEXTS):
        return None
    is_sound = len(contents) <= KEPT_CHUNKS[kind] and zlib.crc32(kind + contents) == checksum
    if is_sound and kind in COMPRESSED:
        is_sound = _inflates(contents)
    if kind in LENGTHS:
        is_sound = is_sound and len(contents) == LENGTHS[kind]
    if kind == b"iCCP" and not is_sound:
        return NO_PROFILE
    return contents if is_sound else None


def _inflates(contents: bytes) -> bool:
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(contents[contents.index(b"\0") + 2 :], MAX_INFLATED)
    except (zlib.error, ValueError):
        return False
    return not inflater.unconsumed_tail


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, int]]:
    """Yield kind, contents and checksum of each chunk; the last may be cut short."""
    view, start = memoryview(data), len(SIGNATURE)
    for index in range(MAX_CHUNKS):
        if start + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        if kind == b"IEND" or not kind.isalpha():
            return
        end = start + 8 + length
        checksum = struct.unpack_from(">I", data, end)[0] if end + 4 <= len(data) else -1
        yield kind, view[start + 8 : end], checksum
        start = end + 4
        if index == MAX_CHUNKS // 2:  # far too many chunks: go on at the pixels
            start = max(start, data.find(b"IDAT", start) - 4)


def make_chunk(kind: bytes, contents: bytes) -> bytes:
    """Frame the contents of a chunk with their length, kind and checksum."""
    checksum = zlib.crc32(contents, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(contents)), kind, contents, struct.pack(">I", checksum)))
