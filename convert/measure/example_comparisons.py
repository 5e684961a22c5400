"""python -m convert compare: the comparisons of the examples that the page shows at once."""

import argparse
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import cv2
import numpy as np

from convert.measure.examples import EXAMPLES, example_photos
from convert.measure.host import describe_host
from segmentation import CutoutOptions, Edge, encode, find_model, read_photo
from segmentation.arrays import UInt8
from segmentation.inference.registry import ModelRegistry
from segmentation.page.compare_tab.columns import Column, draw_columns, write_prepared
from segmentation.page.compare_tab.compare import (
    Comparison,
    Seconds,
    Setting,
    compare,
    segment_with_variants,
)
from segmentation.page.compare_tab.difference import compare_alphas

LONGEST_SIDE = 520
QUALITY = 65
RUNS = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", default="compact")
    parser.add_argument("-o", "--output", type=Path, default=EXAMPLES / "compare")


def run(args: argparse.Namespace) -> None:
    """Compare the standard cut-out of each example with the setting that changes it most.

    Raises:
        KoutuError: the model or a photo cannot be used.
        OSError: an example cannot be read, or the output folder cannot be written.
    """
    registry = ModelRegistry([find_model(args.model)])
    variant = registry.variants()[0]
    settings = [
        Setting(variant),
        Setting(variant, CutoutOptions(refine=False)),
        Setting(variant, CutoutOptions(edge=Edge(fine_hair=True))),
    ]
    args.output.mkdir(exist_ok=True)
    comparisons = {}
    for path in example_photos():
        photo = read_photo(path)
        runs = [
            compare(photo, settings, segment_with_variants(registry, photo, settings))
            for _ in range(RUNS)
        ]
        most_changed = _with_most_changed(with_shortest_times(runs))
        comparisons[path.name] = _write_images(most_changed, args.output, photo.stem)
    model = registry.card().artifacts[0].sha256
    write_prepared(args.output, model, describe_host(), comparisons)


def with_shortest_times(runs: Sequence[Comparison]) -> Comparison:
    """The first run of a comparison, with the shortest time of each step in any run.

    Whatever else the machine does only adds to a time. The first run alone loads the models.
    """
    first = runs[0]
    cutouts = []
    for index, cutout in enumerate(first.cutouts):
        times = [astuple(run.cutouts[index].seconds) for run in runs]
        shortest = Seconds(*(min(step) for step in zip(*times, strict=True)))
        seconds = replace(shortest, load=cutout.seconds.load)
        cutouts.append(replace(cutout, seconds=seconds))
    return replace(first, cutouts=tuple(cutouts))


def _with_most_changed(comparison: Comparison) -> Comparison:
    """The comparison reduced to the first setting and the one that differs most from it."""
    first, *others = comparison.cutouts
    most = max(others, key=lambda other: compare_alphas(first.alpha, other.alpha).changed)
    return replace(comparison, cutouts=(first, most))


def _write_images(comparison: Comparison, folder: Path, stem: str) -> tuple[Column, ...]:
    def write(name: str, image: UInt8) -> str:
        file = f"{stem}_{name}.webp"
        (folder / file).write_bytes(encode(_reduced(image), "webp", QUALITY))
        return file

    return draw_columns(comparison, write)


def _reduced(image: UInt8) -> UInt8:
    scale = min(1, LONGEST_SIDE / max(image.shape[:2]))
    size_wh = round(image.shape[1] * scale), round(image.shape[0] * scale)
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
