"""Recognises camera raw files, and TIFFs whose first page is a reduced copy of the photo.

Pillow opens many raw files as a TIFF, and takes the small preview in it for the photo.
"""

import struct
from collections.abc import Iterator, Mapping

from segmentation.errors import PhotoError
from segmentation.i18n import Text

IS_RAW = Text(
    "This is a camera's raw file. Export the photo as JPEG or TIFF, then retry.",
    "这是相机 RAW 文件。请先导出为 JPEG 或 TIFF，再重试。",
)
IS_REDUCED = Text(
    "The first page of this TIFF is a reduced copy of the photo, as in cameras' raw files. Export "
    "the photo as JPEG or TIFF, then retry.",
    "此 TIFF 的第一页只是缩略图（常见于相机 RAW 文件）。请导出为 JPEG 或 TIFF 后再试。",
)
# The first bytes of raw files, by where they start.
RAW_STARTS: Mapping[bytes, int] = {
    b"FUJIFILMCCD-RAW": 0,  # RAF
    b"ftypcrx ": 4,  # CR3
    b"HEAPCCDR": 6,  # CRW
    b"IIRO": 0,  # ORF
    b"IIRS": 0,
    b"MMOR": 0,
    b"IIU\0": 0,  # RW2
    b"FOVb": 0,  # X3F
    b"\0MRM": 0,  # MRW
    b"CR\x02\0": 8,  # CR2
}
# Tags of TIFF 6.0 and DNG 1.7.
NEW_SUBFILE_TYPE, SUBFILE_TYPE, PHOTOMETRIC, DNG_VERSION = 254, 255, 262, 50706
REDUCED_FLAG, REDUCED_TYPE = 1, 2
RAW_PHOTOMETRICS = (32803, 34892)  # colour filter array, linear raw
MAX_TAGS = 1000


def refuse_raw(data: bytes) -> None:
    """Refuse a file of which only a small copy of the photo, or nothing, could be read here.

    Raises:
        PhotoError: the file is a camera's raw file, or a TIFF whose first page is a reduced copy.
    """
    if any(data.startswith(start, offset) for start, offset in RAW_STARTS.items()):
        raise PhotoError.from_text(IS_RAW)
    tags = dict(_first_tags(data))
    if not tags:
        return
    if DNG_VERSION in tags or tags.get(PHOTOMETRIC) in RAW_PHOTOMETRICS:
        raise PhotoError.from_text(IS_RAW)
    if tags.get(NEW_SUBFILE_TYPE, 0) & REDUCED_FLAG or tags.get(SUBFILE_TYPE) == REDUCED_TYPE:
        raise PhotoError.from_text(IS_REDUCED)


def _first_tags(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the tags of a TIFF's first page with their values, which are whole for integers."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return
    version = struct.unpack_from(order + "H", data, 2)[0]
    if version == 42:
        offset_format, count_format, entry_length, value_at = "I", "H", 12, 8
    elif version == 43:  # BigTIFF
        offset_format, count_format, entry_length, value_at = "Q", "Q", 20, 12
    else:
        return
    start = struct.unpack_from(order + offset_format, data, 4 if version == 42 else 8)[0]
    first = start + struct.calcsize(order + count_format)
    if first > len(data):
        return
    count = struct.unpack_from(order + count_format, data, start)[0]
    for entry in range(first, first + min(count, MAX_TAGS) * entry_length, entry_length):
        if entry + entry_length > len(data):
            return
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        value_format = order + ("H" if kind == 3 else "I")
        yield tag, struct.unpack_from(value_format, data, entry + value_at)[0]
