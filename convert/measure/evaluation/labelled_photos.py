"""Photos whose masks are known, and cut-outs of them by other programs, read from folders."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from segmentation.arrays import Bool, UInt8
from segmentation.errors import ConversionError

SALIENT = "salient"
CROWD = "(crowd)"
# A labelled instance smaller than this share of the photo is not its subject.
SUBJECT_AREA = 0.03
# As many instances of one label are a crowd, even if each is outlined.
CROWD_SIZE = 4


@dataclass(frozen=True, slots=True, eq=False)
class LabelledMask:
    """An annotated instance of a photo.

    Attributes:
        label: as labels.csv has it.
        mask: bool (H, W).
    """

    label: str
    mask: Bool

    @property
    def is_crowd(self) -> bool:
        """Whether this is a group whose members are not outlined one by one."""
        return self.label.endswith(CROWD)

    @property
    def base_label(self) -> str:
        """The label without the mark of a crowd."""
        return self.label.removesuffix(CROWD)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPhoto:
    """A photo with its annotations.

    Attributes:
        source: the data set, which is the file's name up to the first underscore.
        path: the photo.
        subjects: instances that may be the subject of the photo; empty if none is annotated.
        instances: instances with a label that the model knows, crowds included.
    """

    source: str
    path: Path
    subjects: tuple[LabelledMask, ...]
    instances: tuple[LabelledMask, ...]

    @property
    def shows_crowd(self) -> bool:
        """Whether there is a group that is not outlined one by one, or as many as CROWD_SIZE."""
        counts = Counter(instance.label for instance in self.instances)
        return max(counts.values(), default=0) >= CROWD_SIZE or any(
            instance.is_crowd for instance in self.instances
        )


def read_labelled_photos(folder: Path, known_labels: set[str]) -> Iterator[LabelledPhoto]:
    """Read the photos that a data set's labels.csv names.

    Args:
        folder: SOURCE_NAME.jpg, masks/SOURCE_NAME.png (instance ids) and labels.csv with the
            columns stem, instance and label.
        known_labels: the model's labels.

    Raises:
        OSError: labels.csv or a mask cannot be read.
    """
    labels: dict[str, dict[int, str]] = defaultdict(dict)
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            labels[row["stem"]][int(row["instance"])] = row["label"]
    for stem, instance_labels in labels.items():
        with Image.open(folder / "masks" / f"{stem}.png") as image:
            ids = np.asarray(image)
        masks = [LabelledMask(label, ids == id_) for id_, label in instance_labels.items()]
        yield LabelledPhoto(
            source=stem.split("_")[0],
            path=folder / f"{stem}.jpg",
            subjects=tuple(mask for mask in masks if _may_be_subject(mask, known_labels)),
            instances=tuple(mask for mask in masks if mask.base_label in known_labels),
        )


def read_alpha(folder: Path, photo: LabelledPhoto) -> UInt8:
    """Read another program's cut-out of a photo with a subject.

    Args:
        folder: SOURCE_NAME.png, grey, 255 is kept.
        photo: the photo.

    Returns:
        uint8 (H, W).

    Raises:
        ConversionError: the file cannot be read, or does not have the size of the photo.
    """
    path = folder / f"{photo.path.stem}.png"
    try:
        with Image.open(path) as image:
            alpha = np.asarray(image.convert("L"))
    except OSError as error:
        raise ConversionError(
            f"{path} cannot be read. Give a folder with a PNG for each photo.",
            f"无法读取 {path}。所给目录中每张照片都要有对应的 PNG。",
        ) from error
    if alpha.shape != photo.subjects[0].mask.shape:
        raise ConversionError(
            f"{path} does not have the size of its photo. Make it again at that size.",
            f"{path} 与照片的尺寸不同，请按照片的尺寸重新生成。",
        )
    return alpha


def _may_be_subject(mask: LabelledMask, known_labels: set[str]) -> bool:
    return mask.label == SALIENT or (
        mask.label in known_labels and bool(mask.mask.mean() > SUBJECT_AREA)
    )
