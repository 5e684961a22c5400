"""Reads the file of a photo."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.i18n import Text
from segmentation.image.colour import (
    apply_colour_key,
    find_profile,
    split_alpha,
    to_eight_bits,
    to_srgb,
)
from segmentation.image.containers import complete_container
from segmentation.image.memory import translate_memory_errors
from segmentation.image.open import DAMAGED, TOO_MANY_PIXELS, open_image
from segmentation.image.orientation import read_dpi, swaps_sides_on_load, turn_upright
from segmentation.image.photo import Limits, Photo, safe_stem
from segmentation.image.png import drop_side_chunks
from segmentation.image.truncated import load_available, load_padded

SEVERAL_FRAMES = Text(
    "The file has several frames; the first one is used.",
    "文件包含多帧，只使用第一帧。",
)
TILE_SIZE_TAGS = (322, 323)  # TIFF 6.0, section 15


# What `read_photo` takes: a path, or the content of a file.
PhotoSource = str | os.PathLike[str] | bytes | BinaryIO


def read_photo(source: PhotoSource, limits: Limits | None = None) -> Photo:
    """Read a photo of any common format and mode, upright and in sRGB.

    Args:
        source: the path of a file, whose name gives the photo's stem; the content of one; or a file
            object opened for reading bytes. For pixels, see `Photo.from_array`.
        limits: defaults to `Limits()`.

    Raises:
        PhotoError: the file is missing, not a photo, damaged, or too small.
        PhotoTooLarge: the file exceeds a limit, found before a pixel was decoded, or the photo
            does not fit into the memory that is left.
    """
    limits = limits or Limits()
    data, name = _read_source(source, limits)
    data = drop_side_chunks(data)
    with (
        _hide_pillow_warnings(),
        open_image(complete_container(data, b"\0") or data) as image,
        translate_memory_errors(),
        _translate_decoder_errors(),
    ):
        _check_limits(image, limits)
        frame_notices = _frame_notices(image)
        swapped_on_load = swaps_sides_on_load(image)
        loaded, missing_notices = _load(image, data)
        loaded = apply_colour_key(loaded, data)
        upright, orientation_notices = turn_upright(loaded)
        dpi_xy = read_dpi(image, swap_sides=swapped_on_load or upright.size != image.size)
        opaque, alpha = split_alpha(to_eight_bits(upright))
        profile, hdr_notices = find_profile(image, data)
        converted, colour_notices = to_srgb(opaque, profile)
        rgb = np.array(converted)
    if alpha is not None:
        rgb[alpha == 0] = 255
    notices = frame_notices + missing_notices + orientation_notices + hdr_notices + colour_notices
    return Photo(rgb, alpha, safe_stem(name), notices, dpi_xy)


def _read_source(source: PhotoSource, limits: Limits) -> tuple[bytes, str]:
    """Read a source's content; the name is "photo" if it has none."""
    max_bytes = int(limits.megabytes * 1e6)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return _check_bytes(_read_file(path, max_bytes), limits), path.name
    name = "photo"
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif hasattr(source, "read"):
        data = _read_stream(source, max_bytes)
        named = getattr(source, "name", None)
        # Pipes have a number, and stdin is <stdin>.
        if isinstance(named, str) and not named.startswith("<"):
            name = Path(named).name
    else:
        kind = type(source).__name__
        raise PhotoError(
            f"A photo is read from a path, bytes or a binary file, not from {kind}. For pixels, "
            "use Photo.from_array.",
            f"照片须从路径、bytes 或二进制文件读取，不能是 {kind}。像素数组请用 Photo.from_array。",
        )
    return _check_bytes(data, limits), name


def _read_stream(stream: BinaryIO, max_bytes: int) -> bytes:
    try:
        data = stream.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise PhotoError(
            f"The photo cannot be read ({error}). Open it again.",
            f"无法读取照片（{error}）。请重新打开。",
        ) from error
    if not isinstance(data, bytes):
        raise PhotoError(
            'The file was opened as text. Open it with mode "rb".',
            '文件以文本方式打开，请改用 "rb" 模式。',
        )
    return data


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)  # not by the file's size, which a pipe does not have
    except FileNotFoundError as error:
        raise PhotoError(
            f"There is no file {path.name}. Check the path.",
            f"找不到文件 {path.name}，请检查路径。",
        ) from error
    except IsADirectoryError as error:
        raise PhotoError(
            f"{path.name} is a folder. Name the photos in it instead.",
            f"{path.name} 是文件夹，请指定其中的照片。",
        ) from error
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"{path.name} cannot be read. Check its permissions.",
            f"无法读取 {path.name}，请检查文件权限。",
        ) from error


def _check_bytes(data: bytes, limits: Limits) -> bytes:
    if len(data) > int(limits.megabytes * 1e6):
        raise PhotoTooLarge(
            f"The file has more than {limits.megabytes:g} MB. Save the photo smaller.",
            f"文件超过 {limits.megabytes:g} MB。请压缩后再试。",
        )
    if not data:
        raise PhotoError(
            "The file is empty. Choose the photo again.", "文件是空的，请重新选择照片。"
        )
    return data


def _load(image: Image.Image, data: bytes) -> tuple[Image.Image, tuple[Text, ...]]:
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
    except (PhotoError, MemoryError):
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
        megapixels = _format_above(width * height / 1e6, limits.megapixels)
        raise PhotoTooLarge(
            f"The photo has {width} x {height} pixels ({megapixels} MP); the limit is "
            f"{limits.megapixels:g} MP. Save it smaller, then retry.",
            f"照片为 {width} × {height} 像素（{megapixels} MP），"
            f"上限 {limits.megapixels:g} MP。请缩小后再试。",
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
    # The second frame of a phone's MPO is another view of the same photo.
    is_several = image.format != "MPO" and _has_frame(image, 1)
    return (SEVERAL_FRAMES,) if is_several else ()
