"""Training photos: folders of tar files, read into memory once and decoded when needed.

`<source>.tar` holds `<id>.webp` (RGB photo), `<id>.png` (instance ids, 0 background, 255 ignored)
and `<id>.alpha.png` (opacity of the subject, 0..254, 255 ignored). The last two are optional.
`index.jsonl` has a line for each photo: source, id, labels of instance 1, 2, ...; null instead of
the labels of a photo without instance ids.
"""

import io
import itertools
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
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
# Opacity of what belongs to the subject entirely.
OPAQUE = 254
PHOTO_SUFFIX, IDS_SUFFIX, ALPHA_SUFFIX = ".webp", ".png", ".alpha.png"
# VOC ignores a border of five pixels around its objects, at full size. Ignored pixels further than
# this from any other belong to an object that is not annotated.
BORDER = 4.0
# Another frame of the cat in ecssd_0045, which is an evaluation photo; image hashes do not find it.
LEAKED = frozenset({"voc_00966"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo with its targets, encoded.

    Attributes:
        source: the data set it is from.
        id: its name within the source.
        photo: file content of the photo.
        ids: file content of the instance ids; None if instances are not annotated.
        labels: index into LABELS of instance 1, 2, ...
        alpha: file content of the subject's opacity; None if the subject is unknown.
    """

    source: str
    id: str
    photo: bytes
    ids: bytes | None
    labels: tuple[int, ...] = ()
    alpha: bytes | None = None

    @property
    def files(self) -> dict[str, bytes]:
        """The file contents by the part of the name that follows the id."""
        contents = {PHOTO_SUFFIX: self.photo, IDS_SUFFIX: self.ids, ALPHA_SUFFIX: self.alpha}
        return {suffix: content for suffix, content in contents.items() if content is not None}


def read_samples(folders: Sequence[Path]) -> list[Sample]:
    """Read all samples of some folders, in the order of their indexes.

    Raises:
        ConversionError: an index cannot be read, a photo it names is missing or has an unknown
            label, or there are no photos.
    """
    return _some([sample for folder in folders for sample in _read_folder(folder)])


def read_all_samples(folders: Sequence[Path]) -> list[Sample]:
    """Read all samples of some folders, and the photos of tar files that no index names.

    Raises:
        ConversionError: as `read_samples`.
    """
    samples = [sample for folder in folders for sample in _read_folder(folder)]
    samples += [sample for folder in folders for sample in _read_unnamed(folder)]
    return _some(samples)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedSample:
    """A photo with its targets.

    Attributes:
        rgb: uint8 (H, W, 3).
        ids: uint8 (H, W), instance ids, IGNORED where undecided; None as in `Sample`.
        alpha: uint8 (H, W), opacity 0..OPAQUE of the subject, IGNORED where undecided; None as in
            `Sample`.
    """

    rgb: UInt8
    ids: UInt8 | None
    alpha: UInt8 | None


def decode(sample: Sample) -> DecodedSample:
    """Decode a sample as it is stored."""
    with Image.open(io.BytesIO(sample.photo)) as image:
        rgb = np.asarray(image.convert("RGB"))
    return DecodedSample(rgb, _decode_grey(sample.ids), _decode_grey(sample.alpha))


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


def write_samples(folder: Path, samples: Iterable[Sample]) -> None:
    """Write a folder that `read_samples` reads.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    by_source = sorted(samples, key=lambda sample: sample.source)
    for source, group in itertools.groupby(by_source, key=lambda sample: sample.source):
        with tarfile.open(folder / f"{source}.tar", "w") as archive:
            for sample in group:
                for suffix, content in sample.files.items():
                    member = tarfile.TarInfo(f"{sample.id}{suffix}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
                labels = None if sample.ids is None else [LABELS[label] for label in sample.labels]
                rows.append({"source": source, "id": sample.id, "labels": labels})
    index = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "index.jsonl").write_text(index, "utf-8")


def encode_image(pixels: UInt8, image_format: str, **options: int | bool) -> bytes:
    """Encode pixels, uint8 (H, W) or (H, W, 3), with the options of Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format, **options)
    return buffer.getvalue()


def _some(samples: list[Sample]) -> list[Sample]:
    if not samples:
        raise ConversionError(
            "There are no training photos. Add some to index.jsonl in a --data folder.",
            "没有训练照片。请在 --data 目录的 index.jsonl 中加入照片。",
        )
    return samples


def _read_folder(folder: Path) -> list[Sample]:
    try:
        rows = _read_index(folder)
        sources = sorted({row["source"] for row in rows})
        files = {source: _read_tar(folder / f"{source}.tar") for source in sources}
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        raise _unreadable(folder, error) from error
    return [_make_sample(row, files[row["source"]]) for row in rows]


def _read_unnamed(folder: Path) -> list[Sample]:
    try:
        named = {row["source"] for row in _read_index(folder)}
        paths = [path for path in sorted(folder.glob("*.tar")) if path.stem not in named]
        files = {path.stem: _read_tar(path) for path in paths}
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        raise _unreadable(folder, error) from error
    return [
        Sample(source, Path(name).stem, content, None)
        for source, contents in files.items()
        for name, content in contents.items()
        if name.endswith(PHOTO_SUFFIX)
    ]


def _read_index(folder: Path) -> list[dict[str, Any]]:
    path = folder / "index.jsonl"
    lines = path.read_text("utf-8").splitlines()
    return [row for line in lines if (row := json.loads(line))["id"] not in LEAKED]


def _read_tar(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {
            member.name: file.read() for member in archive if (file := archive.extractfile(member))
        }


def _unreadable(folder: Path, error: Exception) -> ConversionError:
    return ConversionError(
        f"{folder} cannot be read as training photos ({error}). "
        "It needs index.jsonl and SOURCE.tar, see convert/compact/README.md.",
        f"无法从 {folder} 读取训练照片（{error}）。"
        "该目录需要 index.jsonl 与 SOURCE.tar，格式见 convert/compact/README.md。",
    )


def _decode_grey(content: bytes | None) -> UInt8 | None:
    if content is None:
        return None
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def _make_sample(row: Mapping[str, Any], files: Mapping[str, bytes]) -> Sample:
    source, id_ = row["source"], row["id"]
    try:
        labels = tuple(LABELS.index(label) for label in row["labels"] or ())
        ids = None if row["labels"] is None else files[f"{id_}{IDS_SUFFIX}"]
        alpha = files.get(f"{id_}{ALPHA_SUFFIX}")
        return Sample(source, id_, files[f"{id_}{PHOTO_SUFFIX}"], ids, labels, alpha)
    except (KeyError, ValueError) as error:
        raise ConversionError(
            f"Photo {id_} of {source} needs {id_}.webp and {id_}.png in {source}.tar, "
            f"and labels out of {', '.join(LABELS)}.",
            f"{source} 的照片 {id_}：{source}.tar 中须有 {id_}.webp 与 {id_}.png，"
            f"标签只能取自 {', '.join(LABELS)}。",
        ) from error
