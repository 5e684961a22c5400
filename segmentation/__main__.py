"""The command line: python -m segmentation PHOTO ..."""

import io
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segmentation.cli.options import (
    cutout_options,
    limit_threads,
    mask_paths,
    share_cores,
    terminal_language,
)
from segmentation.cli.parser import make_parser, parse
from segmentation.cutout import CutoutOptions, refine_and_cut_out
from segmentation.errors import ChoiceError, KoutuError, ModelNotFound, PhotoError
from segmentation.filenames import (
    STREAM,
    expand_photos,
    is_folder,
    object_filename,
    output_paths,
    printable,
)
from segmentation.i18n import Language, Text
from segmentation.image.bounded.pool import decoder_pool
from segmentation.image.memory_errors import translate_memory_errors
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.image.write import encode
from segmentation.inference.hub import get_model
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import check_objects, segment_and_select
from segmentation.parallel.overlap import map_overlapping

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
    """Cut out photos. Returns 0 if all are done, 1 if some failed, 2 for wrong usage."""
    parser = make_parser()
    args = parse(sys.argv[1:] if argv is None else argv, parser)
    args.photos = expand_photos(args.photos, args.recursive)
    language = terminal_language()
    try:
        card = get_model(args.model, args.engine, args.precision)
        check_objects(args.objects, card.object_labels)
        options = cutout_options(args)
        _check_terminal(args)
    except (ChoiceError, PhotoError, ModelNotFound) as error:
        parser.error(error.in_language(language))
    except KoutuError as error:
        print(f"error: {error.in_language(language)}", file=sys.stderr)
        return 1
    shares = share_cores(len(args.photos), args.threads, args.jobs)
    limit_threads(shares.threads)
    # With one photo, nothing else runs beside the model.
    spin = len(args.photos) == 1
    decoder_pool().warm_up()  # while the model loads
    segmenter = Segmenter(card, args.engine, args.precision, shares.threads, spin)
    try:
        engine, engine_notices = segmenter.open()
    except KoutuError as error:
        print(f"error: {error.in_language(language)}", file=sys.stderr)
        return 1
    for notice in engine_notices:
        print(notice.in_language(language), file=sys.stderr)
    failed = False
    at_once = shares.jobs
    if not (engine.computes_on_host or args.jobs):
        # A device of its own leaves the host free to prepare one more photo for each.
        at_once = max(at_once, 2 * engine.max_concurrency)
    jobs = output_paths(args.photos, args.output, options.format)
    for (path, _), (report, notices) in map_overlapping(
        lambda job: _process(segmenter, *job, options, args), jobs, at_once
    ):
        failed = failed or "error" in report
        for notice in notices:
            print(printable(f"{path}: {notice.in_language(language)}"), file=sys.stderr)
        if "error" in report:
            report["error"] = report["error"].in_language(language)
        line = json.dumps(report, ensure_ascii=False) if args.json else _format(report, language)
        # With -o -, stdout is the file.
        print(
            line, flush=True, file=sys.stderr if args.output == STREAM else sys.stdout
        )  # through a pipe too, as soon as the photo is done
    segmenter.close()
    return int(failed)


def _process(
    segmenter: Segmenter, path: Path, target: Path, options: CutoutOptions, args: Namespace
) -> tuple[Report, tuple[Text, ...]]:
    """Process one photo.

    Returns:
        What was found and written, ready for JSON but for the `Text` of an error; and what a person
        should know.
    """
    report: Report = {"photo": str(path), "model": segmenter.card.name, "device": segmenter.device}
    try:
        with translate_memory_errors():
            processed, notices = _cut_out(segmenter, path, target, options, args)
    except KoutuError as error:
        return report | {"error": error.text}, (error.text,)
    return report | processed, notices


def _cut_out(
    segmenter: Segmenter, path: Path, target: Path, options: CutoutOptions, args: Namespace
) -> tuple[Report, tuple[Text, ...]]:
    """Find the objects of one photo and write the files asked for; values as of `_process`.

    Raises:
        PhotoError, ChoiceError, InferenceFailed: this photo cannot be processed.
    """
    start = time.perf_counter()
    photo = _read(path)
    decode_seconds = time.perf_counter() - start
    segmentation, ids, stages = segment_and_select(
        segmenter, photo, options.objects, options.min_score
    )
    seconds = {"decode": decode_seconds, **asdict(stages)}
    notices = photo.notices
    if options.strokes and not args.each:
        pass  # the strokes alone make a cut-out
    elif not segmentation.instances:
        notices += (NOTHING_FOUND,)
    elif not ids and (args.each or options.objects != "none"):
        notices += (NOTHING_CHOSEN,)
    files: list[Report] = []
    for file_ids, file in _files(segmentation, ids, target, options, args):
        start = time.perf_counter()
        cutout = refine_and_cut_out(segmenter, photo, segmentation, file_ids, options)
        written = {"file": file, "mask": _mask_path(file)} if args.mask else {"file": file}
        _write(file, cutout.encode(), args)
        if args.mask:
            _write(written["mask"], encode(cutout.mask, dpi_xy=cutout.dpi_xy), args)
        files.append({name: str(path) for name, path in written.items()})
        notices += cutout.notices
        stages_here = {"closer": cutout.refine_seconds, "alpha": cutout.alpha_seconds}
        spent = time.perf_counter() - start - sum(stages_here.values())
        for stage, value in (*stages_here.items(), ("compose_and_encode", spent)):
            seconds[stage] = seconds.get(stage, 0.0) + value
    report: Report = {
        "instances": [instance.as_json() for instance in segmentation.instances],
        "chosen": ids,
        "timings_ms": {stage: round(1000 * value, 1) for stage, value in seconds.items()},
    }
    if args.each and not args.list and ids:
        report["files"] = [{"id": id_, **file} for id_, file in zip(ids, files, strict=True)]
    elif files:
        report |= files[0]
    return report, notices


def _read(path: Path) -> Photo:
    """Read a photo, or stdin; errors as of `read_photo`."""
    if is_folder(path):
        raise PhotoError(
            f"{path} has no photos in it. Choose another folder, or add --recursive.",
            f"{path} 中没有照片。请换一个文件夹，或加上 --recursive。",
        )
    return read_photo(sys.stdin.buffer if path == STREAM else path)


def _check_terminal(args: Namespace) -> None:
    if args.output == STREAM and not args.list and sys.stdout.isatty():
        raise ChoiceError(
            "-o - would write an image to the terminal. Redirect it: -o - > cutout.png",
            "-o - 会把图像写到终端。请重定向：-o - > cutout.png",
        )


def _files(
    segmentation: Segmentation,
    ids: tuple[int, ...],
    target: Path,
    options: CutoutOptions,
    args: Namespace,
) -> Iterator[tuple[Collection[int], Path]]:
    """Yield the ids that go into each file to write, and its path."""
    if args.list or not (segmentation.instances or options.strokes):
        return
    if not args.each:
        if ids or options.strokes or options.objects == "none":
            yield ids, target
        return
    stem = target.stem.removesuffix("_cutout")
    for instance in segmentation.instances:
        if instance.id in ids:
            yield (instance.id,), target.with_name(object_filename(stem, instance, options.format))


def _mask_path(file: Path) -> Path:
    return file.with_name(file.stem.removesuffix("_cutout") + "_mask.png")


def _write(path: Path, data: bytes, args: Namespace) -> None:
    """Write a file completely or not at all, and never over a file that was given to read.

    The path `STREAM` stands for stdout.
    """
    if path == STREAM:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    inputs = (*args.photos, Path(args.background), *mask_paths(args))
    if path.exists() and any(source.exists() and path.samefile(source) for source in inputs):
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


def _format(report: Report, language: Language) -> str:
    """Format a report for people: a line for each file, then one for each object."""
    instances = report.get("instances", [])
    files = report.get("files", [report] if "file" in report else [])
    lines = [printable(f"{report['photo']} -> {file['file']}") for file in files]
    lines = lines or [printable(report["photo"])]
    for instance in instances:
        mark = "*" if instance["id"] in report["chosen"] else " "
        label = instance["label_zh" if language == "zh" else "label"]
        lines.append(
            f"{mark}{instance['id']:>3} {label:<12} {instance['score']:.2f} "
            f"{instance['area']:>6.1%} {instance['box_xyxy']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    # A name that the terminal cannot encode must not stop the run.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(main())
    except BrokenPipeError:
        # The reader closed the pipe. Python would try to write the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
