"""python -m convert.compact pack: training photos made small enough to carry to another machine."""

import argparse
import io
import itertools
import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from convert.arguments import positive_int
from convert.compact.data import LABELS, Sample, decode_raw, read_samples
from segmentation.arrays import UInt8

# Training never shows a photo larger than this.
LONGEST_SIDE = 384
PHOTO_QUALITY = 60
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
    for number, part in enumerate(parts(packed, args.megabytes * 1_000_000)):
        folder = args.output / f"part{number}"
        write_part(folder, part)
        print(f"{folder}: {len(part)} photos")


def pack_sample(sample: Sample) -> Sample:
    """Reduce a sample to LONGEST_SIDE; ignored pixels stay."""
    rgb, ids = decode_raw(sample)
    scale = min(1.0, LONGEST_SIDE / max(ids.shape))
    size_wh = round(ids.shape[1] * scale), round(ids.shape[0] * scale)
    reduced = np.asarray(cv2.resize(rgb, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    reduced_ids = cv2.resize(ids, size_wh, interpolation=cv2.INTER_NEAREST_EXACT)
    photo = _encode(reduced, "webp", quality=PHOTO_QUALITY)
    masks = _encode(np.asarray(reduced_ids, np.uint8), "png", optimize=True)
    return Sample(sample.source, photo, masks, sample.labels)


def parts(samples: Iterable[Sample], max_bytes: int) -> Iterator[list[Sample]]:
    """Divide samples into parts whose tar members have at most some size together."""
    part: list[Sample] = []
    size = 0
    for sample in samples:
        added = sum(BLOCK + -(-len(content) // BLOCK) * BLOCK for content in _contents(sample))
        if part and size + added > max_bytes:
            yield part
            part, size = [], 0
        part.append(sample)
        size += added
    if part:
        yield part


def write_part(folder: Path, samples: Sequence[Sample]) -> None:
    """Write a folder with a tar file for each source, and its index."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    by_source = sorted(enumerate(samples), key=lambda item: item[1].source)
    for source, group in itertools.groupby(by_source, key=lambda item: item[1].source):
        with tarfile.open(folder / f"{source}.tar", "w") as archive:
            for number, sample in group:
                for suffix, content in zip(("webp", "png"), _contents(sample), strict=True):
                    member = tarfile.TarInfo(f"{number}.{suffix}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
                labels = [LABELS[label] for label in sample.labels]
                rows.append({"source": source, "id": str(number), "labels": labels})
    index = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "index.jsonl").write_text(index, "utf-8")


def _contents(sample: Sample) -> tuple[bytes, bytes]:
    return sample.photo, sample.ids


def _encode(pixels: UInt8, image_format: str, **options: int | bool) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format, **options)
    return buffer.getvalue()
