"""python -m convert.compact pack: training photos made small enough to carry to another machine."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from convert.arguments import positive_int
from convert.compact.data import (
    IGNORED,
    OPAQUE,
    Sample,
    decode,
    encode_image,
    read_samples,
    write_samples,
)
from segmentation.arrays import UInt8

# The side of the product's first look, and nearly that of the photos as they come.
LONGEST_SIDE = 384
PHOTO_QUALITY = 60
# Far less than the error of a teacher.
ALPHA_STEP = 16
# A tar file holds members in blocks of this size, after a header of one block.
BLOCK = 512


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("-o", "--output", type=Path, required=True, help="gets part0, part1, ...")
    parser.add_argument(
        "--megabytes", type=positive_int, default=55, help="of each part at most (default: 55)"
    )


def run(args: argparse.Namespace) -> None:
    """Write folders of training photos, each of which `train --data` reads as it is.

    Raises:
        ConversionError: the training photos cannot be read.
        OSError: the output folder cannot be written.
    """
    packed = (pack_sample(sample) for sample in read_samples(args.data))
    # Two folders may use the same id.
    numbered = (replace(sample, id=str(number)) for number, sample in enumerate(packed))
    for number, part in enumerate(parts(numbered, args.megabytes * 1_000_000)):
        folder = args.output / f"part{number}"
        write_samples(folder, part)
        print(f"{folder}: {len(part)} photos")


def pack_sample(sample: Sample) -> Sample:
    """Reduce a sample to LONGEST_SIDE; ignored pixels stay."""
    decoded = decode(sample)
    height, width, _ = decoded.rgb.shape
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size_wh = round(width * scale), round(height * scale)
    rgb = np.asarray(cv2.resize(decoded.rgb, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    return replace(
        sample,
        photo=encode_image(rgb, "webp", quality=PHOTO_QUALITY),
        ids=_reduce_grey(decoded.ids, size_wh),
        alpha=_reduce_grey(_rounded(decoded.alpha), size_wh),
    )


def parts(samples: Iterable[Sample], max_bytes: int) -> Iterator[list[Sample]]:
    """Divide samples into parts whose tar members have at most some size together."""
    part: list[Sample] = []
    size = 0
    for sample in samples:
        added = sum(BLOCK + -(-len(content) // BLOCK) * BLOCK for content in sample.files.values())
        if part and size + added > max_bytes:
            yield part
            part, size = [], 0
        part.append(sample)
        size += added
    if part:
        yield part


def _rounded(alpha: UInt8 | None) -> UInt8 | None:
    """Opacity in multiples of ALPHA_STEP, which takes half the bytes; IGNORED and OPAQUE stay."""
    if alpha is None:
        return None
    rounded = np.minimum(np.rint(alpha / ALPHA_STEP) * ALPHA_STEP, OPAQUE).astype(np.uint8)
    return np.where(alpha == IGNORED, alpha, rounded)


def _reduce_grey(pixels: UInt8 | None, size_wh: tuple[int, int]) -> bytes | None:
    if pixels is None:
        return None
    # A mean of neighbours would mix ignored pixels with others.
    reduced = cv2.resize(pixels, size_wh, interpolation=cv2.INTER_NEAREST_EXACT)
    return encode_image(np.asarray(reduced, np.uint8), "png", optimize=True)
