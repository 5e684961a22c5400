"""python -m convert evaluate: how good the cut-outs are, on photos whose masks are known."""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from segmentation import Photo, Segmentation, Segmenter, choose, find_model, make_alpha, read_photo

Bool = npt.NDArray[np.bool_]

SALIENT = "salient"
# A labelled instance smaller than this share of the photo is not its subject.
SUBJECT_AREA = 0.03
RULES = ("auto", "largest")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A photo and the masks of what could be meant by its subject.

    Attributes:
        source: where it comes from: its name up to the first underscore.
        path: the photo.
        subjects: bool (H, W) each.
    """

    source: str
    path: Path
    subjects: tuple[Bool, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("model", help="bundled name or model folder")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder of SOURCE_NAME.jpg, masks/SOURCE_NAME.png (instance ids) and labels.csv",
    )
    parser.add_argument("--engine", choices=("auto", "onnx", "ascend"), default="auto")
    parser.add_argument("--precision")


def run(args: argparse.Namespace) -> None:
    """Print a Markdown table: mean IoU by source of the subject as each rule chooses it.

    A cut-out is compared at the photo's own size with the best-matching subject mask. "best
    instance" is the best any rule could do by choosing one instance.
    """
    segmenter = Segmenter(find_model(args.model), args.engine, args.precision)
    known = {label.en for label in segmenter.card.labels}
    scores: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for sample in samples(args.data, known):
        scores[sample.source].append(_scores(segmenter, sample))
    print("| source | photos |", " | ".join((*RULES, "best instance")), "|")
    print("|---" * (3 + len(RULES)) + "|")
    for source, rows in sorted(scores.items()):
        means = " | ".join(f"{mean:.4f}" for mean in np.mean(rows, axis=0))
        print(f"| {source} | {len(rows)} | {means} |")


def samples(folder: Path, known_labels: set[str]) -> Iterator[Sample]:
    """The photos of a folder that have a subject the model could know.

    Args:
        folder: as the command's --data.
        known_labels: labels that count beside "salient".
    """
    labels: dict[str, dict[int, str]] = defaultdict(dict)
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            labels[row["stem"]][int(row["instance"])] = row["label"]
    for stem, instances in labels.items():
        with Image.open(folder / "masks" / f"{stem}.png") as image:
            ids = np.asarray(image)
        masks = [
            ids == id_
            for id_, label in instances.items()
            if label == SALIENT or label in known_labels
        ]
        subjects = tuple(
            mask for mask in masks if SALIENT in instances.values() or mask.mean() > SUBJECT_AREA
        )
        if subjects:
            yield Sample(stem.split("_")[0], folder / f"{stem}.jpg", subjects)


def iou(one: Bool, other: Bool) -> float:
    """Intersection over union of two masks, 0..1; 0 where both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 0.0


def _scores(segmenter: Segmenter, sample: Sample) -> tuple[float, ...]:
    photo = read_photo(sample.path)
    found, _ = segmenter.segment(photo)
    by_rule = [_best_match(photo, found, choose(found, rule), sample.subjects) for rule in RULES]
    single = [
        _best_match(photo, found, (instance.id,), sample.subjects) for instance in found.instances
    ]
    return (*by_rule, max(single, default=0.0))


def _best_match(
    photo: Photo, found: Segmentation, ids: Sequence[int], subjects: Sequence[Bool]
) -> float:
    cut_out = make_alpha(photo.rgb, found.mask_logits(ids)) > 127
    return max(iou(cut_out, subject) for subject in subjects)
