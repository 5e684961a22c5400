"""python -m convert evaluate: how good the cut-outs are, on photos whose masks are known."""

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import isnan, nan
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from convert.measure.saliency_metrics import (
    average_precision,
    f_beta,
    mean_absolute_error,
    precision_recall,
    weighted_f,
)
from segmentation import Photo, Segmentation, Segmenter, encode, find_model, read_photo, select
from segmentation.arrays import Bool, UInt8
from segmentation.cutout import compute_alpha
from segmentation.errors import ConversionError
from segmentation.inference.metrics import boundary_f, iou
from segmentation.inference.refine import refine
from segmentation.page.session import LEAST_SCORE as LEAST_OFFERED

SALIENT = "salient"
CROWD = "(crowd)"
# Guesses below this score hardly change an average precision any more.
LEAST_SCORE = 0.05
HIT_IOU = 0.5
# Clicks on each subject, and how far from its edge they fall, as a share of its deepest point.
CLICKS = 5
CLICK_DEPTH = 0.3
# A labelled instance smaller than this share of the photo is not its subject.
SUBJECT_AREA = 0.03
WORST = 10
TILE_SIDE = 320


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A photo and the masks of what could be meant by its subject.

    Attributes:
        source: where it comes from: its name up to the first underscore.
        path: the photo.
        subjects: label and bool (H, W) of each; perhaps none.
        instances: the same of everything of a label the model knows, crowds included.
    """

    source: str
    path: Path
    subjects: tuple[tuple[str, Bool], ...]
    instances: tuple[tuple[str, Bool], ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """An object that was found: what it is taken for, how surely, and whether it is that."""

    label: str
    score: float
    hit: bool


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """All that was found in a photo, however unsure."""

    sample: Sample
    guesses: tuple[Guess, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """How well one photo was cut out.

    Attributes:
        sample: the photo.
        label: of the subject that the cut-out matched best.
        alpha: uint8 (H, W), the cut-out.
        truth: bool (H, W), that subject.
        largest: IoU of the largest instance instead; NaN where a cut-out is all there is.
        best: IoU of the instance nearest to any subject, at one look; NaN as well.
        closer: IoU of that same instance with the closer look; NaN as well.
        click: mean IoU of what single clicks on the subjects choose; NaN as well.
    """

    sample: Sample
    label: str
    alpha: UInt8
    truth: Bool
    largest: float
    best: float
    closer: float
    click: float

    @property
    def iou(self) -> float:
        """IoU of the cut-out."""
        return iou(self.alpha > 127, self.truth)


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
    parser.add_argument("--one-look", action="store_true", help="without the closer look")
    parser.add_argument("--by-label", action="store_true", help="rows for labels, not for sources")
    parser.add_argument(
        "--alphas",
        type=Path,
        metavar="FOLDER",
        help="judge another program's cut-outs instead: SOURCE_NAME.png, grey, 255 is kept",
    )
    parser.add_argument("--worst", type=Path, help="write a PNG of the ten worst, photo by cut-out")


def run(args: argparse.Namespace) -> None:
    """Print a Markdown table of the subject's cut-outs as `auto` chooses them.

    A cut-out is compared at the photo's own size with the subject it matches best. "largest" is
    the IoU of another rule, "best" of the best single instance there was to choose, at one look,
    and "closer" of that same instance as it is cut out when it is chosen, with the closer look.
    "click" is the mean IoU of what one click chooses where nothing was chosen: five clicks on each
    of the subjects, each result compared with that one.
    "AP50" is the mean average precision of the labels at an IoU of 0.5, over all photos of the
    source that labels.csv names, also those without a subject; what it is for each label stands
    below. What another program cut out, perhaps without knowing instances, is judged on the same
    subjects.
    """
    card = find_model(args.model)
    photos = samples(args.data, {label.en for label in card.labels})
    scores: list[Score] = []
    findings: list[Finding] = []
    segmenter = Segmenter(card, args.engine, args.precision)
    for sample in photos:
        if not args.alphas:
            photo = read_photo(sample.path)
            everything, _ = segmenter.segment(photo, LEAST_SCORE)
            findings.append(Finding(sample, tuple(_guesses(everything, sample, photo.hw))))
            if sample.subjects:
                scores.append(_score(segmenter, sample, photo, everything, args.one_look))
        elif sample.subjects:
            scores.append(_score_of(sample, _read_alpha(args.alphas, sample)))
    groups: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        groups[score.label if args.by_label else score.sample.source].append(score)
    precisions = {
        source: average_precisions([of for of in findings if of.sample.source == source])
        for source in dict.fromkeys(of.sample.source for of in findings)
    }
    columns = "IoU | boundary F | max F | weighted F | MAE | largest | best | closer | click | AP50"
    print(f"| photos | n | {columns} |")
    print("|---" * 12 + "|")
    for name, group in sorted(groups.items()):
        of_source = {} if args.by_label else precisions.get(name, {})
        of_labels = [precision for precision, _ in of_source.values()]
        figures = [*_means(group), float(np.mean(of_labels)) if of_labels else nan]
        cells = ["–" if isnan(figure) else f"{figure:.4f}" for figure in figures]
        print(f"| {name} | {len(group)} | " + " | ".join(cells) + " |")
    for source, found in sorted(precisions.items()):
        if found:
            each = (f"{label} {of:.3f} ({count})" for label, (of, count) in sorted(found.items()))
            print(f"\nAP50 of {source} by label (instances): {', '.join(each)}")
    if args.worst:
        worst = sorted(scores, key=lambda score: score.iou)[:WORST]
        args.worst.write_bytes(encode(_contact_sheet(worst)))
        print("\nworst:", ", ".join(f"{s.sample.path.stem} {s.iou:.2f}" for s in worst))


def samples(folder: Path, known_labels: set[str]) -> Iterator[Sample]:
    """The photos of a folder, with what of them the model could know.

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
        masks = [(label, ids == id_) for id_, label in instances.items()]
        subjects = tuple(
            (label, mask)
            for label, mask in masks
            if label == SALIENT or (label in known_labels and mask.mean() > SUBJECT_AREA)
        )
        known = tuple(each for each in masks if each[0].removesuffix(CROWD) in known_labels)
        yield Sample(stem.split("_")[0], folder / f"{stem}.jpg", subjects, known)


def _score(
    segmenter: Segmenter, sample: Sample, photo: Photo, everything: Segmentation, one_look: bool
) -> Score:
    found = everything.above(segmenter.card.score_threshold)

    @cache
    def cut_out(ids: tuple[int, ...]) -> UInt8:
        look = None if one_look else refine(segmenter, photo, everything, ids)
        return compute_alpha(photo, everything, ids, look)

    single = [(_match(compute_alpha(photo, found, (i.id,)), sample), i.id) for i in found.instances]
    best, nearest = max(single, default=(0.0, None))
    largest = _match(compute_alpha(photo, found, select(found, "largest")), sample)
    closer = 0.0 if nearest is None else _match(cut_out((nearest,)), sample)
    offered = everything.above(LEAST_OFFERED)
    clicks = [
        iou(cut_out(offered.at(photo_xy, segmenter.card.score_threshold)[:1]) > 127, truth)
        for _, truth in sample.subjects
        for photo_xy in points_on(truth)
    ]
    alpha = cut_out(select(found, "auto"))
    return _score_of(sample, alpha, largest, best, closer, float(np.mean(clicks)))


def points_on(mask: Bool) -> list[tuple[float, float]]:
    """Where people might click a thing, (x, y) in pixels: its middle, and four places within it.

    Args:
        mask: bool (H, W), True somewhere.
    """
    framed = np.pad(mask.astype(np.uint8), 1)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    within = np.argwhere(depth >= CLICK_DEPTH * depth.max())
    drawn = np.random.default_rng(0).integers(len(within), size=CLICKS - 1)
    middle = np.unravel_index(depth.argmax(), depth.shape)
    return [(float(column), float(row)) for row, column in (middle, *within[drawn])]


def _match(alpha: UInt8, sample: Sample) -> float:
    return max(iou(alpha > 127, truth) for _, truth in sample.subjects)


def _score_of(
    sample: Sample,
    alpha: UInt8,
    largest: float = nan,
    best: float = nan,
    closer: float = nan,
    click: float = nan,
) -> Score:
    label, truth = max(sample.subjects, key=lambda subject: iou(alpha > 127, subject[1]))
    return Score(sample, label, alpha, truth, largest, best, closer, click)


def _read_alpha(folder: Path, sample: Sample) -> UInt8:
    path = folder / f"{sample.path.stem}.png"
    try:
        with Image.open(path) as image:
            alpha = np.asarray(image.convert("L"))
    except OSError as error:
        raise ConversionError(f"{path} cannot be read.", f"无法读取 {path}。") from error
    if alpha.shape != sample.subjects[0][1].shape:
        raise ConversionError(f"{path} is not of its photo's size.", f"{path} 与照片的大小不同。")
    return alpha


def _guesses(found: Segmentation, sample: Sample, size_hw: tuple[int, int]) -> Iterator[Guess]:
    """Match what was found with the truth, the surest first, as COCO does.

    What lies in a crowd that nobody outlined one by one is neither right nor wrong.
    """
    free = [each for each in sample.instances if not each[0].endswith(CROWD)]
    crowds = [each for each in sample.instances if each[0].endswith(CROWD)]
    for instance, logits in zip(found.instances, found.masks_queries_logits, strict=True):
        label = instance.label.en
        grown = cv2.resize(logits.astype(np.float32), size_hw[::-1], interpolation=cv2.INTER_LINEAR)
        mask = grown > 0
        overlaps = [(iou(mask, truth), i) for i, (of, truth) in enumerate(free) if of == label]
        overlap, place = max(overlaps, default=(0.0, -1))
        hit = overlap >= HIT_IOU
        if hit:
            del free[place]
        elif any(
            of == label + CROWD and (mask & crowd).sum() >= HIT_IOU * mask.sum()
            for of, crowd in crowds
        ):
            continue
        yield Guess(label, instance.score, hit)


def average_precisions(findings: Sequence[Finding]) -> dict[str, tuple[float, int]]:
    """For each label of these photos' instances its average precision, and how many there are."""
    truths = Counter(label for of in findings for label, _ in of.sample.instances)
    guesses = sorted(
        (guess for of in findings for guess in of.guesses),
        key=lambda guess: guess.score,
        reverse=True,
    )
    return {
        label: (average_precision([of.hit for of in guesses if of.label == label], count), count)
        for label, count in truths.items()
        if not label.endswith(CROWD)
    }


def _means(group: Sequence[Score]) -> list[float]:
    curve = np.mean([precision_recall(score.alpha, score.truth) for score in group], axis=0)
    by_photo = [
        (
            score.iou,
            boundary_f(score.alpha > 127, score.truth),
            weighted_f(score.alpha, score.truth),
            mean_absolute_error(score.alpha, score.truth),
            score.largest,
            score.best,
            score.closer,
            score.click,
        )
        for score in group
    ]
    overlap, boundary, *others = np.mean(by_photo, axis=0).tolist()
    return [overlap, boundary, float(f_beta(curve).max()), *others]


def _contact_sheet(scores: Sequence[Score]) -> UInt8:
    """Photo, cut-out on magenta and truth of each, side by side, a row each."""
    rows = []
    for score in scores:
        rgb = read_photo(score.sample.path).rgb
        share = score.alpha[..., None] / np.float32(255)
        on_magenta = rgb * share + np.array([255, 0, 255]) * (1 - share)
        truth = np.repeat(score.truth[..., None] * np.uint8(255), 3, axis=2)
        rows.append(np.hstack([_tile(image) for image in (rgb, on_magenta, truth)]))
    return np.vstack(rows)


def _tile(image: npt.NDArray[np.generic]) -> UInt8:
    scale = TILE_SIDE / max(image.shape[:2])
    size_wh = round(image.shape[1] * scale), round(image.shape[0] * scale)
    small = cv2.resize(np.asarray(image, np.uint8), size_wh, interpolation=cv2.INTER_AREA)
    tile = np.full((TILE_SIDE, TILE_SIDE, 3), 255, np.uint8)
    tile[: size_wh[1], : size_wh[0]] = small
    return tile
