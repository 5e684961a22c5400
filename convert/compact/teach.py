"""python -m convert.compact teach: what the subject of each photo is, from saliency networks.

Where the networks agree, the mean of their maps is the opacity of the subject, and the photo
teaches the subject query. With --model, such photos without instance ids get some, if the model is
certain of the label. The output replaces the folders that it was made from (see `data`).
"""

import argparse
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from convert.arguments import positive_int
from convert.compact.data import (
    IGNORED,
    LABELS,
    OPAQUE,
    DecodedSample,
    Sample,
    decode,
    encode_image,
    read_all_samples,
    write_samples,
)
from convert.compact.teaching.consensus import consensus, cuts_an_instance, is_rotated
from convert.compact.teaching.pseudo_labels import OBJECT, LabelledInstance, label_mask, pseudo_ids
from convert.compact.teaching.teacher import KINDS, Teacher, parse_teacher
from convert.measure.image_grid import grid, tile
from segmentation import Photo, Segmenter, encode, find_model
from segmentation.arrays import UInt8

SHEET, SHEET_PHOTOS, SHEET_COLUMNS = "kept.jpg", 60, 6
TILE_WH = 240, 180
MAGENTA = np.array([255, 0, 255])
# Ids of photos of goods begin with these. The model takes an empty garment for a person.
LIFELESS = ("clothing_", "grocery_")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument(
        "--teacher",
        dest="teachers",
        type=parse_teacher,
        action="append",
        required=True,
        metavar="KIND=MODEL.onnx",
        help=f"saliency network; may be given several times; kinds: {', '.join(KINDS)}",
    )
    parser.add_argument("--model", help="gives photos without instance ids some; default: none")
    parser.add_argument("--threads", type=int, default=0, help="default: all cores")
    parser.add_argument(
        "--limit", type=positive_int, metavar="N", help="only the first N photos of each source"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder for SOURCE.tar and index.jsonl"
    )


def run(args: argparse.Namespace) -> None:
    """Write the photos with their subjects, and print how many have one, or why they have none.

    `kept.jpg` shows some of the subjects, to be checked before anything learns from them. The
    networks' maps stay in `maps/` of the output folder and are used again by the next run.

    Raises:
        ConversionError: a teacher or the photos cannot be opened.
        KoutuError: the model cannot be used.
        OSError: the output folder cannot be written.
    """
    teachers = [Teacher(kind, path, threads=args.threads) for kind, path in args.teachers]
    segmenter = Segmenter(find_model(args.model), threads=args.threads) if args.model else None
    counts: Counter[str] = Counter()
    samples, tiles = [], []
    for sample in _first_of_each_source(read_all_samples(args.data), args.limit):
        photo = decode(sample)
        alpha = _alpha(sample, photo, teachers, args.output / "maps")
        counts[alpha if isinstance(alpha, str) else "subject"] += 1
        if not isinstance(alpha, str):
            taught = replace(sample, alpha=encode_image(alpha, "png"))
            samples.append(_with_ids(taught, photo.rgb, alpha, segmenter) if segmenter else taught)
            tiles.append(tile(_on_magenta(photo.rgb, alpha), TILE_WH))
        elif sample.ids is not None:
            samples.append(sample)
    write_samples(args.output, samples)
    if tiles:
        (args.output / SHEET).write_bytes(encode(_sheet(tiles), "jpeg"))
    for name, count in counts.most_common():
        print(f"{count:5d} {name}")


def _first_of_each_source(samples: Sequence[Sample], limit: int | None) -> Iterator[Sample]:
    counts: Counter[str] = Counter()
    for sample in samples:
        counts[sample.source] += 1
        if limit is None or counts[sample.source] <= limit:
            yield sample


def _alpha(
    sample: Sample, photo: DecodedSample, teachers: Sequence[Teacher], maps: Path
) -> UInt8 | str:
    """The opacity (H, W) of a photo's subject, or the reason why it is unknown."""
    if is_rotated(photo.rgb):
        return "dropped: rotated, with empty corners"
    alpha = consensus([_saliency(sample, photo.rgb, teacher, maps) for teacher in teachers])
    if not isinstance(alpha, str) and photo.ids is not None and cuts_an_instance(alpha, photo.ids):
        return "dropped: cuts an annotated instance"
    return alpha


def _saliency(sample: Sample, rgb: UInt8, teacher: Teacher, maps: Path) -> UInt8:
    """A teacher's map uint8 (H, W), from the folder of maps if it is there."""
    path = maps / teacher.kind / sample.source / f"{sample.id}.png"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # A run that is cut short must not leave half a map.
        partial = path.with_suffix(".partial")
        partial.write_bytes(encode_image(teacher.saliency(rgb), "png"))
        partial.replace(path)
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return np.asarray(image)


def _with_ids(sample: Sample, rgb: UInt8, alpha: UInt8, segmenter: Segmenter) -> Sample:
    """Add instance ids to a photo without any, if its subject is one object of a certain label."""
    if sample.ids is not None or (ids := pseudo_ids(alpha)) is None:
        return sample
    is_lifeless = sample.id.startswith(LIFELESS)
    photo = Photo(rgb, None, sample.id, ())
    label = label_mask(ids == 1, () if is_lifeless else tuple(_instances(photo, segmenter)))
    if label is None:
        return sample
    # A model may have more labels than the photos.
    known = label if label in LABELS else OBJECT
    return replace(sample, ids=encode_image(ids, "png"), labels=(LABELS.index(known),))


def _instances(photo: Photo, segmenter: Segmenter) -> Iterator[LabelledInstance]:
    segmentation, _ = segmenter.segment(photo)
    size_wh = photo.hw[1], photo.hw[0]
    for instance in segmentation.instances:
        logits = segmentation.mask_logits([instance.id])
        upscaled = cv2.resize(logits, size_wh, interpolation=cv2.INTER_LINEAR)
        yield LabelledInstance(instance.label.en, instance.score, np.asarray(upscaled > 0))


def _on_magenta(rgb: UInt8, alpha: UInt8) -> UInt8:
    opacity = np.where(alpha == IGNORED, 0.5, alpha / OPAQUE)[..., None]
    return np.asarray(rgb * opacity + MAGENTA * (1 - opacity), np.uint8)


def _sheet(tiles: Sequence[UInt8]) -> UInt8:
    """Up to SHEET_PHOTOS of the tiles, evenly spread over all of them."""
    step = -(-len(tiles) // SHEET_PHOTOS)
    return grid(tiles[::step], SHEET_COLUMNS)
