"""The command line's flags, and their translation to `CutoutOptions`."""

import argparse
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2

from segmentation.compositing.backgrounds import BACKGROUND_SYNTAXES, FITS, parse_background
from segmentation.compositing.crop import CROPS
from segmentation.compositing.strokes import are_points
from segmentation.cutout import CutoutOptions
from segmentation.engines.registry import EngineChoice, check_engine_choice, engine_choices
from segmentation.errors import ChoiceError
from segmentation.filenames import STREAM, argument_path, check_output, output_format
from segmentation.i18n import Language, join_choices
from segmentation.image.formats import OUTPUT_FORMATS, find_format
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.inference.select import OBJECT_RULES
from segmentation.text_options import TextOptions

# Flags with an optional value: the pattern of a value, and the default. argparse alone would read
# a photo that follows such a flag as its value.
OPTIONAL_VALUES = {
    "--crop": ("|".join(CROPS), "subject"),
    "--outline": (r"[\d.]+,#?\w+", "1.2,#FFFFFF"),
}


def parse(argv: Sequence[str], parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse arguments, with the default of each flag whose value is left out."""
    completed: list[str] = []
    for argument, following in pairwise([*argv, ""]):
        pattern, value = OPTIONAL_VALUES.get(argument, ("", ""))
        lacks_value = argument in OPTIONAL_VALUES and not re.fullmatch(pattern, following, re.I)
        completed.append(f"{argument}={value}" if lacks_value else argument)
    return parser.parse_args(completed)


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
        format=format_,
        quality=args.quality,
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
    """Raise ChoiceError for a word that is no kind of background and no file either."""
    if Path(text).suffix or len(Path(text).parts) != 1 or os.path.exists(text):  # noqa: PTH110
        return  # a path; the reader says what is wrong with it
    choices = join_choices([*BACKGROUND_SYNTAXES, "white"])
    raise ChoiceError(
        f"There is no background {text!r} and no file of this name. Choose {choices.en} (or "
        "another colour name of CSS), or give the file of a photo.",
        f"没有背景 {text!r}，也没有同名文件。可选 {choices.zh}（或其他 CSS 颜色名），"
        "也可以给出照片文件。",
    )


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


def make_parser() -> argparse.ArgumentParser:
    """Build the parser: the flags and their help."""
    parser = argparse.ArgumentParser(
        prog="python -m segmentation",
        description="Cut objects out of photos. The result of each photo is printed to stdout as "
        "soon as it is done, warnings go to stderr.",
        epilog="Exit code: 0 all done, 1 some photo failed (the others are done), 2 wrong usage.",
    )
    parser.add_argument(
        "photos",
        nargs="+",
        type=argument_path,
        metavar="PHOTO",
        help="a photo, a folder of photos, a pattern such as *.jpg, or - for stdin",
    )
    parser.add_argument(
        "--recursive", action="store_true", help="take the photos in the folders of folders as well"
    )
    _add_model_flags(parser)
    _add_cutout_flags(parser)
    add = parser.add_argument
    add("--mask", action="store_true", help="write the mask as well, as <stem>_mask.png")
    add("--json", action="store_true", help="one JSON object for each photo on stdout")
    add("--list", action="store_true", help="list the objects found and write nothing")
    return parser


def _add_model_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("finding objects").add_argument
    add(
        "--model",
        default="compact",
        help="bundled name, model folder, or hf:OWNER/NAME[@REVISION] (default: compact)",
    )
    add("--engine", type=engine, default="auto", help=f"{engine_choices()} (default: auto)")
    add("--precision", help="of the artifact, such as fp32 or int8 (default: the card's first)")
    add("--threads", type=count, default=0, help="for onnxruntime and OpenCV (default: all)")
    add(
        "--objects",
        default="auto",
        help=f"{', '.join(OBJECT_RULES)}; labels such as dog,cat; numbers such as 1,3; or "
        "at:X,Y, what a click there would choose (default: auto)",
    )
    add("--threshold", type=score, help="least score of an object, 0..1 (default: the model's)")
    add("--one-look", action="store_true", help="no second, closer look at the chosen objects")


def _add_cutout_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the cut-out").add_argument
    formats = OUTPUT_FORMATS.values()
    extensions = join_choices([format_.extensions[0] for format_ in formats])
    with_quality = join_choices([format_.name for format_ in formats if format_.has_quality])
    add(
        "-o",
        "--output",
        type=argument_path,
        default=Path(),
        help=f"folder, a {extensions.en} file for one photo, or - for stdout",
    )
    add("--format", type=format_name, choices=OUTPUT_FORMATS, help="default: as -o ends, else png")
    add(
        "--quality",
        type=count,
        help=f"of {with_quality.en}, 1..100; webp is lossless at 100",
    )
    add("--each", action="store_true", help="every object as a file, <stem>_<number>_<label>.png")
    add(
        "--background",
        default="transparent",
        help=f"{', '.join(BACKGROUND_SYNTAXES)}, a colour name of CSS, or a photo "
        "(default: transparent)",
    )
    add("--fit", type=str.lower, choices=FITS, default="cover", help="of a background photo")
    add(
        "--place",
        metavar="SCALE,X,Y",
        help="put the objects into the background photo, which keeps its size: at scale 1 they "
        "just fit; X and Y, 0..1, are their middle",
    )
    for mode, text in (("keep", "belongs to the cut-out"), ("erase", "does not belong to it")):
        add(
            f"--{mode}",
            metavar="X,Y[,RADIUS];...",
            help=f"brush strokes: what is under them {text}; or a mask file (white keeps, black "
            "erases, grey changes nothing)",
        )
    add("--softness", type=float, default=0, help="of the edge, -1 (hard) to 1 (soft)")
    add("--grow", type=float, default=0, help="the edge by thousandths of the photo, -20 to 20")
    add("--fine-hair", action="store_true", help="look for strands outside the outline")
    add("--shadow", action="store_true", help="a soft shadow under the objects")
    add(
        "--outline",
        metavar="[WIDTH,#RRGGBB]",
        help="a line around the objects; width in percent of their longer side",
    )
    add(
        "--crop",
        metavar=f"[{'|'.join(CROPS)}]",
        type=str.lower,
        choices=CROPS,
        help="crop to the subject with a margin (default), or to a square or 3:4 around it",
    )


def score(text: str) -> float:
    """Parse a number from 0 to 1, as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not 0 <= (value := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def count(text: str) -> int:
    """Parse a whole number that is not negative, as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if (value := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value


def format_name(text: str) -> str:
    """Turn a format's name or extension, in any case, into its name, as a type of argparse.

    Returns:
        The name; the text itself if there is no such format.
    """
    try:
        return find_format(text).name
    except ChoiceError:
        return text  # argparse lists the choices


def engine(text: str) -> EngineChoice:
    """Parse an engine's name or the address of replicas, as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return check_engine_choice(text if "://" in text else text.lower())
    except ChoiceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
