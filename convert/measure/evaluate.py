"""python -m convert evaluate: the quality of cut-outs on photos whose masks are known."""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from math import isnan, nan
from pathlib import Path

import numpy as np

from convert.measure.evaluation.cutout_scores import (
    CutoutScore,
    mean_scores,
    score_alpha,
    score_model,
)
from convert.measure.evaluation.detection_metrics import (
    MIN_DETECTION_SCORE,
    LabelPrecision,
    PhotoDetections,
    match_detections,
    precision_by_label,
)
from convert.measure.evaluation.labelled_photos import (
    LabelledPhoto,
    read_alpha,
    read_labelled_photos,
)
from convert.measure.image_grid import grid, tile
from segmentation import Segmenter, encode, find_model, read_photo
from segmentation.arrays import UInt8

COLUMNS = (
    "IoU",
    "boundary F",
    "max F",
    "weighted F",
    "S",
    "MAE",
    "thin",
    "largest",
    "best",
    "union",
    "closer",
    "click",
    "AP50",
)
WORST_PHOTOS = 10
TILE_WH = 320, 320
MAGENTA = np.array([255, 0, 255])

# The precision of each label, for each source of photos.
Precisions = Mapping[str, Mapping[str, LabelPrecision]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
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
    parser.add_argument("--by-label", action="store_true", help="a row for each label, not source")
    parser.add_argument(
        "--alphas",
        type=Path,
        metavar="FOLDER",
        help="evaluate another program's cut-outs: SOURCE_NAME.png, grey, 255 is kept",
    )
    parser.add_argument(
        "--worst", type=Path, help="write a PNG of the ten worst: photo, cut-out and truth"
    )


def run(args: argparse.Namespace) -> None:
    """Print a Markdown table of the cut-outs of the subjects that `auto` selects.

    A cut-out is compared at the size of its photo with the subject it matches best. The columns
    from "largest" on need instances, so another program's cut-outs leave them empty:

    - S: structural similarity, see `s_measure`.
    - thin: the share kept of parts thinner than three mask cells, where the subject has such parts.
    - largest: IoU if the rule were `largest`.
    - best: IoU of the best single instance there was to select, without the closer look.
    - union: IoU of the best union of instances, added one by one, without the closer look.
    - closer: IoU of the best single instance with the closer look.
    - click: mean IoU of what one click selects, with nothing selected before. There are five
      clicks on each subject, each compared with that subject. Below the table it stands by label.
    - AP50: mean over the labels of the average precision at an IoU of 0.5, over all photos of the
      source in labels.csv, also those without a subject. Below the table it stands by label.

    The photos of a source that show a crowd have a row of their own as well, without AP50.

    Raises:
        ConversionError: a file of --alphas is missing or does not fit its photo.
        KoutuError: the model or a photo cannot be used.
        OSError: the data cannot be read.
    """
    card = find_model(args.model)
    photos = read_labelled_photos(args.data, {label.en for label in card.labels})
    scores: list[CutoutScore]
    precisions: Precisions = {}
    if args.alphas:
        scores = [
            score_alpha(photo, read_alpha(args.alphas, photo)) for photo in photos if photo.subjects
        ]
    else:
        segmenter = Segmenter(card, args.engine, args.precision)
        scores, detections = _evaluate_model(segmenter, photos, refined=not args.one_look)
        precisions = _precision_by_source(detections)
    print("\n".join(_table(scores, precisions, by_label=args.by_label)))
    for line in (*_click_lines(scores), *_precision_lines(precisions)):
        print(f"\n{line}")
    if args.worst:
        worst = sorted(scores, key=lambda score: score.iou)[:WORST_PHOTOS]
        args.worst.write_bytes(encode(_worst_sheet(worst)))
        names = (f"{score.photo.path.stem} {score.iou:.2f}" for score in worst)
        print("\nworst:", ", ".join(names))


def _evaluate_model(
    segmenter: Segmenter, photos: Iterable[LabelledPhoto], *, refined: bool
) -> tuple[list[CutoutScore], list[PhotoDetections]]:
    """The scores of the photos with a subject, and the detections in all photos."""
    scores, detections = [], []
    for labelled in photos:
        photo = read_photo(labelled.path)
        candidates, _ = segmenter.segment(photo, MIN_DETECTION_SCORE)
        detections.append(match_detections(candidates, labelled, photo.hw))
        if labelled.subjects:
            scores.append(score_model(segmenter, labelled, photo, candidates, refined=refined))
    return scores, detections


def _precision_by_source(detections: Sequence[PhotoDetections]) -> Precisions:
    by_source: dict[str, list[PhotoDetections]] = defaultdict(list)
    for item in detections:
        by_source[item.photo.source].append(item)
    return {source: precision_by_label(group) for source, group in by_source.items()}


def _table(
    scores: Sequence[CutoutScore], precisions: Precisions, *, by_label: bool
) -> Iterator[str]:
    """The lines of the Markdown table."""
    yield f"| photos | n | {' | '.join(COLUMNS)} |"
    yield "|---" * (2 + len(COLUMNS)) + "|"
    groups: dict[str, list[CutoutScore]] = defaultdict(list)
    for score in scores:
        groups[score.label if by_label else score.photo.source].append(score)
        if score.photo.shows_crowd and not by_label:
            groups[f"{score.photo.source}, crowds"].append(score)
    for name, group in sorted(groups.items()):
        by_source = {} if by_label else precisions.get(name, {})
        label_precisions = [label.average_precision for label in by_source.values()]
        mean_precision = float(np.mean(label_precisions)) if label_precisions else nan
        figures = (*astuple(mean_scores(group)), mean_precision)
        cells = ("–" if isnan(figure) else f"{figure:.4f}" for figure in figures)
        yield f"| {name} | {len(group)} | {' | '.join(cells)} |"


def _click_lines(scores: Sequence[CutoutScore]) -> Iterator[str]:
    """One line for each source that has clicks."""
    sources: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        for label, click_iou in score.clicks:
            sources[score.photo.source][label].append(click_iou)
    for source, by_label in sorted(sources.items()):
        figures = ", ".join(
            f"{label} {np.mean(ious):.3f} ({len(ious)})" for label, ious in sorted(by_label.items())
        )
        yield f"click of {source} by label (clicks): {figures}"


def _precision_lines(precisions: Precisions) -> Iterator[str]:
    """One line for each source that has annotated instances of known labels."""
    for source, by_label in sorted(precisions.items()):
        if by_label:
            figures = ", ".join(
                f"{label} {precision.average_precision:.3f} ({precision.instances})"
                for label, precision in sorted(by_label.items())
            )
            yield f"AP50 of {source} by label (instances): {figures}"


def _worst_sheet(scores: Sequence[CutoutScore]) -> UInt8:
    """A row for each score: the photo, the cut-out on magenta and the truth; uint8 (h, w, 3)."""
    images = []
    for score in scores:
        rgb = read_photo(score.photo.path).rgb
        opacity = score.alpha[..., None] / np.float32(255)
        on_magenta = np.asarray(rgb * opacity + MAGENTA * (1 - opacity), np.uint8)
        truth = np.repeat(score.truth[..., None] * np.uint8(255), 3, axis=2)
        images += [tile(image, TILE_WH) for image in (rgb, on_magenta, truth)]
    return grid(images, 3)
