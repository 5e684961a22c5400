"""The flags of the command line and their help."""

import argparse
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from segmentation.cli.argument_types import count, format_name, percent, score
from segmentation.cli.engine_flags import add_engine_flags, choose_engine
from segmentation.compositing.backgrounds import BACKGROUND_SYNTAXES, FITS
from segmentation.compositing.crop import CROPS
from segmentation.compositing.sizing.presets import ID_SIZES, SHOP_SIZES
from segmentation.compositing.sizing.size import DEFAULT_DPI, DEFAULT_MARGIN
from segmentation.filenames import argument_path
from segmentation.i18n import join_choices
from segmentation.image.formats import OUTPUT_FORMATS
from segmentation.inference.select import OBJECT_RULES
from segmentation.parallel.cores import MAX_JOBS

# Flags with an optional value: the pattern of a value, and the default. argparse alone would read
# a photo that follows such a flag as its value.
OPTIONAL_VALUES = {
    "--crop": ("|".join(CROPS), "subject"),
    "--outline": (r"[\d.]+,#?\w+", "1.2,#FFFFFF"),
}


def parse(argv: Sequence[str], parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse arguments, with the default of each flag whose value is left out.

    Raises:
        SystemExit: with code 2, an argument is wrong, or two contradict each other.
    """
    completed: list[str] = []
    for argument, following in pairwise([*argv, ""]):
        pattern, value = OPTIONAL_VALUES.get(argument, ("", ""))
        lacks_value = argument in OPTIONAL_VALUES and not re.fullmatch(pattern, following, re.I)
        completed.append(f"{argument}={value}" if lacks_value else argument)
    args = parser.parse_args(completed)
    args.engine = choose_engine(args, parser)
    return args


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
    add_engine_flags(add)
    add("--precision", help="of the artifact: fp32, int8, ... (default: the fastest for this CPU)")
    add(
        "--threads",
        type=count,
        default=0,
        help="of all photos together, for onnxruntime and OpenCV (default: the cores that this "
        "process may use)",
    )
    add(
        "--jobs",
        type=count,
        default=0,
        help=f"photos at a time, at most one for each thread (default: up to {MAX_JOBS})",
    )
    add(
        "--objects",
        default="auto",
        help=f"{', '.join(OBJECT_RULES)}; labels such as dog,cat; numbers such as 1,3; or "
        "at:X,Y, what a click there would choose (default: auto)",
    )
    add("--threshold", type=score, help="minimum score of an object, 0..1 (default: the model's)")
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
