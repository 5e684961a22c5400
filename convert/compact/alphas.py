"""python -m convert.compact alphas: cut-outs by a teacher alone, for comparison.

`python -m convert evaluate MODEL --data PHOTOS --alphas FOLDER` scores them like the model's.
"""

import argparse
from pathlib import Path

from convert.compact.teaching.teacher import KINDS, Teacher, parse_teacher
from segmentation import encode, read_photo
from segmentation.errors import ChoiceError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--data", type=Path, required=True, help="folder of photos, NAME.jpg")
    parser.add_argument(
        "--teacher",
        type=parse_teacher,
        required=True,
        metavar="KIND=MODEL.onnx",
        help=f"saliency network; kinds: {', '.join(KINDS)}",
    )
    parser.add_argument("--threads", type=int, default=0, help="default: all cores")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for NAME.png")


def run(args: argparse.Namespace) -> None:
    """Write a grey PNG of the size of each photo; 255 is kept.

    Raises:
        ChoiceError: there are no photos.
        ConversionError: the teacher cannot be opened.
        PhotoError: a photo cannot be read.
    """
    paths = sorted(args.data.glob("*.jpg"))
    if not paths:
        raise ChoiceError(
            f"{args.data} has no .jpg photos. Give a folder of photos with --data.",
            f"{args.data} 中没有 .jpg 照片。请用 --data 指定照片目录。",
        )
    kind, path = args.teacher
    teacher = Teacher(kind, path, threads=args.threads)
    args.output.mkdir(parents=True, exist_ok=True)
    for photo_path in paths:
        alpha = teacher.saliency(read_photo(photo_path).rgb)
        (args.output / f"{photo_path.stem}.png").write_bytes(encode(alpha))
    print(f"{len(paths)} cut-outs in {args.output}")
