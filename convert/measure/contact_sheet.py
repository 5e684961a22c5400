"""python -m convert sheet: the examples cut out over white, black and magenta, on one picture."""

import argparse
from pathlib import Path

import numpy as np

from convert.measure.examples import EXAMPLES, example_photos
from convert.measure.image_grid import grid, tile
from segmentation import (
    Colour,
    Segmenter,
    compose,
    compute_alpha,
    encode,
    find_model,
    read_photo,
    refine,
    select,
)
from segmentation.arrays import UInt8

BACKDROPS = (Colour((255, 255, 255)), Colour((0, 0, 0)), Colour((255, 0, 255)))
PHOTOS_PER_ROW = 2
TILE_WH = 240, 180


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("photos", type=Path, nargs="*", help="default: the examples")
    parser.add_argument("--model", default="compact")
    parser.add_argument("--objects", default="auto")
    parser.add_argument("-o", "--output", type=Path, default=EXAMPLES / "contact_sheet.jpg")


def run(args: argparse.Namespace) -> None:
    """Write the contact sheet: each photo, then its subject over each backdrop."""
    segmenter = Segmenter(find_model(args.model))
    paths = args.photos or example_photos()
    strips = [_strip(segmenter, path, args.objects) for path in paths]
    args.output.write_bytes(encode(grid(strips, PHOTOS_PER_ROW), "jpeg"))


def _strip(segmenter: Segmenter, path: Path, objects: str) -> UInt8:
    """The photo and its cut-outs side by side, uint8 (h, w, 3)."""
    photo = read_photo(path)
    segmentation, _ = segmenter.segment(photo)
    ids = select(segmentation, objects)
    refinement = refine(segmenter, photo, segmentation, ids)
    alpha = compute_alpha(photo, segmentation, ids, refinement)
    cut_outs = [compose(photo, alpha, backdrop, crop="subject") for backdrop in BACKDROPS]
    return np.hstack([tile(image, TILE_WH) for image in (photo.rgb, *cut_outs)])
