"""The border where an image becomes a file: only pixels, their colour space and their density."""

import struct
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Literal, get_args

import cv2
import numpy as np
from PIL import ImageCms

from segmentation.arrays import UInt8
from segmentation.errors import ChoiceError

Format = Literal["png", "webp", "jpeg"]
FORMATS: tuple[Format, ...] = get_args(Format)
ENDINGS: Mapping[str, Format] = {".png": "png", ".webp": "webp", ".jpg": "jpeg", ".jpeg": "jpeg"}
# 1..100 as libwebp and libjpeg count; WebP keeps every visible value at 100.
QUALITY: Mapping[Format, int] = {"webp": 90, "jpeg": 95}
# https://developers.google.com/speed/webp/faq#what_is_the_maximum_size_a_webp_image_can_be
WEBP_SIDE = 16_383
INCHES_PER_METRE = 1 / 0.0254


def encode(
    image: UInt8,
    format_: Format = "png",
    quality: int | None = None,
    dpi_xy: tuple[float, float] | None = None,
) -> bytes:
    """The bytes of an image file, tagged sRGB, without EXIF, GPS or XMP.

    Colour under alpha 0 becomes zero before it is encoded. That shrinks the file, and what was
    removed cannot be recovered from it.

    Args:
        image: uint8 (H, W) mask, (H, W, 3) RGB or (H, W, 4) RGBA with straight alpha.
        format_: JPEG takes no alpha.
        quality: 1..100 of WebP, lossless at 100, or JPEG; by default as in QUALITY.
        dpi_xy: dots per inch across and down; WebP has no place for them.

    Raises:
        ChoiceError: alpha in a JPEG, a quality for PNG, or sides too long for WebP.
    """
    check_format(format_, quality, transparent=image.ndim == 3 and image.shape[2] == 4)
    if format_ == "webp" and max(image.shape[:2]) > WEBP_SIDE:
        raise ChoiceError(
            f"WebP allows at most {WEBP_SIDE} pixels a side. Choose PNG.",
            f"WebP 每边最多 {WEBP_SIDE} 像素。请选择 PNG。",
        )
    bgr, parameters = _bgr(image), _parameters(format_, quality)
    if image.ndim == 2:  # a mask is not colour
        _, data = cv2.imencode(f".{format_}", bgr, parameters)
    else:
        profile = np.frombuffer(srgb_profile(), np.uint8)
        _, data = cv2.imencodeWithMetadata(
            f".{format_}", bgr, [cv2.IMAGE_METADATA_ICCP], [profile], parameters
        )
    return _with_density(data.tobytes(), format_, dpi_xy)


def check_format(format_: Format, quality: int | None, transparent: bool) -> None:
    """Refuse what a format cannot hold.

    Raises:
        ChoiceError: alpha in a JPEG, a quality for PNG, or one beyond 1..100.
    """
    if format_ == "jpeg" and transparent:
        raise ChoiceError(
            "JPEG has no transparency. Choose a background, or PNG or WebP.",
            "JPEG 不支持透明。请选择背景，或改用 PNG、WebP。",
        )
    if format_ == "png" and quality is not None:
        raise ChoiceError(
            "PNG keeps every pixel and has no quality. Leave it out, or choose WebP or JPEG.",
            "PNG 为无损格式，没有质量选项。请去掉，或改用 WebP、JPEG。",
        )
    if quality is not None and not 1 <= quality <= 100:
        raise ChoiceError("Quality goes from 1 to 100.", "质量须在 1 到 100 之间。")


@cache
def srgb_profile() -> bytes:
    """An ICC profile of sRGB, the colour space of every `Photo`; the same bytes every day."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 of the header are the date of its making (ICC.1:2022, 7.2.8).
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def _bgr(image: UInt8) -> cv2.typing.MatLike:
    if image.ndim == 2:
        return image
    if image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # A multiply by 0 or 1 is several times faster than masked assignment.
    seen = (image[..., 3:] > 0).astype(np.uint8)
    return cv2.cvtColor(image * seen, cv2.COLOR_RGBA2BGRA)


def _parameters(format_: Format, quality: int | None) -> list[int]:
    quality = quality or QUALITY.get(format_)
    if format_ == "jpeg" and quality:
        return [cv2.IMWRITE_JPEG_QUALITY, quality]
    if format_ == "webp" and quality:
        # Beyond 100 OpenCV takes libwebp's lossless mode.
        return [cv2.IMWRITE_WEBP_QUALITY, quality if quality < 100 else 101]
    return []  # for PNG, OpenCV's own default is its fastest path


def _with_density(data: bytes, format_: Format, dpi_xy: tuple[float, float] | None) -> bytes:
    if dpi_xy is None:
        return data
    match format_:
        case "png":
            # pHYs, in pixels per metre, must come before IDAT (PNG, third edition, 11.3.4.3);
            # IHDR ends at byte 33.
            per_metre = (round(dpi * INCHES_PER_METRE) for dpi in dpi_xy)
            chunk = b"pHYs" + struct.pack(">IIB", *per_metre, 1)
            framed = struct.pack(">I", 9) + chunk + struct.pack(">I", zlib.crc32(chunk))
            return data[:33] + framed + data[33:]
        case "jpeg":
            # JFIF 1.02: unit 1 is dots per inch; unit and densities are bytes 13 to 17.
            density = struct.pack(">BHH", 1, *(max(1, round(dpi)) for dpi in dpi_xy))
            return data[:13] + density + data[18:]
        case "webp":
            return data
