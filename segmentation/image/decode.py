"""Decodes the bytes of a photo, in the process that calls it; `read` limits its memory and time."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from PIL import Image

from segmentation.arrays import SizeHW, UInt8
from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.i18n import Text
from segmentation.image.colour import (
    Conversion,
    apply_colour_key,
    find_conversion,
    find_profile,
    split_alpha,
    to_eight_bits,
    to_rgb,
)
from segmentation.image.containers.exif import slim_exif
from segmentation.image.containers.jpeg import drop_side_segments
from segmentation.image.containers.png import drop_side_chunks
from segmentation.image.containers.webp_heif import complete_container
from segmentation.image.decoders import Decoded, check_decoder, crop_rows
from segmentation.image.memory_errors import TOO_COSTLY, translate_memory_errors
from segmentation.image.open import DAMAGED, TOO_MANY_PIXELS, open_image
from segmentation.image.orientation import (
    read_dpi,
    swaps_sides_on_load,
    turn_pixels_upright,
    turn_upright,
)
from segmentation.image.photo import Limits, Photo
from segmentation.image.truncated import load_available, load_padded

SEVERAL_FRAMES = Text(
    "The file has several frames; the first one is used.",
    "文件包含多帧，只使用第一帧。",
)
# Tags of TIFF 6.0 (sections 8 and 15), and the values of two of them.
COMPRESSION_TAG, PHOTOMETRIC_TAG, TILE_SIZE_TAGS = 259, 262, (322, 323)
UNCOMPRESSED, YCBCR = 1, 6
# Rows that are converted at a time, so that the copies between fit into the processor's cache.
STRIP_ROWS = 16


OnHeader = Callable[[int], None]
# Returns an array of uint8 of the shape that it is given.
Allocate = Callable[[tuple[int, ...]], UInt8]


def allocate_empty(shape: tuple[int, ...]) -> UInt8:
    """Return an array of a shape in memory of this process."""
    return np.empty(shape, np.uint8)


def decode(
    data: bytes,
    limits: Limits,
    on_header: OnHeader = lambda _: None,
    allocate: Allocate = allocate_empty,
) -> Photo:
    """Decode a photo in this process, upright and in sRGB; its stem is "photo".

    Args:
        data: the file.
        limits: on its pixels, sides and frames.
        on_header: called with the number of pixels before the first of them is decoded.
        allocate: makes the array of the colours, and then that of the alpha channel, if any.

    Raises:
        PhotoError: the file is not a photo, damaged, or too small.
        PhotoTooLarge: it exceeds a limit, found before a pixel was decoded, or the memory that is
            left.
    """
    data = drop_side_segments(drop_side_chunks(data))
    with (
        _translate_decoder_errors(),
        translate_memory_errors(TOO_COSTLY),
        _hide_pillow_warnings(),
        open_image(complete_container(data, b"\0") or data) as image,
    ):
        if limits.is_public:
            check_decoder(image)
        _slim_metadata(image)
        _check_limits(image, limits)
        on_header(image.size[0] * image.size[1])
        frame_notices = _frame_notices(image)
        swapped_on_load = swaps_sides_on_load(image)
        loaded, missing_notices = _load(image, data)
        opaque, alpha, orientation_notices = _turn_upright(loaded, image, data)
        profile, hdr_notices = find_profile(image, data)
        is_made = profile is not None and profile != image.info.get("icc_profile")
        mode = opaque.mode if isinstance(opaque, Image.Image) else image.mode
        conversion, colour_notices = find_conversion(mode, profile, is_made)
        rgb = allocate((*_size_hw(opaque), 3))
        _write_rgb(rgb, opaque, conversion)
        dpi_xy = read_dpi(image, swap_sides=swapped_on_load or rgb.shape[1::-1] != image.size)
    if alpha is not None:
        placed = allocate(alpha.shape)
        placed[:] = alpha
        alpha = placed
        rgb[alpha == 0] = 255
    notices = frame_notices + missing_notices + orientation_notices + hdr_notices + colour_notices
    return Photo(rgb, alpha, "photo", notices, dpi_xy)


def _turn_upright(
    loaded: Decoded, image: Image.Image, data: bytes
) -> tuple[Decoded, UInt8 | None, tuple[Text, ...]]:
    """Return the upright colours, their alpha as of `split_alpha`, and notices."""
    if not isinstance(loaded, Image.Image):
        pixels, notices = turn_pixels_upright(loaded, image)
        return pixels, None, notices
    upright, notices = turn_upright(apply_colour_key(loaded, data))
    opaque, alpha = split_alpha(to_eight_bits(upright))
    return opaque, alpha, notices


def _size_hw(image: Decoded) -> SizeHW:
    height, width = image.size[::-1] if isinstance(image, Image.Image) else image.shape[:2]
    return height, width


def _write_rgb(target: UInt8, image: Decoded, conversion: Conversion | None) -> None:
    """Write an image without alpha to uint8 (H, W, 3), in strips where it takes several copies."""
    if conversion is None and not isinstance(image, Image.Image):
        if image.ndim == 3:
            target[:] = image
        else:
            cv2.cvtColor(image, cv2.COLOR_GRAY2RGB, target)
        return
    convert = conversion or to_rgb
    for top in range(0, len(target), STRIP_ROWS):
        rows = convert(crop_rows(image, top, STRIP_ROWS))
        target[top : top + STRIP_ROWS] = np.asarray(rows)


def _slim_metadata(image: Image.Image) -> None:
    if isinstance(exif := image.info.get("exif"), bytes):
        image.info["exif"] = slim_exif(exif)


def _load(image: Image.Image, data: bytes) -> tuple[Decoded, tuple[Text, ...]]:
    """Decode an image as far as its file goes, with a notice if it was cut short."""
    if complete_container(data, b"\0") is None:
        return load_available(image, data, open_image)
    return load_padded(data, lambda filler: complete_container(data, filler), open_image)


@contextmanager
def _hide_pillow_warnings() -> Iterator[None]:
    """Hide Pillow's warnings about odd metadata, which are meant for programmers."""
    with warnings.catch_warnings():
        # Filtered by module: threads share the filters, so one may outlive its photo.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


@contextmanager
def _translate_decoder_errors() -> Iterator[None]:
    try:
        yield
    except PhotoError:
        raise
    except Exception as error:  # Pillow's errors for damaged files share no base class
        raise PhotoError.from_text(DAMAGED) from error


def _check_limits(image: Image.Image, limits: Limits) -> None:
    _check_size(*image.size, limits)
    if image.format == "TIFF":
        # A tile is decoded whole, however little of it the photo shows.
        tags = getattr(image, "tag_v2", {})
        tile_width, tile_height = (tags.get(tag, 0) for tag in TILE_SIZE_TAGS)
        if tile_width * tile_height > limits.max_pixels:
            raise PhotoTooLarge.from_text(TOO_MANY_PIXELS)
        # Pillow decodes such pixels as RGB with a fourth channel.
        is_plain = tags.get(COMPRESSION_TAG, UNCOMPRESSED) == UNCOMPRESSED
        if is_plain and tags.get(PHOTOMETRIC_TAG) == YCBCR:
            raise PhotoError(
                "The TIFF holds YCbCr colours without compression. Save it as RGB, then retry.",
                "此 TIFF 存有未压缩的 YCbCr 颜色。请另存为 RGB 后再试。",
            )
    if image.mode == "F":
        raise PhotoError(
            "The file holds floating-point values. Save it with 8 or 16 bits per channel.",
            "文件为浮点图像。请另存为每通道 8 位或 16 位。",
        )
    if _has_frame(image, limits.frames):
        raise PhotoTooLarge(
            f"The file has more than {limits.frames} frames. Save one of them as PNG.",
            f"文件超过 {limits.frames} 帧。请把其中一帧另存为 PNG。",
        )


def _check_size(width: int, height: int, limits: Limits) -> None:
    if max(width, height) > limits.longest_side:
        raise PhotoTooLarge(
            f"The photo has {width} x {height} pixels; the limit is {limits.longest_side} a side. "
            "Save it smaller, then retry.",
            f"照片为 {width} × {height} 像素，每边上限 {limits.longest_side} 像素。请缩小后再试。",
        )
    if width * height > limits.max_pixels:
        pixels, limit = width * height, limits.megapixels
        raise PhotoTooLarge(
            f"The photo has {width} x {height} pixels ({_format_above(pixels / 1e6, limit)} MP); "
            f"the limit is {limit:g} MP. Save it smaller, then retry.",
            f"照片为 {width} × {height} 像素（{_format_above(pixels / 1e4, limit * 100)} 万），"
            f"上限 {limit * 100:g} 万像素。请缩小后再试。",
        )
    if min(width, height) < limits.shortest_side:
        raise PhotoError(
            f"The photo has only {width} x {height} pixels. Use one of at least "
            f"{limits.shortest_side} pixels a side.",
            f"照片只有 {width} × {height} 像素。每边至少需要 {limits.shortest_side} 像素。",
        )


def _format_above(value: float, limit: float) -> str:
    """Format a value that exceeds a limit with as few decimals as show that it does."""
    shown = (f"{value:.{decimals}f}" for decimals in range(7))
    return next((text for text in shown if float(text) > float(f"{limit:g}")), f"{value:g}")


def _has_frame(image: Image.Image, index: int) -> bool:
    """Return whether a file has more than `index` frames, without decoding one."""
    if image.format != "TIFF":
        return getattr(image, "n_frames", 1) > index
    # Pillow's time to count all pages grows with the square of their number; seeking one page
    # grows with its index.
    try:
        image.seek(index)
    except EOFError:
        return False
    image.seek(0)
    return True


def _frame_notices(image: Image.Image) -> tuple[Text, ...]:
    return (SEVERAL_FRAMES,) if _has_frame(image, 1) else ()
