"""python -m convert.compact teach: masks for photos that have none, from a larger network.

The network finds what stands out, the present model says what it is, and rules drop what either
is unsure of. What is left has the format of the labelled data (see `data`).
"""

import argparse
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from convert.compact.data import IGNORED
from convert.compact.teacher import Teacher
from convert.measure.image_grid import grid, tile
from segmentation import Photo, Segmenter, encode, find_model
from segmentation.arrays import Bool, Float32, UInt8
from segmentation.errors import ConversionError
from segmentation.inference.metrics import iou

Instances = Sequence[tuple[str, float, Bool]]

SOURCE = "pseudo"
PHOTOS = "unlabelled.tar"
OBJECT = "object"
TILE_WH = 240, 180
SHEET, SHOWN, SHOWN_A_ROW = "kept.jpg", 60, 6
MAGENTA = np.array([255, 0, 255], np.uint8)
# Corners this dark, three of the four, are what turning a photo left empty: a network takes the
# frame of such a photo for a thing.
EMPTY, CORNER, MOST_EMPTY_CORNERS = 12, 4, 2
# Photos of goods, by their ids: the model takes an empty garment for who might wear it.
LIFELESS = ("clothing_", "grocery_")

# Shares of the photo: of undecided pixels that make the teacher's word worthless, and of the mask.
MOST_UNDECIDED = 0.12
LEAST_AREA, MOST_AREA = 0.02, 0.90
UNDECIDED = 26, 229
BORDER = 64, 191
# Pieces smaller than this share of the largest are not part of the subject.
LEAST_PIECE = 0.05
# A second piece of more than this share of the largest is a second thing.
MOST_SECOND_PIECE = 0.25
SAME_IOU = 0.75
# The least score at which the model is believed that something is alive.
SURE = 0.85
# An instance lies inside of a mask with at least this share of its own pixels.
INSIDE = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {PHOTOS}")
    parser.add_argument("--teacher", type=Path, required=True, help="saliency network as ONNX")
    parser.add_argument("--model", default="compact", help="says what the subjects are")
    parser.add_argument("--threads", type=int, default=0, help="default: all cores")
    parser.add_argument("--limit", type=int, help="only the first so many photos")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help=f"folder for {SOURCE}.tar and index.jsonl"
    )


def run(args: argparse.Namespace) -> None:
    """Write the masks that can be trusted, and print how many were dropped, and why.

    `kept.jpg` shows some of what was kept, to be looked at before anything learns from it. The
    teacher's maps stay in `maps/` of the output folder; those that are there already are not
    made again.
    """
    maps = args.output / "maps"
    maps.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(args.teacher, threads=args.threads)
    segmenter = Segmenter(find_model(args.model), threads=args.threads)
    counts: Counter[str] = Counter()
    rows, tiles = [], []
    with tarfile.open(args.output / f"{SOURCE}.tar", "w") as archive:
        for number, (id_, data) in enumerate(_photos(args.data / PHOTOS)):
            if number == args.limit:
                break
            with Image.open(io.BytesIO(data)) as image:
                photo = Photo(np.asarray(image.convert("RGB")), None, id_, ())
            if is_turned(photo.rgb):
                counts["dropped: turned, with empty corners"] += 1
                continue
            path = maps / f"{id_}.png"
            if not path.exists():
                _write_png(path, teacher.saliency(photo.rgb))
            with Image.open(path) as image:
                saliency = np.asarray(image)
            ids = pseudo_ids(saliency)
            if isinstance(ids, str):
                counts[ids] += 1
                continue
            found, _ = segmenter.segment(photo)
            instances = [
                (i.label.en, i.score, _upscaled(found.mask_logits([i.id]), photo.hw))
                for i in found.instances
            ]
            label = label_of(ids == 1, [] if id_.startswith(LIFELESS) else instances)
            counts[label or "dropped: several or unclear people or animals"] += 1
            if label:
                _add(archive, f"{id_}.webp", data)
                _add(archive, f"{id_}.png", _png(ids))
                rows.append({"source": SOURCE, "id": id_, "labels": [label]})
                tiles.append(tile(np.where(ids[..., None] == 1, photo.rgb, MAGENTA), TILE_WH))
    (args.output / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if tiles:
        shown = tiles[:: -(-len(tiles) // SHOWN)]
        (args.output / SHEET).write_bytes(encode(grid(shown, SHOWN_A_ROW), "jpeg"))
    for name, count in counts.most_common():
        print(f"{count:5d} {name}")


def is_turned(rgb: UInt8) -> bool:
    """Whether a photo (H, W, 3) was turned on a black ground, as some data sets multiply theirs."""
    ends = slice(None, CORNER), slice(-CORNER, None)
    corners = [rgb[rows, columns] for rows in ends for columns in ends]
    return sum(bool((corner <= EMPTY).all()) for corner in corners) > MOST_EMPTY_CORNERS


def pseudo_ids(saliency: UInt8) -> UInt8 | str:
    """Instance ids (H, W) of a map: 0, 1 and 255 where undecided; or why it cannot be trusted.

    Args:
        saliency: uint8 (H, W), 255 where the subject is for certain.
    """
    if ((saliency >= UNDECIDED[0]) & (saliency <= UNDECIDED[1])).mean() > MOST_UNDECIDED:
        return "dropped: undecided"
    mask = (saliency > 127).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    if count > 2 and np.sort(areas)[-2] > MOST_SECOND_PIECE * areas.max():
        return "dropped: several things"
    kept = np.isin(pieces, 1 + np.flatnonzero(areas >= LEAST_PIECE * areas.max(initial=0)))
    if kept.mean() < LEAST_AREA:
        return "dropped: tiny"
    if kept.mean() > MOST_AREA:
        return "dropped: nearly all of the photo"
    border = (saliency >= BORDER[0]) & (saliency <= BORDER[1])
    # Around a piece that was dropped the border is background as well.
    near = cv2.dilate(kept.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return np.where(border & near, IGNORED, kept.astype(np.uint8)).astype(np.uint8)


def label_of(mask: Bool, instances: Instances) -> str | None:
    """What a mask shows, or None where that cannot be told.

    Args:
        mask: bool (H, W).
        instances: label, score and mask of what the present model found in the same photo.
    """
    alive = [
        score
        for label, score, of in instances
        if label != OBJECT and np.count_nonzero(of & mask) > INSIDE * np.count_nonzero(of)
    ]
    if len(alive) > 1 or any(score < SURE for score in alive):
        return None
    same = [(iou(of, mask), label) for label, _, of in instances]
    best, label = max(same, default=(0.0, OBJECT))
    if best >= SAME_IOU:
        return label
    return None if alive else OBJECT


def _photos(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        archive = tarfile.open(path)  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConversionError(
            f"{path} is not there or not a tar file.", f"{path} 不存在或不是 tar 文件。"
        ) from error
    with archive:
        for member in archive:
            if file := archive.extractfile(member):
                yield Path(member.name).stem, file.read()


def _upscaled(logits: Float32, size_hw: tuple[int, int]) -> Bool:
    return np.asarray(cv2.resize(logits, size_hw[::-1], interpolation=cv2.INTER_LINEAR) > 0)


def _png(pixels: UInt8) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def _write_png(path: Path, pixels: UInt8) -> None:
    # A run that is cut short must not leave half a map.
    partial = path.with_suffix(".partial")
    partial.write_bytes(_png(pixels))
    partial.replace(path)


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
