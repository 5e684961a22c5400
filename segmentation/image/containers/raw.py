"""Recognises camera raw files, and TIFFs whose first page is a reduced copy of the photo.

Pillow opens many raw files as a TIFF, and takes the small preview in it for the photo.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
NEW_SUBFILE_TYPE, SUBFILE_TYPE, PHOTOMETRIC, SUB_PAGES, DNG_VERSION = 254, 255, 262, 330, 50706
REDUCED_FLAG, REDUCED_TYPE = 1, 2
RAW_PHOTOMETRICS = (32803, 34892)  # colour filter array, linear raw
MAX_TAGS, MAX_SUB_PAGES = 1000, 16

# The number of values of each tag, and the first of them.
Tags = dict[int, tuple[int, int]]
ABSENT = 0, 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How a TIFF stores numbers, in formats of `struct`.

    The second half of the header is the offset of the first page. A tag is two shorts, the number
    of its values, and the value, or the offset of the values if they do not fit there; each of the
    last two is as long as an offset.

    Attributes:
        order: of bytes.
        offset_format: of an offset, and of the number of values of a tag.
        count_format: of the number of tags of a page.
    """

    order: str
    offset_format: str
    count_format: str

    @property
    def offset_bytes(self) -> int:
        """Size of an offset."""
        return struct.calcsize(self.order + self.offset_format)


def refuse_raw(data: bytes) -> None:
    """Refuse a file of which only a small copy of the photo, or nothing, could be read here.

    Raises:
        PhotoError: the file is a camera's raw file, or a TIFF whose first page is a reduced copy.
    """
    if any(data.startswith(start, offset) for start, offset in RAW_STARTS.items()):
        raise PhotoError.from_text(IS_RAW)
    layout = _find_layout(data)
    if layout is None:
        return
    tags = _read_tags(data, layout, _read(data, layout, layout.offset_format, layout.offset_bytes))
    pages = (tags, *_sub_pages(data, layout, tags.get(SUB_PAGES, ABSENT)))
    if DNG_VERSION in tags or any(
        page.get(PHOTOMETRIC, ABSENT)[1] in RAW_PHOTOMETRICS for page in pages
    ):
        raise PhotoError.from_text(IS_RAW)
    is_reduced = tags.get(NEW_SUBFILE_TYPE, ABSENT)[1] & REDUCED_FLAG
    if is_reduced or tags.get(SUBFILE_TYPE, ABSENT)[1] == REDUCED_TYPE:
        raise PhotoError.from_text(IS_REDUCED)


def _find_layout(data: bytes) -> Layout | None:
    """Return the layout of a TIFF, or None for another file."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return None
    version = struct.unpack_from(order + "H", data, 2)[0]
    layouts = {42: Layout(order, "I", "H"), 43: Layout(order, "Q", "Q")}
    return layouts.get(version)


def _read(data: bytes, layout: Layout, kind: str, offset: int) -> int:
    """Return the number at an offset; 0 if the file is too short."""
    if offset + struct.calcsize(layout.order + kind) > len(data):
        return 0
    return int(struct.unpack_from(layout.order + kind, data, offset)[0])


def _read_tags(data: bytes, layout: Layout, start: int) -> Tags:
    """Return the tags of a page; the values are right for integers."""
    tags: Tags = {}
    first = start + struct.calcsize(layout.order + layout.count_format)
    count = min(_read(data, layout, layout.count_format, start), MAX_TAGS)
    entry_bytes = 4 + 2 * layout.offset_bytes
    for entry in range(first, first + count * entry_bytes, entry_bytes):
        if entry + entry_bytes > len(data):
            break
        tag, kind = struct.unpack_from(layout.order + "HH", data, entry)
        values = _read(data, layout, layout.offset_format, entry + 4)
        value_at = entry + 4 + layout.offset_bytes
        tags[tag] = values, _read(data, layout, "H" if kind == 3 else "I", value_at)
    return tags


def _sub_pages(data: bytes, layout: Layout, pointer: tuple[int, int]) -> Iterator[Tags]:
    """Yield the tags of the pages below the first one, where raw files have the sensor's data."""
    count, value = pointer
    if count == 1:
        yield _read_tags(data, layout, value)
        return
    for index in range(min(count, MAX_SUB_PAGES)):
        offset_at = value + index * layout.offset_bytes
        yield _read_tags(data, layout, _read(data, layout, layout.offset_format, offset_at))
