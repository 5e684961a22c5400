"""Decodes what is there of a file that was cut short.

A file is decoded twice, with different bytes or pixels in place of what is missing: where the two
results differ, the file says nothing. This finds the missing rows of every format exactly, and
needs no switch of Pillow's, which would hold for all threads.
"""

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from segmentation.arrays import Bool
from segmentation.errors import PhotoError
from segmentation.i18n import Text
from segmentation.image.containers.jpeg import START_OF_SCAN
from segmentation.image.decoders import Decoded, crop_rows, load_pixels

# A photo of which a larger share of rows is missing is refused.
MAX_MISSING = 0.5
INCOMPLETE = Text(
    "The file was cut short: part of the photo is missing or blurred. Copy it again for all of it.",
    "文件不完整，照片有一部分缺失或模糊。如需完整照片，请重新复制。",
)
MOSTLY_MISSING = Text(
    "Most of the photo is missing, because its file was cut short. Copy it again, then retry.",
    "文件不完整，照片大部分内容缺失。请重新复制后再试。",
)
END_OF_IMAGE = b"\xff\xd9"
# Bytes that change what a decoder makes of them, and are not a marker of JPEG.
FILLER = bytes(range(37, 250, 7)) * 4
FILLERS = (b"\0", FILLER, b"\xff", b"\x55", b"\x80\0", b"\x40\0\0", b"\x11\xee\x36")
# The colour of missing parts, which libjpeg chooses for its own.
GREY: Mapping[str, int | tuple[int, ...]] = {
    "RGB": (128,) * 3,
    "RGBA": (128, 128, 128, 0),
    "L": 128,
    "LA": (128, 0),
}
# Markers of JPEG (ITU-T T.81, table B.1) other than those in entropy-coded data.
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
MAX_MARKERS = 20_000
PROGRESSIVE_FRAMES, WITHOUT_LENGTH = (0xC2, 0xCA), (0x01, 0xD8)

# Opens bytes as an image without decoding it.
Open = Callable[[bytes], Image.Image]


@dataclass(frozen=True, slots=True)
class JpegStream:
    """The markers of a JPEG.

    Attributes:
        end: where the marker at the image's end is, or None if it is missing.
        scans: number of scans that were started.
        is_progressive: whether each scan refines the whole image.
        available: length of the file up to its last complete marker segment or scan data.
    """

    end: int | None
    scans: int
    is_progressive: bool
    available: int


def load_available(
    image: Image.Image, data: bytes, open_bytes: Open
) -> tuple[Decoded, tuple[Text, ...]]:
    """Decode an image whose file may be cut short.

    Args:
        image: the image as opened.
        data: the file, as `complete_container` left it.
        open_bytes: opens a changed file.

    Returns:
        The decoded image, grey or transparent where rows are missing, and a notice if some are.

    Raises:
        PhotoError: most of the photo is missing.
        OSError: the file is damaged in another way.
    """
    try:
        loaded = load_pixels(image, data)
    except OSError:
        if image.format == "JPEG":
            return _load_unfinished_jpeg(data, open_bytes)
        return _load_rows(image, data, open_bytes)
    if image.format == "JPEG" and _count_grey_rows(loaded):
        return loaded, _check_grey_rows(loaded, data, open_bytes)
    return loaded, ()


def load_padded(
    data: bytes, complete: Callable[[bytes], bytes | None], open_bytes: Open
) -> tuple[Image.Image, tuple[Text, ...]]:
    """Decode a photo whose container has to be filled up.

    Args:
        data: the file.
        complete: fills it up with given bytes, see `complete_container`.
        open_bytes: opens a changed file.

    Returns:
        The decoded image, grey or transparent from the first missing row on, and a notice if part
        of the pixels is missing.

    Raises:
        PhotoError: most of the photo is missing.
        OSError: what is there cannot be decoded.
    """
    decoded: list[Image.Image] = []
    for filler in FILLERS:
        completed = complete(filler) or data
        image = _try_to_decode(completed, open_bytes)
        if image is None:
            continue
        if len(completed) <= len(data):  # nothing but metadata is missing
            return image, ()
        decoded.append(image)
        if len(decoded) == 2:
            differs = _differing_rows(*decoded)
            if differs.any():
                differs[differs.argmax() :] = True
                _paint(decoded[0], differs)
            return decoded[0], (INCOMPLETE,)
    raise OSError("no filling of the file can be decoded")


def _try_to_decode(data: bytes, open_bytes: Open) -> Image.Image | None:
    try:
        image = open_bytes(data)
        image.load()
    except (OSError, ValueError, RuntimeError, SyntaxError):  # decoders refuse some fillings
        return None
    return image


def _decode(data: bytes, open_bytes: Open) -> Decoded:
    return load_pixels(open_bytes(data), data)


def _load_unfinished_jpeg(data: bytes, open_bytes: Open) -> tuple[Decoded, tuple[Text, ...]]:
    stream = _find_markers(data)
    available = data[: stream.available].rstrip(b"\xff")
    if stream.end is not None:
        raise OSError("the JPEG has an end, but cannot be decoded")
    image = _decode(available + END_OF_IMAGE, open_bytes)
    filled = _decode(available + FILLER + END_OF_IMAGE, open_bytes)
    notices = _check_jpeg(image, filled, stream, is_cut=True)
    is_between_scans = stream.is_progressive and stream.available < len(data)
    return image, notices or ((INCOMPLETE,) if is_between_scans else ())


def _check_grey_rows(image: Decoded, data: bytes, open_bytes: Open) -> tuple[Text, ...]:
    """Find out if the grey rows of a JPEG are in its file, or stand for rows that are not."""
    stream = _find_markers(data)
    if stream.end is None:
        return ()
    filled = _decode(data[: stream.end] + FILLER + END_OF_IMAGE, open_bytes)
    return _check_jpeg(image, filled, stream, is_cut=False)


def _check_jpeg(
    image: Decoded, filled: Decoded, stream: JpegStream, is_cut: bool
) -> tuple[Text, ...]:
    differs, grey = _differing_rows(image, filled), _count_grey_rows(image)
    # Of blocks in the first scan alone nothing but their mean is known.
    if stream.is_progressive and is_cut and stream.scans < 3:
        raise PhotoError.from_text(MOSTLY_MISSING)
    if not differs.any() and not (is_cut and grey):
        return ()
    height, missing = len(differs), grey
    if not stream.is_progressive and differs.any():
        missing = max(grey, height - int(differs.argmax()))
    if missing > height * MAX_MISSING:
        raise PhotoError.from_text(MOSTLY_MISSING)
    return (INCOMPLETE,)


def _count_grey_rows(image: Decoded) -> int:
    """Count the last rows that are as libjpeg leaves rows without data: 128, or 127 if inverted."""
    # To copy all pixels out of an image takes as long as a third of its decoding.
    row = np.asarray(crop_rows(image, -1))[0].astype(np.int16)
    if np.abs(row - 128).max() > 1 or np.ptp(row, axis=0).any():
        return 0
    pixels = np.asarray(image)
    is_grey = (pixels == pixels[-1, 0]).reshape(len(pixels), -1).all(axis=1)
    return len(pixels) if is_grey.all() else int(is_grey[::-1].argmin())


def _find_markers(data: bytes) -> JpegStream:
    position, scans, is_progressive, available = 2, 0, False, len(data)
    for _ in range(MAX_MARKERS):
        match = MARKER.search(data, position)
        if match is None:
            break
        marker, position = match[1][0], match.end()
        if marker == END_OF_IMAGE[1]:
            return JpegStream(match.start(), scans, is_progressive, match.start())
        is_progressive = is_progressive or marker in PROGRESSIVE_FRAMES
        if marker not in WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2])
        if position >= len(data):
            available = match.start()
            break
        scans += marker == START_OF_SCAN
    return JpegStream(None, scans, is_progressive, available)


def _load_rows(
    image: Image.Image, data: bytes, open_bytes: Open
) -> tuple[Image.Image, tuple[Text, ...]]:
    """Keep the rows that a decoder wrote before it failed."""
    if image._im is None or (image.format == "GIF" and "transparency" in image.info):
        raise OSError("nothing was decoded")
    filled = open_bytes(data)
    # Pillow decodes into the memory that is there, and leaves it there if it fails.
    filled.im = Image.new(image.mode, image.size, _white(image.mode)).im
    with contextlib.suppress(OSError):
        filled.load()
    for decoded in (image, filled):
        decoded.tile = []  # type: ignore[attr-defined]  # nothing is left to load
    differs = _differing_rows(image, filled)
    if not differs.any():
        return image, ()
    rows = np.flatnonzero(differs)
    differs[rows[0] : rows[-1]] = True
    return image, _paint(image, differs)


def _white(mode: str) -> int | tuple[int, ...]:
    bands = Image.getmodebands(mode)
    return 65535 if mode.startswith("I") else 255 if bands == 1 else (255,) * bands


def _paint(image: Image.Image, missing: Bool) -> tuple[Text, ...]:
    """Paint missing rows grey, bool (H,)."""
    if missing.mean() > MAX_MISSING:
        raise PhotoError.from_text(MOSTLY_MISSING)
    rows = np.flatnonzero(missing)
    if image.mode in GREY:
        image.paste(GREY[image.mode], (0, int(rows[0]), image.size[0], int(rows[-1]) + 1))
    return (INCOMPLETE,)


def _differing_rows(first: Decoded, second: Decoded) -> Bool:
    """Compare two images of the same size, as bool (H,)."""
    if _layout(first) != _layout(second):
        raise OSError("the file cannot be decoded twice alike")
    pixels, others = np.asarray(first), np.asarray(second)
    height = len(pixels)
    differs = np.zeros(height, np.bool_)
    for start in range(0, height, 256):  # small parts, to need little memory
        rows = slice(start, min(start + 256, height))
        differs[rows] = (pixels[rows] != others[rows]).reshape(rows.stop - start, -1).any(axis=1)
    return differs


def _layout(image: Decoded) -> tuple[object, ...]:
    return (image.mode, *image.size) if isinstance(image, Image.Image) else image.shape
