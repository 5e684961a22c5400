"""Registry of the file formats that results are written in.

To add a format, add a row to `OUTPUT_FORMATS`; command line, page and API read it from there.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.errors import ChoiceError
from segmentation.i18n import Text, join_choices
from segmentation.image.colour import srgb_profile
from segmentation.image.containers.png_encoder import encode_png
from segmentation.image.containers.webp import write_webp_density

INCHES_PER_METRE = 1 / 0.0254
# Rows that are converted at a time.
STRIP_ROWS = 64

# A key of OUTPUT_FORMATS.
Format = str


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A file format that results are written in.

    Attributes:
        name: key in `OUTPUT_FORMATS`, as command line and API take it.
        title: name as people know it.
        extensions: file name extensions in lower case, with their dot; the first is the usual one.
        has_alpha: whether it stores transparency.
        default_quality: 1..100; None if it is always lossless and has no quality setting.
        longest_side: limit on width and height in pixels; None if there is none in practice.
        encode: encodes an image, see `write.encode`, in a quality of 1..100, which does not matter
            if there is no quality setting.
        seconds_per_megapixel: CPU time of the encoder, of photos on one core of a server.
        lossless_seconds_per_megapixel: the same at quality 100; None if that is no separate mode.
        write_density: puts dots per inch (across, down) into an encoded file.
    """

    name: Format
    title: str
    extensions: tuple[str, ...]
    has_alpha: bool
    default_quality: int | None
    longest_side: int | None
    encode: Callable[[UInt8, int], bytes]
    seconds_per_megapixel: float
    lossless_seconds_per_megapixel: float | None
    write_density: Callable[[bytes, tuple[float, float]], bytes]

    @property
    def has_quality(self) -> bool:
        """Whether a quality can be chosen."""
        return self.default_quality is not None


def _encode_png(image: UInt8, _: int) -> bytes:
    return encode_png(image, None if image.ndim == 2 else srgb_profile())


def _encode_webp(image: UInt8, quality: int) -> bytes:
    # OpenCV takes libwebp's lossless mode for values above 100.
    return _encode_by_opencv(
        image, ".webp", [cv2.IMWRITE_WEBP_QUALITY, quality if quality < 100 else 101]
    )


def _encode_jpeg(image: UInt8, quality: int) -> bytes:
    return _encode_by_opencv(image, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def _encode_by_opencv(image: UInt8, extension: str, parameters: list[int]) -> bytes:
    if image.ndim == 2:  # a mask has no colours that a profile could describe
        return cv2.imencode(extension, image, parameters)[1].tobytes()
    profile = np.frombuffer(srgb_profile(), np.uint8)
    _, buffer = cv2.imencodeWithMetadata(
        extension, _to_bgr(image), [cv2.IMAGE_METADATA_ICCP], [profile], parameters
    )
    return buffer.tobytes()


def _to_bgr(image: UInt8) -> cv2.typing.MatLike:
    """Return RGB as BGR, and RGBA as BGRA with zeros where alpha is 0."""
    if image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    bgra = np.empty(image.shape, np.uint8)
    # In strips that stay in the processor's cache: a large photo takes a third of the time.
    for top in range(0, len(image), STRIP_ROWS):
        source, strip = image[top : top + STRIP_ROWS], bgra[top : top + STRIP_ROWS]
        cv2.cvtColor(source, cv2.COLOR_RGBA2BGRA, strip)
        strip.view(np.uint32)[..., 0][source[..., 3] == 0] = 0
    return bgra


def _write_png_density(data: bytes, dpi_xy: tuple[float, float]) -> bytes:
    # pHYs, in pixels per metre, must come before IDAT (PNG, third edition, 11.3.4.3); IHDR ends at
    # byte 33.
    per_metre = (round(dpi * INCHES_PER_METRE) for dpi in dpi_xy)
    chunk = b"pHYs" + struct.pack(">IIB", *per_metre, 1)
    framed = struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:33] + framed + data[33:]


def _write_jpeg_density(data: bytes, dpi_xy: tuple[float, float]) -> bytes:
    # JFIF 1.02: unit 1 is dots per inch; unit and densities are bytes 13 to 17.
    density = struct.pack(">BHH", 1, *(max(1, round(dpi)) for dpi in dpi_xy))
    return data[:13] + density + data[18:]


OUTPUT_FORMATS: Mapping[Format, OutputFormat] = {
    output_format.name: output_format
    for output_format in (
        OutputFormat(
            name="png",
            title="PNG",
            extensions=(".png",),
            has_alpha=True,
            default_quality=None,
            longest_side=None,
            encode=_encode_png,
            seconds_per_megapixel=0.02,
            lossless_seconds_per_megapixel=None,
            write_density=_write_png_density,
        ),
        OutputFormat(
            name="webp",
            title="WebP",
            extensions=(".webp",),
            has_alpha=True,
            default_quality=90,
            # https://developers.google.com/speed/webp/faq#what_is_the_maximum_size_a_webp_image_can_be
            longest_side=16_383,
            encode=_encode_webp,
            seconds_per_megapixel=0.11,
            lossless_seconds_per_megapixel=0.7,
            write_density=write_webp_density,
        ),
        OutputFormat(
            name="jpeg",
            title="JPEG",
            extensions=(".jpg", ".jpeg"),
            has_alpha=False,
            default_quality=95,
            longest_side=65_500,  # JPEG_MAX_DIMENSION in libjpeg's jmorecfg.h
            encode=_encode_jpeg,
            seconds_per_megapixel=0.01,
            lossless_seconds_per_megapixel=None,
            write_density=_write_jpeg_density,
        ),
    )
}


def find_format(name: Format) -> OutputFormat:
    """Look up a format by its name or one of its extensions, in any case: jpeg, JPG or .jpg.

    Raises:
        ChoiceError: there is no format of this name.
    """
    word = name.strip().lower().removeprefix(".")
    if found := OUTPUT_FORMATS.get(word) or find_format_by_extension(f".{word}"):
        return found
    shown = repr(name)[:40]
    raise ChoiceError(
        f"format takes {', '.join(OUTPUT_FORMATS)}, not {shown}.",
        f"format 可取 {'、'.join(OUTPUT_FORMATS)}，不能是 {shown}。",
    )


def find_format_by_extension(extension: str) -> OutputFormat | None:
    """Look up a format by a file name extension in any case, such as ".JPG"."""
    for output_format in OUTPUT_FORMATS.values():
        if extension.lower() in output_format.extensions:
            return output_format
    return None


def join_titles(formats: Iterable[OutputFormat]) -> Text:
    """Join the titles of formats that a person can choose from, as in "PNG or WebP"."""
    return join_choices([output_format.title for output_format in formats])


def check_format(name: Format, quality: int | None, transparent: bool) -> None:
    """Check that a format can hold a result.

    Args:
        name: key of `OUTPUT_FORMATS`.
        quality: 1..100, or None for the format's default.
        transparent: whether the result has an alpha channel.

    Raises:
        ChoiceError: there is no such format, it has no transparency or no quality setting, or the
            quality is out of range.
    """
    chosen, formats = find_format(name), OUTPUT_FORMATS.values()
    if transparent and not chosen.has_alpha:
        others = join_titles(other for other in formats if other.has_alpha)
        raise ChoiceError(
            f"{chosen.title} has no transparency. Choose a background, or {others.en}.",
            f"{chosen.title} 不支持透明。请选择背景，或改用 {others.zh}。",
        )
    if quality is None:
        return
    if not chosen.has_quality:
        others = join_titles(other for other in formats if other.has_quality)
        raise ChoiceError(
            f"{chosen.title} keeps every pixel and has no quality setting. Leave the quality out, "
            f"or choose {others.en}.",
            f"{chosen.title} 为无损格式，没有质量选项。请去掉质量设置，或改用 {others.zh}。",
        )
    if not 1 <= quality <= 100:
        raise ChoiceError("Quality goes from 1 to 100.", "质量须在 1 到 100 之间。")
