"""Translation of parsed arguments to `CutoutOptions`, and what else the command line sets."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

import cv2

from segmentation.compositing.backgrounds import BACKGROUND_SYNTAXES, parse_background
from segmentation.compositing.strokes import are_points
from segmentation.cutout import CutoutOptions
from segmentation.errors import ChoiceError
from segmentation.filenames import STREAM, check_output, output_format
from segmentation.i18n import Language, join_choices
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.parallel.cores import CoreShares, available_cores
from segmentation.text_options import TextOptions


def cutout_options(args: argparse.Namespace) -> CutoutOptions:
    """Translate parsed arguments.

    Raises:
        ChoiceError: a value is invalid, or two values contradict each other.
        PhotoError: the background photo or a mask file cannot be read.
    """
    check_output(args.output, args.photos, args.each)
    if args.output == STREAM and args.mask:
        raise ChoiceError(
            "-o - writes one file to stdout. Leave --mask out, or give a folder.",
            "-o - 只向标准输出写一个文件。请去掉 --mask，或改用文件夹。",
        )
    if args.photos.count(STREAM) > 1:
        raise ChoiceError(
            "stdin holds one photo. Give - once.", "标准输入只有一张照片，- 只能写一次。"
        )
    format_ = output_format(args.output, args.format)
    is_photo = parse_background(args.background) is None
    if is_photo:
        _check_backdrop(args.background)
    if args.fit != "cover" and not is_photo:
        raise ChoiceError(
            "--fit is for a background photo: --background FILE.",
            "--fit 只用于背景照片：--background 文件。",
        )
    options = TextOptions(
        objects=args.objects,
        keep=args.keep if args.keep and are_points(args.keep) else None,
        erase=args.erase if args.erase and are_points(args.erase) else None,
        background="transparent" if is_photo else args.background,
        fit=args.fit,
        place=args.place,
        softness=args.softness,
        grow=args.grow,
        fine_hair=args.fine_hair,
        outline=args.outline,
        shadow=args.shadow,
        crop=args.crop,
        size=args.size,
        longest=args.longest,
        id=args.id,
        margin=args.margin,
        dpi=args.dpi,
        sheet=args.sheet,
        format=format_,
        quality=args.quality,
        max_kb=args.max_kb,
        threshold=args.threshold,
        one_look=args.one_look,
        prefix="--",
    )
    backdrop: Photo | None = read_photo(Path(args.background)) if is_photo else None
    masks = [read_photo(path) for path in mask_paths(args)]
    return options.to_cutout_options(backdrop, masks)


def mask_paths(args: argparse.Namespace) -> list[Path]:
    """The mask files that --keep and --erase name."""
    texts = [text for text in (args.keep, args.erase) if text and not are_points(text)]
    return [Path(text) for text in dict.fromkeys(texts)]


def _check_backdrop(text: str) -> None:
    """Raise ChoiceError for a word that is neither a kind of background nor a file."""
    if Path(text).suffix or len(Path(text).parts) != 1 or os.path.exists(text):  # noqa: PTH110
        return  # a path; the reader says what is wrong with it
    choices = join_choices([*BACKGROUND_SYNTAXES, "white"])
    raise ChoiceError(
        f"There is no background {text!r} and no file of this name. Choose {choices.en} (or "
        "another colour name of CSS), or give the file of a photo.",
        f"没有背景 {text!r}，也没有同名文件。可选 {choices.zh}（或其他 CSS 颜色名），"
        "也可以给出照片文件。",
    )


def share_cores(photos: int, threads: int, jobs: int) -> CoreShares:
    """Divide the cores that this process may use among photos, see `CoreShares.of`.

    Returns:
        The shares. Threads are 0, which leaves their number to the libraries, if one photo has the
        whole machine: onnxruntime then takes one thread for each physical core.
    """
    shares = CoreShares.of(photos, available_cores(), threads, jobs)
    has_machine = not threads and shares.threads == os.cpu_count()
    return replace(shares, threads=0) if has_machine else shares


def limit_threads(threads: int) -> None:
    """Limit the threads that OpenCV uses in this process.

    Args:
        threads: the value of --threads; 0 keeps all cores.
    """
    if threads:
        cv2.setNumThreads(threads)


def terminal_language() -> Language:
    """Return the language of the shell's locale; the variables are in POSIX's order."""
    locale = next((os.environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if os.getenv(n)), "")
    return "zh" if locale.startswith("zh") else "en"
