"""The command line: python -m segmentation PHOTO ..."""

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.choose import RULES, check_wish, choose
from segmentation.closer import alpha_of, look_closer
from segmentation.compose import (
    Background,
    Blurred,
    Picture,
    Transparent,
    compose,
    crop_to_subject,
    parse_colour,
)
from segmentation.errors import ChoiceError, KoutuError
from segmentation.instances import Instance
from segmentation.models import find_model
from segmentation.photo import Photo, encode, read_photo, safe_stem
from segmentation.segmenter import Segmenter
from segmentation.text import Language, Text

Report = dict[str, Any]

# What a name for the result must not promise.
OTHER_FORMATS = (".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".heic")

NOTHING_FOUND = Text(
    "Nothing was found. Try a lower --threshold, for example 0.1.",
    "没有找到物体。可以降低 --threshold，例如 0.1。",
)
NOTHING_CHOSEN = Text(
    "None of the objects found is what --objects asks for; nothing was written. See --list.",
    "找到的物体都不符合 --objects 的要求，未写出文件。可用 --list 查看。",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What to make of each photo, as the command line says it."""

    objects: str
    background: Background
    threshold: float | None
    crop: bool
    mask: bool
    list_only: bool
    one_look: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Cut out photos; 0 all done, 1 some photo failed (the others are done), 2 wrong usage."""
    parser = _parser()
    args = parser.parse_args(argv)
    language = terminal_language()
    try:
        card = find_model(args.model)
        check_wish(args.objects, card.labels)
        check_output(args.output, args.photos)
        background = parse_background(args.background)
    except KoutuError as error:
        parser.error(error.in_language(language))
    wish = Wish(
        args.objects, background, args.threshold, args.crop, args.mask, args.list, args.one_look
    )
    segmenter = Segmenter(card, args.engine, args.precision, args.threads)
    try:
        engine, notices = segmenter.open()
    except KoutuError as error:
        print(f"error: {error.in_language(language)}", file=sys.stderr)
        return 1
    for notice in notices:
        print(notice.in_language(language), file=sys.stderr)
    failed = False
    for path, target in targets(args.photos, args.output):
        report: Report = {"photo": str(path), "model": card.name, "device": engine.device}
        try:
            made, said = cut_out(segmenter, path, target, wish)
            report |= made
        except KoutuError as error:
            failed = True
            said = (error.text,)
            report["error"] = error.in_language(language)
        for text in said:
            print(f"{path}: {text.in_language(language)}", file=sys.stderr)
        print(
            json.dumps(report, ensure_ascii=False) if args.json else _for_people(report, language)
        )
    segmenter.close()
    return int(failed)


def cut_out(
    segmenter: Segmenter, path: Path, target: Path, wish: Wish
) -> tuple[Report, tuple[Text, ...]]:
    """Bring one photo the whole way, from file to file.

    Args:
        segmenter: finds the objects.
        path: the photo.
        target: the file to write.
        wish: what to make of it.

    Returns:
        What was found and made, as JSON knows it, and what a person should be told.

    Raises:
        PhotoError, ChoiceError, InferenceFailed: this photo could not be brought through.
    """
    start = time.perf_counter()
    photo = read_photo(path)
    decoded = time.perf_counter()
    segmentation, stages = segmenter.segment(photo, wish.threshold)
    ids = choose(segmentation, wish.objects) if segmentation.instances else ()
    report: Report = {
        "instances": [_fields(instance) for instance in segmentation.instances],
        "chosen": ids,
    }
    timings = {"decode": decoded - start, **asdict(stages)}
    notices = photo.notices
    if not segmentation.instances:
        notices += (NOTHING_FOUND,)
    elif not ids and wish.objects != "none":
        notices += (NOTHING_CHOSEN,)
    elif not wish.list_only:
        look = None if wish.one_look else look_closer(segmenter, photo, segmentation, ids)
        timings["closer"] = look.seconds if look else 0.0
        before = time.perf_counter()
        alpha = alpha_of(photo, segmentation, ids, look)
        matted = time.perf_counter()
        report |= _write(photo, alpha, target, wish)
        timings |= {"alpha": matted - before, "compose_and_encode": time.perf_counter() - matted}
    report["timings_ms"] = {stage: round(1000 * seconds, 1) for stage, seconds in timings.items()}
    return report, notices


def check_output(output: Path, photos: Sequence[Path]) -> None:
    """Refuse an output that would not be what its name says.

    Raises:
        ChoiceError: a file of another format than PNG, or one file for several photos.
    """
    if output.is_dir():
        return
    if output.suffix.lower() in OTHER_FORMATS:
        raise ChoiceError(
            f"Cut-outs are PNG files: name {output.name} .png, or give a folder.",
            f"抠图结果是 PNG 文件：请把 {output.name} 改为 .png，或给出文件夹。",
        )
    if output.suffix.lower() == ".png" and len(photos) > 1:
        raise ChoiceError(
            f"{len(photos)} photos do not fit into one file {output.name}. Give a folder.",
            f"{len(photos)} 张照片不能写入同一个文件 {output.name}。请给出文件夹。",
        )


def targets(photos: Sequence[Path], output: Path) -> Iterator[tuple[Path, Path]]:
    """Each photo with the file to write for it; no two photos share one.

    Args:
        photos: the photos, in order.
        output: a PNG file for a single photo, or a folder, made when it is first needed.
    """
    if output.suffix.lower() == ".png" and not output.is_dir():
        yield photos[0], output
        return
    taken: set[str] = set()
    for photo in photos:
        stem = first = safe_stem(photo.name)
        number = 2
        while stem.casefold() in taken:  # some file systems take A and a for one
            stem, number = f"{first}_{number}", number + 1
        taken.add(stem.casefold())
        yield photo, output / f"{stem}_cutout.png"


def parse_background(text: str) -> Background:
    """The background that --background names.

    Raises:
        ChoiceError: it is neither a word it knows, nor a colour, nor a photo.
    """
    match text:
        case "transparent":
            return Transparent()
        case "blur":
            return Blurred()
        case _ if text.startswith("#"):
            return parse_colour(text)
        case _:
            return Picture(read_photo(Path(text)))


def terminal_language() -> Language:
    """The language of the shell's locale, by the order POSIX gives its variables."""
    locale = next((os.environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if os.getenv(n)), "")
    return "zh" if locale.startswith("zh") else "en"


def _write(photo: Photo, alpha: npt.NDArray[np.uint8], target: Path, wish: Wish) -> Report:
    image = compose(photo, alpha, wish.background)
    fitted = partial(crop_to_subject, alpha=alpha) if wish.crop else lambda whole: whole
    files = {"file": (target, image)}
    if wish.mask:
        name = target.stem.removesuffix("_cutout") + "_mask.png"
        files["mask"] = (target.with_name(name), alpha)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for path, content in files.values():
            path.write_bytes(encode(fitted(content)))
    except OSError as error:
        raise ChoiceError(
            f"{target} cannot be written ({error.strerror}). Choose another folder with -o.",
            f"无法写入 {target}（{error.strerror}）。请用 -o 换一个文件夹。",
        ) from error
    return {key: str(path) for key, (path, _) in files.items()}


def _fields(instance: Instance) -> Report:
    return {
        "id": instance.id,
        "label": instance.label.en,
        "label_zh": instance.label.zh,
        "score": round(instance.score, 4),
        "box_xyxy": instance.box_xyxy,
        "area": round(instance.area, 5),
    }


def _for_people(report: Report, language: Language) -> str:
    found = report.get("instances", [])
    lines = [f"{report['photo']} -> {report['file']}" if "file" in report else report["photo"]]
    for instance in found:
        mark = "*" if instance["id"] in report["chosen"] else " "
        label = instance["label_zh" if language == "zh" else "label"]
        lines.append(
            f"{mark}{instance['id']:>3} {label:<12} {instance['score']:.2f} "
            f"{instance['area']:>6.1%} {instance['box_xyxy']}"
        )
    return "\n".join(lines)


def _share(text: str) -> float:
    if not 0 <= (value := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _count(text: str) -> int:
    if (value := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m segmentation",
        description="Cut objects out of photos. Progress and warnings go to stderr.",
        epilog="Exit code: 0 all done, 1 some photo failed (the others are done), 2 wrong usage.",
    )
    add = parser.add_argument
    add("photos", nargs="+", type=Path, metavar="PHOTO")
    add("-o", "--output", type=Path, default=Path(), help="folder, or a .png file for one photo")
    add("--model", default="compact", help="bundled name or model folder (default: compact)")
    add("--engine", choices=("auto", "onnx", "ascend"), default="auto")
    add("--precision", help="of the artifact, such as fp32 or int8 (default: the card's first)")
    add("--threads", type=_count, default=0, help="for onnxruntime (default: all cores)")
    add(
        "--objects",
        default="auto",
        help=f"{', '.join(RULES)}; labels such as dog,cat; or numbers such as 1,3 (default: auto)",
    )
    add("--threshold", type=_share, help="least score of an object, 0..1 (default: the model's)")
    add(
        "--background",
        default="transparent",
        help="transparent, #RRGGBB, blur, or a photo (default: transparent)",
    )
    add("--one-look", action="store_true", help="no second look at objects small in the frame")
    add("--crop", action="store_true", help="crop to the subject, with a margin")
    add("--mask", action="store_true", help="write the mask as well, as <stem>_mask.png")
    add("--json", action="store_true", help="one JSON object for each photo on stdout")
    add("--list", action="store_true", help="list the objects found and write nothing")
    return parser


if __name__ == "__main__":
    # A name or label the terminal has no letters for is no reason to stop.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
