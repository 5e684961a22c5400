"""Drops what is not needed of a JPEG before it is opened.

Pillow joins the segments of EXIF and of comments in quadratic time, and copies every tag.
Segments: ITU-T T.81, B.1.1.4.
"""

import struct
from collections.abc import Iterator

from segmentation.image.containers.exif import PREFIX, slim_exif

START = b"\xff\xd8\xff"
START_OF_SCAN, APP0, APP1, APP2, APP14, APP15, COMMENT = 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
XMP = b"http://ns.adobe.com/xap/1.0/\0"
PROFILE = b"ICC_PROFILE\0"
# A profile has at most so many parts (ICC.1:2022, B.4).
MAX_PROFILE_PARTS = 255
MAX_SEGMENTS = 100_000


def drop_side_segments(data: bytes) -> bytes:
    """Rebuild a JPEG from its pixels and the few side segments that matter.

    These are JFIF's and Adobe's headers, the profile, the orientation and density of EXIF, and the
    first XMP, which may state the orientation too.

    Args:
        data: the file; one in another format, or without pixels, is returned as it is.
    """
    if not data.startswith(START):
        return data
    kept, profile_parts, end = [data[:2]], 0, 2
    seen: set[int | bytes] = set()
    for marker, start, end in _segments(data):
        segment = data[start:end]
        if marker == APP1:
            if segment[4:].startswith(PREFIX) and marker not in seen:
                exif = slim_exif(segment[4:])
                kept.append(b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif)
                seen.add(marker)
            elif segment[4:].startswith(XMP) and XMP not in seen:
                kept.append(segment)
                seen.add(XMP)
        elif marker == APP2:
            if segment[4:].startswith(PROFILE) and profile_parts < MAX_PROFILE_PARTS:
                kept.append(segment)
                profile_parts += 1
        elif marker in (APP0, APP14):
            if marker not in seen:
                kept.append(segment)
                seen.add(marker)
        elif marker != COMMENT and not APP0 <= marker <= APP15:
            kept.append(segment)
    return b"".join((*kept, memoryview(data)[end:]))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each whole segment before the first scan."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        while data[position : position + 2] == b"\xff\xff":  # fill bytes
            position += 1
        if position + 4 > len(data) or data[position] != 0xFF:
            return
        marker, length = data[position + 1], struct.unpack_from(">H", data, position + 2)[0]
        end = position + 2 + length
        if marker == START_OF_SCAN or marker < 0xC0 or length < 2 or end > len(data):
            return
        yield marker, position, end
        position = end
