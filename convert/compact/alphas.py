"""python -m convert.compact alphas: what a teacher alone would cut out, for a comparison.

`python -m convert evaluate MODEL --data PHOTOS --alphas FOLDER` judges it on the model's photos.
"""

import argparse
from pathlib import Path

from convert.compact.teacher import Teacher
from segmentation import encode, read_photo
from segmentation.errors import ChoiceError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--data", type=Path, required=True, help="folder of photos, NAME.jpg")
    parser.add_argument("--teacher", type=Path, required=True, help="saliency network as ONNX")
    parser.add_argument("--threads", type=int, default=0, help="default: all cores")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for NAME.png")


def run(args: argparse.Namespace) -> None:
    """Write a grey PNG of each photo's size: 255 is kept.

    Raises:
        ChoiceError: there are no photos.
    """
    photos = sorted(args.data.glob("*.jpg"))
    if not photos:
        raise ChoiceError(f"{args.data} has no .jpg photos.", f"{args.data} 里没有 .jpg 照片。")
    teacher = Teacher(args.teacher, threads=args.threads)
    args.output.mkdir(parents=True, exist_ok=True)
    for path in photos:
        alpha = teacher.saliency(read_photo(path).rgb)
        (args.output / f"{path.stem}.png").write_bytes(encode(alpha))
    print(f"{len(photos)} cut-outs in {args.output}")
