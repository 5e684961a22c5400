"""Encodes an image as a file that holds its pixels, colour space and density, and nothing else."""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from segmentation.arrays import UInt8
from segmentation.errors import ChoiceError
from segmentation.i18n import Text
from segmentation.image.formats import (
    OUTPUT_FORMATS,
    Format,
    OutputFormat,
    check_format,
    find_format,
    join_titles,
)

# WebP is lossless at 100, which makes far larger files.
HIGHEST_LOSSY_QUALITY = 99
# Larger limits on a file's size have no effect.
MAX_KILOBYTES = 1_000_000


def encode(
    image: UInt8,
    format: Format = "png",  # noqa: A002  (the name that callers use)
    quality: int | None = None,
    dpi_xy: tuple[float, float] | None = None,
) -> bytes:
    """Encode an image as a file, tagged sRGB, without metadata of the photo.

    Pixels with alpha 0 are set to zero first. This makes the file smaller, and a removed background
    cannot be recovered from it.

    Args:
        image: uint8 (H, W) mask, (H, W, 3) RGB or (H, W, 4) RGBA with straight alpha.
        format: key of `OUTPUT_FORMATS`.
        quality: 1..100; None takes the format's default. WebP is lossless at 100.
        dpi_xy: dots per inch across and down, written into the file; None writes none.

    Returns:
        The bytes of the file.

    Raises:
        ChoiceError: there is no such format, or it cannot hold the image's transparency, its size
            or this quality.
    """
    chosen = find_format(format)
    transparent = image.ndim == 3 and image.shape[2] == 4
    check_format(format, quality, transparent)
    _check_sides(chosen, max(image.shape[:2]), transparent)
    data = chosen.encode(image, quality or chosen.default_quality or 100)
    return chosen.write_density(data, dpi_xy) if dpi_xy else data


def encode_within(
    image: UInt8,
    max_kilobytes: float | None,
    format: Format = "png",  # noqa: A002  (the name that callers use)
    quality: int | None = None,
    dpi_xy: tuple[float, float] | None = None,
) -> bytes:
    """Encode an image in the highest quality with which the file is small enough.

    Args:
        image, format, dpi_xy: see `encode`.
        max_kilobytes: the largest file, in 1000 bytes; None encodes as `encode` does.
        quality: the highest to use, 1..100; None takes 99, the highest that is lossy.

    Returns:
        The bytes of the file.

    Raises:
        ChoiceError: the file is larger even at the lowest quality; or as `encode`.
    """
    if max_kilobytes is None:
        return encode(image, format, quality, dpi_xy)
    chosen, max_bytes = find_format(format), round(max_kilobytes * 1000)
    if not chosen.has_quality:
        smallest = encode(image, format, quality, dpi_xy)
        best = smallest
    else:
        # Sizes rise with quality, so the highest that fits is found by bisection.
        low, high = 1, quality or HIGHEST_LOSSY_QUALITY
        smallest = best = encode(image, format, low, dpi_xy)
        while low < high and len(smallest) <= max_bytes:
            middle = (low + high + 1) // 2
            data = encode(image, format, middle, dpi_xy)
            if len(data) <= max_bytes:
                low, best = middle, data
            else:
                high = middle - 1
    if len(smallest) > max_bytes:
        raise ChoiceError.from_text(_too_large(chosen, len(smallest), max_bytes))
    return best


def check_max_kilobytes(max_kilobytes: float | None) -> None:
    """Check a limit on the size of a file.

    Raises:
        ChoiceError: it is out of range.
    """
    if max_kilobytes is not None and not 1 <= max_kilobytes <= MAX_KILOBYTES:
        raise ChoiceError(
            f"The largest file has 1 to {MAX_KILOBYTES} kB.",
            f"文件大小上限须为 1 到 {MAX_KILOBYTES} kB。",
        )


def _too_large(chosen: OutputFormat, size: int, max_bytes: int) -> Text:
    kilobytes, over = size / 1000, (size - max_bytes) / 1000
    if chosen.has_quality:
        return Text(
            f"At the lowest quality, the {chosen.title} still has {kilobytes:.1f} kB, {over:.1f} "
            "kB too much. Choose a smaller size in pixels.",
            f"即使用最低质量，{chosen.title} 文件仍有 {kilobytes:.1f} kB，超出 {over:.1f} kB。"
            "请减小像素尺寸。",
        )
    others = join_titles(other for other in OUTPUT_FORMATS.values() if other.has_quality)
    return Text(
        f"The {chosen.title} has {kilobytes:.1f} kB, {over:.1f} kB too much, and has no quality "
        f"setting. Choose {others.en}, or a smaller size in pixels.",
        f"{chosen.title} 文件有 {kilobytes:.1f} kB，超出 {over:.1f} kB，且没有质量选项。"
        f"请改用 {others.zh}，或减小像素尺寸。",
    )


def _check_sides(chosen: OutputFormat, longest_side: int, transparent: bool) -> None:
    if _holds_side(chosen, longest_side):
        return
    others = join_titles(
        other
        for other in OUTPUT_FORMATS.values()
        if _holds_side(other, longest_side) and (other.has_alpha or not transparent)
    )
    raise ChoiceError(
        f"{chosen.title} allows at most {chosen.longest_side} pixels a side. Choose {others.en}.",
        f"{chosen.title} 每边最多 {chosen.longest_side} 像素。请改用 {others.zh}。",
    )


def _holds_side(output_format: OutputFormat, longest_side: int) -> bool:
    return output_format.longest_side is None or longest_side <= output_format.longest_side


def write_zip(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Add files, such as those of `cut_out_each`, to a ZIP, which is created if it is missing.

    Only one file is in memory at a time. Files are stored uncompressed, since images are
    compressed already, and without dates, so that the same cut-outs give the same bytes.
    """
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data)


def copy_zip(
    source: Path, target: Path, names: Sequence[str], changed: Mapping[str, bytes]
) -> None:
    """Copy files of a ZIP into another one; only one file is in memory at a time.

    Args:
        source: a ZIP of `write_zip`, not read if all files are changed.
        target: path of the copy; no file may exist there.
        names: of the files in the copy, in this order.
        changed: the content of those that are not as in the source.
    """
    with ExitStack() as stack:
        archive = cache(lambda: stack.enter_context(zipfile.ZipFile(source)))
        contents = (changed[name] if name in changed else archive().read(name) for name in names)
        write_zip(target, zip(names, contents, strict=True))
