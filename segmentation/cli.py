"""What the command line asks for: its flags, and what they mean together."""

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from segmentation.compositing.backgrounds import Background, Fit, parse_backdrop, parse_background
from segmentation.compositing.crop import CROPS
from segmentation.compositing.effects import Shadow, parse_outline
from segmentation.compositing.matting import Edge
from segmentation.engines.registry import EngineChoice
from segmentation.errors import ChoiceError
from segmentation.filenames import check_output, output_format
from segmentation.i18n import Language
from segmentation.image.read import read_photo
from segmentation.image.write import FORMATS
from segmentation.inference.select import OBJECT_RULES
from segmentation.recipe import Recipe

ENGINES = "auto, onnx, ascend, or the address of replicas: http://HOST:PORT (default: auto)"

# Flags with a value that may be left out, how that value looks, and what stands in for it. argparse
# alone would take a photo after such a flag for its value.
MAY_STAND_ALONE = {
    "--crop": ("|".join(CROPS), "subject"),
    "--outline": (r"[\d.]+,#?\w+", "1.2,#FFFFFF"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What to make of each photo, as the command line says it."""

    objects: str
    recipe: Recipe
    threshold: float | None
    each: bool
    mask: bool
    list_only: bool
    one_look: bool
    inputs: tuple[Path, ...]


def parse(argv: Sequence[str], parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments, with a value for each flag that stands alone."""
    filled: list[str] = []
    for argument, following in pairwise([*argv, ""]):
        pattern, value = MAY_STAND_ALONE.get(argument, ("", ""))
        alone = argument in MAY_STAND_ALONE and not re.fullmatch(pattern, following)
        filled.append(f"{argument}={value}" if alone else argument)
    return parser.parse_args(filled)


def wish_of(args: argparse.Namespace) -> Wish:
    """The wish that the arguments spell.

    Raises:
        ChoiceError: a value that means nothing, or two that do not go together.
        PhotoError: a background photo that cannot be read.
    """
    format_ = output_format(args.output, args.format)
    check_output(args.output, args.photos, args.each)
    if args.place and args.crop:
        raise ChoiceError(
            "--place takes the frame of the other photo. Leave --crop out.",
            "--place 使用另一张照片的画面，请去掉 --crop。",
        )
    outline = (parse_outline(args.outline),) if args.outline else ()
    recipe = Recipe(
        edge=Edge(args.softness, args.grow, args.fine_hair),
        background=_background(args.background, args.fit, args.place),
        effects=outline + ((Shadow(),) if args.shadow else ()),
        crop=args.crop,
        format=format_,
        quality=args.quality,
    )
    return Wish(
        objects=args.objects,
        recipe=recipe,
        threshold=args.threshold,
        each=args.each,
        mask=args.mask,
        list_only=args.list,
        one_look=args.one_look,
        inputs=(*args.photos, Path(args.background)),
    )


def _background(text: str, fit: Fit, place: str | None) -> Background:
    named = parse_background(text)
    if place and named:
        raise ChoiceError(
            "--place needs another photo to place the objects in: --background FILE.",
            "--place 需要另一张照片作为背景：--background 文件。",
        )
    if fit != "cover" and named:
        raise ChoiceError(
            "--fit is for a background photo: --background FILE.",
            "--fit 只用于背景照片：--background 文件。",
        )
    return named or parse_backdrop(read_photo(Path(text)), fit, place)


def terminal_language() -> Language:
    """The language of the shell's locale, by the order POSIX gives its variables."""
    locale = next((os.environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if os.getenv(n)), "")
    return "zh" if locale.startswith("zh") else "en"


def make_parser() -> argparse.ArgumentParser:
    """The flags and their help."""
    parser = argparse.ArgumentParser(
        prog="python -m segmentation",
        description="Cut objects out of photos. What became of each goes to stdout as soon as it "
        "is done, warnings go to stderr.",
        epilog="Exit code: 0 all done, 1 some photo failed (the others are done), 2 wrong usage.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    _add_finding(parser)
    _add_making(parser)
    add = parser.add_argument
    add("--mask", action="store_true", help="write the mask as well, as <stem>_mask.png")
    add("--json", action="store_true", help="one JSON object for each photo on stdout")
    add("--list", action="store_true", help="list the objects found and write nothing")
    return parser


def _add_finding(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("finding").add_argument
    add(
        "--model",
        default="compact",
        help="bundled name, model folder, or hf:OWNER/NAME[@REVISION] (default: compact)",
    )
    add("--engine", type=engine, default="auto", help=ENGINES)
    add("--precision", help="of the artifact, such as fp32 or int8 (default: the card's first)")
    add("--threads", type=count, default=0, help="for onnxruntime (default: all cores)")
    add(
        "--objects",
        default="auto",
        help=f"{', '.join(OBJECT_RULES)}; labels such as dog,cat; or numbers such as 1,3 "
        "(default: auto)",
    )
    add("--threshold", type=share, help="least score of an object, 0..1 (default: the model's)")
    add("--one-look", action="store_true", help="no second, closer look at the chosen objects")


def _add_making(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("making").add_argument
    add(
        "-o",
        "--output",
        type=Path,
        default=Path(),
        help="folder, or a .png, .webp or .jpg file for one photo",
    )
    add("--format", choices=FORMATS, help="default: as -o ends, else png")
    add("--quality", type=count, help="of webp and jpeg, 1..100; webp is lossless at 100")
    add("--each", action="store_true", help="every object as a file, <stem>_<number>_<label>.png")
    add(
        "--background",
        default="transparent",
        help="transparent, #RRGGBB, gradient:#RRGGBB,#RRGGBB, blur, or a photo "
        "(default: transparent)",
    )
    add("--fit", choices=("cover", "contain"), default="cover", help="of a background photo")
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


def share(text: str) -> float:
    """A number from 0 to 1, as argparse wants its types."""
    if not 0 <= (value := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def count(text: str) -> int:
    """A whole number that is not negative, as argparse wants its types."""
    if (value := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value


def engine(text: str) -> EngineChoice:
    """An engine's name or the address of replicas, as argparse wants its types."""
    if text not in ("auto", "onnx", "ascend") and not re.fullmatch(r"https?://[^\s?#]+", text):
        raise argparse.ArgumentTypeError(ENGINES)
    return text
