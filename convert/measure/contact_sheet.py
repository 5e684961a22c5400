"""python -m convert sheet: the examples cut out over white, black and magenta, on one picture."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

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

EXAMPLES = Path(__file__).parents[2] / "examples"
BACKDROPS = (Colour((255, 255, 255)), Colour((0, 0, 0)), Colour((255, 0, 255)))
PHOTOS_PER_ROW = 2
TILE_WH = 240, 180


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("photos", type=Path, nargs="*", help="default: the examples")
    parser.add_argument("--model", default="compact")
    parser.add_argument("--objects", default="auto")
    parser.add_argument("-o", "--output", type=Path, default=EXAMPLES / "contact_sheet.jpg")


def run(args: argparse.Namespace) -> None:
    """Write the contact sheet: each photo, then its subject over each backdrop."""
    segmenter = Segmenter(find_model(args.model))
    entries = json.loads((EXAMPLES / "gallery.json").read_text("utf-8"))
    photos = args.photos or [EXAMPLES / entry["file"] for entry in entries]
    strips = [_strip(segmenter, path, args.objects) for path in photos]
    args.output.write_bytes(encode(in_rows(strips, PHOTOS_PER_ROW), "jpeg"))


def in_rows(pictures: Sequence[UInt8], a_row: int) -> UInt8:
    """Pictures of one size (H, W, 3), so many in a row, white where none is left."""
    filled = [*pictures, *[np.full_like(pictures[0], 255)] * (-len(pictures) % a_row)]
    starts = range(0, len(filled), a_row)
    return np.vstack([np.hstack(filled[start : start + a_row]) for start in starts])


def _strip(segmenter: Segmenter, path: Path, objects: str) -> UInt8:
    photo = read_photo(path)
    found, _ = segmenter.segment(photo)
    ids = select(found, objects)
    alpha = compute_alpha(photo, found, ids, refine(segmenter, photo, found, ids))
    cut_outs = [compose(photo, alpha, backdrop, crop="subject") for backdrop in BACKDROPS]
    return np.hstack([tile(image) for image in (photo.rgb, *cut_outs)])


def tile(image: UInt8) -> UInt8:
    """A picture (H, W, 3), made smaller, in the middle of a white tile."""
    scale = min(TILE_WH[0] / image.shape[1], TILE_WH[1] / image.shape[0])
    size_wh = round(image.shape[1] * scale), round(image.shape[0] * scale)
    white = np.full((TILE_WH[1], TILE_WH[0], 3), 255, np.uint8)
    left, top = (TILE_WH[0] - size_wh[0]) // 2, (TILE_WH[1] - size_wh[1]) // 2
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    white[top : top + size_wh[1], left : left + size_wh[0]] = small
    return white
