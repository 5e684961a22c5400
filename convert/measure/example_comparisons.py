"""python -m convert compare: the comparisons of the examples that the page shows at once."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from convert.measure.host import describe_host
from segmentation import Edge, encode, find_model, read_photo
from segmentation.arrays import UInt8
from segmentation.inference.registry import ModelRegistry
from segmentation.page.comparison.columns import Column, columns, write_prepared
from segmentation.page.comparison.compare import Comparison, Setting, compare, see
from segmentation.page.comparison.difference import likeness

EXAMPLES = Path(__file__).parents[2] / "examples"
LONGEST_SIDE = 520
QUALITY = 65


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--model", default="compact")
    parser.add_argument("-o", "--output", type=Path, default=EXAMPLES / "compare")


def run(args: argparse.Namespace) -> None:
    """Compare each example's standard cut-out with the setting that changes most of it."""
    shelf = ModelRegistry([find_model(args.model)])
    finder = shelf.finders()[0]
    others = [Setting(finder, closer=False), Setting(finder, Edge(fine_hair=True))]
    settings = [Setting(finder), *others]
    args.output.mkdir(exist_ok=True)
    made = {}
    for entry in json.loads((EXAMPLES / "gallery.json").read_text("utf-8")):
        photo = read_photo(EXAMPLES / entry["file"])
        comparison = _most_telling(compare(photo, settings, see(shelf, photo, settings)))
        made[entry["file"]] = _stored(comparison, args.output, photo.stem)
    write_prepared(args.output, shelf.card().artifacts[0].sha256, describe_host(), made)


def _most_telling(comparison: Comparison) -> Comparison:
    first, *others = comparison.compared
    most = max(others, key=lambda other: likeness(first.alpha, other.alpha).changed)
    return replace(comparison, compared=(first, most))


def _stored(comparison: Comparison, folder: Path, stem: str) -> tuple[Column, ...]:
    def keep(name: str, image: UInt8) -> str:
        file = f"{stem}_{name}.webp"
        (folder / file).write_bytes(encode(_small(image), "webp", QUALITY))
        return file

    return columns(comparison, keep)


def _small(image: UInt8) -> UInt8:
    scale = min(1, LONGEST_SIDE / max(image.shape[:2]))
    size_wh = round(image.shape[1] * scale), round(image.shape[0] * scale)
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
