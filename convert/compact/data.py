"""Training photos: folders of tar files, read into memory once and decoded when needed.

`<source>.tar` holds `<id>.webp` (RGB photo) and `<id>.png` (instance ids, 0 background, 255
ignored). `index.jsonl` has a line for each photo: source, id, labels of instance 1, 2, ...
"""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from segmentation.arrays import UInt8
from segmentation.errors import ConversionError

LABELS = ("person", "cat", "dog", "horse", "sheep", "cow", "object")
IGNORED = 255
# VOC ignores a border of five pixels around its objects, at full size. Ignored pixels further than
# this from any other belong to an object that is not annotated.
BORDER = 4.0
# Another frame of the cat in ecssd_0045, which is an evaluation photo; image hashes do not find it.
LEAKED = frozenset({"voc_00966"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo with its instances, encoded.

    Attributes:
        source: the data set it is from.
        photo: file content of the photo.
        ids: file content of the instance ids.
        labels: index into LABELS of instance 1, 2, ...
    """

    source: str
    photo: bytes
    ids: bytes
    labels: tuple[int, ...]


def read_samples(folders: Sequence[Path]) -> list[Sample]:
    """Read all samples of some folders, in the order of their indexes.

    Raises:
        ConversionError: an index cannot be read, a photo it names is missing or has an unknown
            label, or there are no photos.
    """
    samples = [sample for folder in folders for sample in _read_folder(folder)]
    if not samples:
        raise ConversionError(
            "There are no training photos. Add some to index.jsonl in a --data folder.",
            "没有训练照片。请在 --data 目录的 index.jsonl 中加入照片。",
        )
    return samples


def decode(sample: Sample) -> tuple[UInt8, UInt8]:
    """Decode a sample.

    Returns:
        The photo, uint8 (H, W, 3), and instance ids without ignored pixels, uint8 (H, W).
    """
    rgb, ids = decode_raw(sample)
    return rgb, resolve_ignored(ids)


def decode_raw(sample: Sample) -> tuple[UInt8, UInt8]:
    """Decode a sample as it is stored.

    Returns:
        The photo, uint8 (H, W, 3), and instance ids, uint8 (H, W), IGNORED where undecided.
    """
    with Image.open(io.BytesIO(sample.photo)) as image:
        rgb = np.asarray(image.convert("RGB"))
    with Image.open(io.BytesIO(sample.ids)) as image:
        ids = np.asarray(image)
    return rgb, ids


def resolve_ignored(ids: UInt8) -> UInt8:
    """Divide the ignored border of each instance between the instance and what surrounds it.

    The loss has no ignored pixels. If the border were background, the model would learn to cut
    inside the outline.

    Args:
        ids: uint8 (H, W), instance ids, IGNORED where undecided.

    Returns:
        uint8 (H, W) without IGNORED; undecided pixels far from all others become background.
    """
    ignored = ids == IGNORED
    if not ignored.any():
        return ids
    distance, nearest = cv2.distanceTransformWithLabels(
        ignored.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest_id = np.zeros(int(nearest.max()) + 1, np.uint8)
    nearest_id[nearest[~ignored]] = ids[~ignored]
    return np.where(ignored & (distance > BORDER), np.uint8(0), nearest_id[nearest])


def _read_folder(folder: Path) -> list[Sample]:
    try:
        lines = (folder / "index.jsonl").read_text("utf-8").splitlines()
        rows = [row for line in lines if (row := json.loads(line))["id"] not in LEAKED]
        sources = sorted({row["source"] for row in rows})
        files = {source: _read_tar(folder / f"{source}.tar") for source in sources}
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        raise ConversionError(
            f"{folder} cannot be read as training photos ({error}). "
            "It needs index.jsonl and SOURCE.tar, see convert/compact/README.md.",
            f"无法从 {folder} 读取训练照片（{error}）。"
            "该目录需要 index.jsonl 与 SOURCE.tar，格式见 convert/compact/README.md。",
        ) from error
    return [_make_sample(row, files[row["source"]]) for row in rows]


def _read_tar(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {
            member.name: file.read() for member in archive if (file := archive.extractfile(member))
        }


def _make_sample(row: Mapping[str, Any], files: Mapping[str, bytes]) -> Sample:
    source, id_ = row["source"], row["id"]
    try:
        labels = tuple(LABELS.index(label) for label in row["labels"])
        return Sample(source, files[f"{id_}.webp"], files[f"{id_}.png"], labels)
    except (KeyError, ValueError) as error:
        raise ConversionError(
            f"Photo {id_} of {source} needs {id_}.webp and {id_}.png in {source}.tar, "
            f"and labels out of {', '.join(LABELS)}.",
            f"{source} 的照片 {id_}：{source}.tar 中须有 {id_}.webp 与 {id_}.png，"
            f"标签只能取自 {', '.join(LABELS)}。",
        ) from error
