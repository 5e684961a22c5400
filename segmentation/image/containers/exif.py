"""Writes the density as EXIF data, and reduces EXIF data to the few numbers that are used.

Pillow copies the value of every tag; tags that all name the same bytes multiply these.
"""

import struct

from PIL.ExifTags import Base

# Orientation, and the density: horizontally, vertically, unit (EXIF 2.32, 4.6.4).
KEPT_TAGS = (Base.Orientation, Base.XResolution, Base.YResolution, Base.ResolutionUnit)
# Types of values (TIFF 6.0, section 2); a RATIONAL is kept elsewhere.
SHORT, LONG, RATIONAL = 3, 4, 5
NUMBER_TYPES = (SHORT, LONG, RATIONAL)
# Denominator of a density: it is written to hundredths.
DENSITY_PARTS = 100
MAX_TAGS = 1000
# Values of ResolutionUnit.
INCH, CENTIMETRE = 2, 3
PREFIX = b"Exif\0\0"


def density_exif(dpi_xy: tuple[float, float]) -> bytes:
    """Make EXIF data that states the dots per inch across and down, and nothing else."""
    entries = {
        int(tag): (RATIONAL, struct.pack("<II", round(dpi * DENSITY_PARTS), DENSITY_PARTS))
        for tag, dpi in zip((Base.XResolution, Base.YResolution), dpi_xy, strict=True)
    }
    entries[Base.ResolutionUnit] = SHORT, struct.pack("<I", INCH)
    return _assemble(b"II*\0", "<", entries)


def slim_exif(exif: bytes) -> bytes:
    """Rebuild EXIF data from its orientation and density.

    Args:
        exif: a TIFF header and directories, after the prefix of JPEG or without it.

    Returns:
        The same with one directory. Data that cannot be read is cut to its first bytes, so that it
        is reported like any other damaged EXIF.
    """
    prefix = PREFIX if exif.startswith(PREFIX) else b""
    tiff = exif[len(prefix) :]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 10:
        return exif[:16]
    start = struct.unpack_from(order + "I", tiff, 4)[0]
    if start + 2 > len(tiff):
        return exif[:16]
    count = struct.unpack_from(order + "H", tiff, start)[0]
    entries: dict[int, tuple[int, bytes]] = {}
    for at in range(start + 2, start + 2 + 12 * min(count, MAX_TAGS), 12):
        if at + 12 > len(tiff):
            break
        tag, kind, number, value = struct.unpack_from(order + "HHI4s", tiff, at)
        if tag not in KEPT_TAGS or number != 1 or kind not in NUMBER_TYPES:
            continue
        if kind == RATIONAL:
            offset = struct.unpack(order + "I", value)[0]
            value = tiff[offset : offset + 8]
            if len(value) < 8:
                continue
        entries[tag] = kind, value
    return prefix + _assemble(tiff[:4], order, entries)


def _assemble(magic: bytes, order: str, entries: dict[int, tuple[int, bytes]]) -> bytes:
    table, values, values_at = b"", b"", 8 + 2 + 12 * len(entries) + 4
    for tag, (kind, value) in sorted(entries.items()):
        if len(value) == 8:
            value, values = struct.pack(order + "I", values_at + len(values)), values + value
        table += struct.pack(order + "HHI4s", tag, kind, 1, value)
    head = magic + struct.pack(order + "IH", 8, len(entries))
    return head + table + bytes(4) + values
