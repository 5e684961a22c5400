"""The command line: python -m segmentation PHOTO ..."""

import io
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segmentation.cli import (
    Wish,
    make_parser,
    parse,
    terminal_language,
    wish_of,
)
from segmentation.compositing.compose import composed_mask
from segmentation.cutout import compute_alpha
from segmentation.each import object_name
from segmentation.errors import ChoiceError, KoutuError, ModelNotFound, PhotoError
from segmentation.filenames import file_extension, targets
from segmentation.i18n import Language, Text
from segmentation.image.read import Photo, read_photo, translate_memory_errors
from segmentation.image.write import encode
from segmentation.inference.hub import get_model
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement, try_refine
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import check_objects, select
from segmentation.recipe import make_file

Report = dict[str, Any]

NOTHING_FOUND = Text(
    "Nothing was found. Try a lower --threshold, for example 0.1.",
    "没有找到物体。可以降低 --threshold，例如 0.1。",
)
NOTHING_CHOSEN = Text(
    "None of the objects found is what --objects asks for; nothing was written. See --list.",
    "找到的物体都不符合 --objects 的要求，未写出文件。可用 --list 查看。",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Cut out photos; 0 all done, 1 some photo failed (the others are done), 2 wrong usage."""
    parser = make_parser()
    args = parse(sys.argv[1:] if argv is None else argv, parser)
    language = terminal_language()
    try:
        card = get_model(args.model, args.engine, args.precision)
        check_objects(args.objects, card.labels)
        wish = wish_of(args)
    except (ChoiceError, PhotoError, ModelNotFound) as error:
        parser.error(error.in_language(language))
    except KoutuError as error:
        print(f"error: {error.in_language(language)}", file=sys.stderr)
        return 1
    segmenter = Segmenter(card, args.engine, args.precision, args.threads)
    try:
        engine, notices = segmenter.open()
    except KoutuError as error:
        print(f"error: {error.in_language(language)}", file=sys.stderr)
        return 1
    for notice in notices:
        print(notice.in_language(language), file=sys.stderr)
    failed = False
    for path, target in targets(args.photos, args.output, wish.recipe.format):
        report: Report = {"photo": str(path), "model": card.name, "device": engine.device}
        try:
            with translate_memory_errors():
                made, said = cut_out(segmenter, path, target, wish)
            report |= made
        except KoutuError as error:
            failed = True
            said = (error.text,)
            report["error"] = error.in_language(language)
        for text in said:
            print(f"{path}: {text.in_language(language)}", file=sys.stderr)
        line = (
            json.dumps(report, ensure_ascii=False) if args.json else _for_people(report, language)
        )
        print(line, flush=True)  # through a pipe as well, as soon as it is there
    segmenter.close()
    return int(failed)


def cut_out(
    segmenter: Segmenter, path: Path, target: Path, wish: Wish
) -> tuple[Report, tuple[Text, ...]]:
    """Bring one photo the whole way, from file to file.

    Args:
        segmenter: finds the objects.
        path: the photo.
        target: the file to write; with one for each object, it gives their folder and stem.
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
    ids = select(segmentation, wish.objects) if segmentation.instances else ()
    report: Report = {
        "instances": [instance.as_json() for instance in segmentation.instances],
        "chosen": ids,
    }
    timings = {"decode": decoded - start, **asdict(stages)}
    notices = photo.notices
    if not segmentation.instances:
        notices += (NOTHING_FOUND,)
    elif not ids and (wish.each or wish.objects != "none"):
        notices += (NOTHING_CHOSEN,)
    elif wish.each and not wish.list_only:
        report["files"] = []
        for instance in (i for i in segmentation.instances if i.id in ids):
            stem = target.stem.removesuffix("_cutout")
            file = target.with_name(object_name(stem, instance, file_extension(wish.recipe.format)))
            made, spent, said = _make(segmenter, photo, segmentation, (instance.id,), file, wish)
            report["files"].append({"id": instance.id, **made})
            notices += said
            timings |= {stage: timings.get(stage, 0) + spent[stage] for stage in spent}
    elif not wish.list_only:
        made, spent, said = _make(segmenter, photo, segmentation, ids, target, wish)
        report |= made
        notices += said
        timings |= spent
    report["timings_ms"] = {stage: round(1000 * seconds, 1) for stage, seconds in timings.items()}
    return report, notices


def _make(
    segmenter: Segmenter,
    photo: Photo,
    segmentation: Segmentation,
    ids: tuple[int, ...],
    target: Path,
    wish: Wish,
) -> tuple[dict[str, str], dict[str, float], tuple[Text, ...]]:
    """Cut out some objects together: files written, seconds each stage took, what to say."""
    look: Refinement | None = None
    notices: tuple[Text, ...] = ()
    if not wish.one_look:
        look, notices = try_refine(segmenter, photo, segmentation, ids)
    recipe = wish.recipe
    start = time.perf_counter()
    alpha = compute_alpha(photo, segmentation, ids, look, recipe.edge)
    matted = time.perf_counter()
    files = {"file": (target, make_file(photo, alpha, recipe))}
    if wish.mask:
        name = target.stem.removesuffix("_cutout") + "_mask.png"
        mask = composed_mask(alpha, recipe.background, recipe.effects, recipe.crop)
        files["mask"] = (target.with_name(name), encode(mask, dpi_xy=photo.dpi_xy))
    for path, data in files.values():
        _write(path, data, wish.inputs)
    spent = {
        "closer": look.seconds if look else 0.0,
        "alpha": matted - start,
        "compose_and_encode": time.perf_counter() - matted,
    }
    return {key: str(path) for key, (path, _) in files.items()}, spent, notices


def _write(path: Path, data: bytes, inputs: Sequence[Path]) -> None:
    """Write a file whole or not at all, and never over what was given to read."""
    if path.exists() and any(given.exists() and path.samefile(given) for given in inputs):
        raise ChoiceError(
            f"{path} is one of the photos given and was not overwritten. Choose another folder "
            "with -o.",
            f"{path} 是给出的照片之一，未覆盖。请用 -o 换一个文件夹。",
        )
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ChoiceError(
            f"{path} cannot be written ({error.strerror}). Choose another folder with -o.",
            f"无法写入 {path}（{error.strerror}）。请用 -o 换一个文件夹。",
        ) from error


def _for_people(report: Report, language: Language) -> str:
    found = report.get("instances", [])
    files = report.get("files", [report] if "file" in report else [])
    lines = [f"{report['photo']} -> {made['file']}" for made in files] or [report["photo"]]
    for instance in found:
        mark = "*" if instance["id"] in report["chosen"] else " "
        label = instance["label_zh" if language == "zh" else "label"]
        lines.append(
            f"{mark}{instance['id']:>3} {label:<12} {instance['score']:.2f} "
            f"{instance['area']:>6.1%} {instance['box_xyxy']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    # A name or label the terminal has no letters for is no reason to stop.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(main())
    except BrokenPipeError:
        # Whoever read the output has enough of it. Python would try to write the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
