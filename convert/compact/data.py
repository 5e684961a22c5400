"""The training photos: folders of tar files, read into memory once, decoded when they are needed.

`<source>.tar` holds `<id>.webp` (RGB photo) and `<id>.png` (instance ids, 0 background, 255
ignored); `index.jsonl` has a line for each photo: source, id, labels of instance 1, 2, ...
"""

import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

UInt8 = npt.NDArray[np.uint8]

LABELS = ("person", "cat", "dog", "horse", "sheep", "cow", "object")
IGNORED = 255
# VOC leaves a border of five pixels around its objects undecided, at full size; what lies further
# from anything decided is a thing nobody labelled.
BORDER = 4.0
# Another frame of the cat of ecssd_0045, a photo of the evaluation, which image hashes do not see.
LEAKED = frozenset({"voc_00966"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo with its instances, encoded.

    Attributes:
        source: the data set it is from.
        photo: bytes of the photo.
        ids: bytes of the instance ids.
        labels: index into LABELS of instance 1, 2, ...
    """

    source: str
    photo: bytes
    ids: bytes
    labels: tuple[int, ...]


def read_samples(folders: Sequence[Path]) -> list[Sample]:
    """All samples of some folders, in the order of their indexes."""
    return [sample for folder in folders for sample in _read_folder(folder)]


def decode(sample: Sample) -> tuple[UInt8, UInt8]:
    """Photo (H, W, 3) and instance ids (H, W), every pixel decided."""
    with Image.open(io.BytesIO(sample.photo)) as image:
        rgb = np.asarray(image.convert("RGB"))
    with Image.open(io.BytesIO(sample.ids)) as image:
        ids = np.asarray(image)
    return rgb, decided(ids)


def decided(ids: UInt8) -> UInt8:
    """Instance ids (H, W) with the ignored border split between its two sides.

    The loss has no ignored pixels: left as background, the border would teach a model to cut
    inside of the outline.
    """
    ignored = ids == IGNORED
    if not ignored.any():
        return ids
    distance, nearest = cv2.distanceTransformWithLabels(
        ignored.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    id_of = np.zeros(int(nearest.max()) + 1, np.uint8)
    id_of[nearest[~ignored]] = ids[~ignored]
    return np.where(ignored & (distance > BORDER), np.uint8(0), id_of[nearest])


def _read_folder(folder: Path) -> list[Sample]:
    lines = (folder / "index.jsonl").read_text("utf-8").splitlines()
    rows = [row for line in lines if (row := json.loads(line))["id"] not in LEAKED]
    files: dict[str, bytes] = {}
    for source in sorted({row["source"] for row in rows}):
        with tarfile.open(folder / f"{source}.tar") as archive:
            for member in archive:
                if file := archive.extractfile(member):
                    files[member.name] = file.read()
    return [
        Sample(
            row["source"],
            files[f"{row['id']}.webp"],
            files[f"{row['id']}.png"],
            tuple(LABELS.index(label) for label in row["labels"]),
        )
        for row in rows
    ]
