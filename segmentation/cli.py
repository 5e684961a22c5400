"""The command line's flags, and their translation to `CutoutOptions`."""

import argparse
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from segmentation.compositing.backgrounds import BACKGROUND_SYNTAXES, FITS, parse_background
from segmentation.compositing.crop import CROPS
from segmentation.compositing.sizing.presets import ID_SIZES, SHOP_SIZES
from segmentation.compositing.sizing.size import DEFAULT_DPI, DEFAULT_MARGIN
from segmentation.cutout import CutoutOptions
from segmentation.engines.registry import EngineChoice, check_engine_choice, engine_choices
from segmentation.errors import ChoiceError
from segmentation.filenames import check_output, output_format
from segmentation.i18n import Language, join_choices
from segmentation.image.formats import OUTPUT_FORMATS
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.inference.select import OBJECT_RULES
from segmentation.text_options import TextOptions

# Flags whose value is optional: the pattern of a value, and the default. argparse alone would take
# a photo that follows such a flag for its value.
OPTIONAL_VALUES = {
    "--crop": ("|".join(CROPS), "subject"),
    "--outline": (r"[\d.]+,#?\w+", "1.2,#FFFFFF"),
}


def parse(argv: Sequence[str], parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse arguments, with the default of each flag whose value is left out."""
    completed: list[str] = []
    for argument, following in pairwise([*argv, ""]):
        pattern, value = OPTIONAL_VALUES.get(argument, ("", ""))
        lacks_value = argument in OPTIONAL_VALUES and not re.fullmatch(pattern, following)
        completed.append(f"{argument}={value}" if lacks_value else argument)
    return parser.parse_args(completed)


def cutout_options(args: argparse.Namespace) -> CutoutOptions:
    """Translate parsed arguments.

    Raises:
        ChoiceError: a value is invalid, or two values contradict each other.
        PhotoError: the background photo cannot be read.
    """
    check_output(args.output, args.photos, args.each)
    format_ = output_format(args.output, args.format)
    is_photo = parse_background(args.background) is None
    if args.fit != "cover" and not is_photo:
        raise ChoiceError(
            "--fit is for a background photo: --background FILE.",
            "--fit 只用于背景照片：--background 文件。",
        )
    options = TextOptions(
        objects=args.objects,
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
    return options.to_cutout_options(backdrop)


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
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    _add_model_flags(parser)
    _add_cutout_flags(parser)
    _add_size_flags(parser)
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
    add("--threads", type=count, default=0, help="for onnxruntime (default: all cores)")
    add(
        "--objects",
        default="auto",
        help=f"{', '.join(OBJECT_RULES)}; labels such as dog,cat; or numbers such as 1,3 "
        "(default: auto)",
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
        type=Path,
        default=Path(),
        help=f"folder, or a {extensions.en} file for one photo",
    )
    add("--format", choices=OUTPUT_FORMATS, help="default: as -o ends, else png")
    add(
        "--quality",
        type=count,
        help=f"of {with_quality.en}, 1..100; webp is lossless at 100",
    )
    add("--each", action="store_true", help="every object as a file, <stem>_<number>_<label>.png")
    add(
        "--background",
        default="transparent",
        help=f"{', '.join(BACKGROUND_SYNTAXES)}, or a photo (default: transparent)",
    )
    add("--fit", choices=FITS, default="cover", help="of a background photo")
    add(
        "--place",
        metavar="SCALE,X,Y",
        help="put the objects into the background photo, which keeps its size: at scale 1 they "
        "just fit; X and Y, 0..1, are their middle",
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
        choices=CROPS,
        help="crop to the subject with a margin (default), or to a square or 3:4 around it",
    )


def _add_size_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the size").add_argument
    add(
        "--size",
        metavar="WxH",
        help=f"exactly, such as 295x413, 35x45mm or 2x2in, with the subject in the middle; or "
        f"{', '.join(SHOP_SIZES)}",
    )
    add("--longest", type=count, metavar="PIXELS", help="of the longer side")
    add("--id", choices=ID_SIZES, help="an ID photo: head and shoulders in a format's size")
    add(
        "--margin",
        type=percent,
        help=f"around the subject of --size (default: {DEFAULT_MARGIN:.0%})".replace("%", "%%"),
    )
    add("--dpi", type=float, help=f"written into the file (for mm and in: {DEFAULT_DPI})")
    add("--max-kb", type=float, metavar="KB", help="the largest file: the best quality that fits")
    add(
        "--sheet",
        action="store_true",
        help="a sheet of 6-inch paper full of copies of --id or --size",
    )


def percent(text: str) -> float:
    """Parse a percentage with or without its sign, as a type of argparse.

    Raises:
        ValueError: it is none.
    """
    return float(text.removesuffix("%"))


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


def engine(text: str) -> EngineChoice:
    """Parse an engine's name or the address of replicas, as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return check_engine_choice(text)
    except ChoiceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
