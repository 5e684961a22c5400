"""python -m convert.compact teach: masks for unlabelled photos, from a larger network.

The network finds what is salient and the present model labels it; rules drop what either of them is
uncertain of. The rest has the format of the labelled data (see `data`).
"""

import argparse
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from convert.arguments import positive_int
from convert.compact.pseudo_labels import LabelledInstance, is_rotated, label_mask, pseudo_ids
from convert.compact.teacher import Teacher
from convert.measure.image_grid import grid, tile
from segmentation import Photo, Segmenter, encode, find_model
from segmentation.arrays import UInt8
from segmentation.errors import ConversionError

SOURCE = "pseudo"
PHOTOS = "unlabelled.tar"
SHEET, SHEET_PHOTOS, SHEET_COLUMNS = "kept.jpg", 60, 6
TILE_WH = 240, 180
MAGENTA = np.array([255, 0, 255], np.uint8)
# Ids of photos of goods begin with these. The model takes an empty garment for a person.
LIFELESS = ("clothing_", "grocery_")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {PHOTOS}")
    parser.add_argument("--teacher", type=Path, required=True, help="saliency network as ONNX")
    parser.add_argument("--model", default="compact", help="labels the subjects")
    parser.add_argument("--threads", type=int, default=0, help="default: all cores")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="only the first N photos")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help=f"folder for {SOURCE}.tar and index.jsonl"
    )


def run(args: argparse.Namespace) -> None:
    """Write the masks that can be trusted, and print the number of dropped photos by reason.

    `kept.jpg` shows some of the kept photos, to be checked before anything learns from them. The
    saliency maps stay in `maps/` of the output folder and are used again by the next run.

    Raises:
        ConversionError: the teacher or the photos cannot be opened.
        KoutuError: the model cannot be used.
        OSError: the output folder cannot be written.
    """
    maps = args.output / "maps"
    maps.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(args.teacher, threads=args.threads)
    segmenter = Segmenter(find_model(args.model), threads=args.threads)
    counts: Counter[str] = Counter()
    rows, tiles = [], []
    with tarfile.open(args.output / f"{SOURCE}.tar", "w") as archive:
        for id_, data in islice(_read_photos(args.data / PHOTOS), args.limit):
            with Image.open(io.BytesIO(data)) as image:
                photo = Photo(np.asarray(image.convert("RGB")), None, id_, ())
            labelled = _pseudo_label(photo, teacher, segmenter, maps)
            if isinstance(labelled, str):
                counts[labelled] += 1
                continue
            ids, label = labelled
            counts[label] += 1
            _add(archive, f"{id_}.webp", data)
            _add(archive, f"{id_}.png", _png(ids))
            rows.append({"source": SOURCE, "id": id_, "labels": [label]})
            tiles.append(tile(np.where(ids[..., None] == 1, photo.rgb, MAGENTA), TILE_WH))
    (args.output / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if tiles:
        (args.output / SHEET).write_bytes(encode(_sheet(tiles), "jpeg"))
    for name, count in counts.most_common():
        print(f"{count:5d} {name}")


def _pseudo_label(
    photo: Photo, teacher: Teacher, segmenter: Segmenter, maps: Path
) -> tuple[UInt8, str] | str:
    """Instance ids (H, W) and the label of a photo, or the reason to drop it."""
    if is_rotated(photo.rgb):
        return "dropped: rotated, with empty corners"
    ids = pseudo_ids(_saliency(photo, teacher, maps))
    if isinstance(ids, str):
        return ids
    is_lifeless = photo.stem.startswith(LIFELESS)
    instances = () if is_lifeless else tuple(_instances(photo, segmenter))
    label = label_mask(ids == 1, instances)
    return (ids, label) if label else "dropped: several or uncertain people or animals"


def _saliency(photo: Photo, teacher: Teacher, maps: Path) -> UInt8:
    """The teacher's map uint8 (H, W), from the folder of maps if it is there."""
    path = maps / f"{photo.stem}.png"
    if not path.exists():
        # A run that is cut short must not leave half a map.
        partial = path.with_suffix(".partial")
        partial.write_bytes(_png(teacher.saliency(photo.rgb)))
        partial.replace(path)
    with Image.open(path) as image:
        return np.asarray(image)


def _instances(photo: Photo, segmenter: Segmenter) -> Iterator[LabelledInstance]:
    segmentation, _ = segmenter.segment(photo)
    size_wh = photo.hw[1], photo.hw[0]
    for instance in segmentation.instances:
        logits = segmentation.mask_logits([instance.id])
        upscaled = cv2.resize(logits, size_wh, interpolation=cv2.INTER_LINEAR)
        yield LabelledInstance(instance.label.en, instance.score, np.asarray(upscaled > 0))


def _sheet(tiles: Sequence[UInt8]) -> UInt8:
    """Up to SHEET_PHOTOS of the tiles, evenly spread over all of them."""
    step = -(-len(tiles) // SHEET_PHOTOS)
    return grid(tiles[::step], SHEET_COLUMNS)


def _read_photos(path: Path) -> Iterator[tuple[str, bytes]]:
    """The id and the file content of each photo.

    Raises:
        ConversionError: the file is missing or not a tar file.
    """
    try:
        archive = tarfile.open(path)  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConversionError(
            f"{path} is missing or not a tar file. Put the photos there as ID.webp.",
            f"{path} 不存在或不是 tar 文件。请将照片以 ID.webp 的名称打包到该文件。",
        ) from error
    with archive:
        for member in archive:
            if file := archive.extractfile(member):
                yield Path(member.name).stem, file.read()


def _png(pixels: UInt8) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
