"""Opens the bytes of a file with the decoders of photo formats, and with no others."""

import io
from collections.abc import Mapping
from typing import Literal

from PIL import Image

from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.i18n import Text, join_choices
from segmentation.image.containers.raw import refuse_raw

# Pillow's decoders for untrusted bytes, with the formats' titles: photo formats only, none that
# runs another program.
READ_FORMATS: Mapping[str, str] = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WEBP": "WebP",
    "AVIF": "AVIF",
    "GIF": "GIF",
    "BMP": "BMP",
    "TIFF": "TIFF",
    "HEIF": "HEIC",
}
# Decoded by pillow-heif, a requirement that may be missing where it has no wheels.
HEIF = "HEIF"
HEIF_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"hevc")

NO_HEIF = Text(
    "This host cannot read HEIC. Save the photo as JPEG, or run: pip install pillow-heif",
    "本机无法读取 HEIC。请把照片另存为 JPEG，或安装：pip install pillow-heif",
)
TOO_MANY_PIXELS = Text(
    "The photo has far too many pixels. Save it smaller, then retry.",
    "照片像素过多。请缩小后再试。",
)
IS_SVG = Text(
    "SVG is a drawing, not a photo. Export it as PNG, then retry.",
    "SVG 是矢量图，不是照片。请导出为 PNG 后再试。",
)
DAMAGED = Text(
    "The photo is damaged or was cut short. Copy or save it again, then retry.",
    "照片已损坏或不完整。请重新复制或另存后再试。",
)
# TIFF's first bytes, and the order of bytes that they state; the next four say where its tags are.
TIFF_STARTS: Mapping[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}


def open_image(data: bytes) -> Image.Image:
    """Open an image file without decoding its pixels.

    Raises:
        PhotoError: the file is damaged, a camera's raw file, or not in one of the `READ_FORMATS`.
        PhotoTooLarge: Pillow takes the file for a decompression bomb.
        MemoryError: reading its header takes more memory than there is.
    """
    refuse_raw(data)
    reads_heif = register_heif()
    try:
        formats = [name for name in READ_FORMATS if reads_heif or name != HEIF]
        return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise PhotoTooLarge.from_text(TOO_MANY_PIXELS) from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's errors for damaged files share no base class
        raise _not_a_photo(data, reads_heif) from error


def register_heif() -> bool:
    """Register the HEIF decoder with Pillow. Returns whether there is one."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _not_a_photo(data: bytes, reads_heif: bool) -> PhotoError:
    """Explain by a file's first bytes why it cannot be opened."""
    if not reads_heif and data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return PhotoError.from_text(NO_HEIF)
    if data[:4] in TIFF_STARTS and int.from_bytes(data[4:8], TIFF_STARTS[data[:4]]) > len(data) - 2:
        return PhotoError.from_text(DAMAGED)
    if b"<svg" in data[:1024].lower():
        return PhotoError.from_text(IS_SVG)
    titles = join_choices(
        [title for name, title in READ_FORMATS.items() if reads_heif or name != HEIF]
    )
    return PhotoError(
        f"This file is not a photo that can be read. Use {titles.en}.",
        f"无法识别为照片。请使用 {titles.zh} 格式。",
    )
