"""python -m convert.compact average: one checkpoint of several runs, each begun where another was.

The mean of fine-tuned weights is as fast as one of them and mostly better than each (Wortsman et
al. 2022, Model soups, https://arxiv.org/abs/2203.05482).
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import Mask2FormerForUniversalSegmentation

from convert.checkpoint import load_checkpoint
from segmentation.errors import ConversionError

SETTINGS = "preprocessor_config.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--half", action="store_true", help="half the size, in half precision")


def run(args: argparse.Namespace) -> None:
    """Write the mean, with the processor's settings of the first."""
    model = average([load_checkpoint(folder).model for folder in args.checkpoints])
    (model.half() if args.half else model).save_pretrained(args.output)
    shutil.copyfile(args.checkpoints[0] / SETTINGS, args.output / SETTINGS)
    print(args.output)


def average(
    models: Sequence[Mask2FormerForUniversalSegmentation],
) -> Mask2FormerForUniversalSegmentation:
    """The first model with the mean of all their weights; whole numbers stay its own.

    Raises:
        ConversionError: they are not of one shape.
    """
    states = [model.state_dict() for model in models]
    shapes = [{name: of.shape for name, of in state.items()} for state in states]
    if any(of != shapes[0] for of in shapes):
        raise ConversionError(
            "These checkpoints are of different shapes. Average runs of one architecture.",
            "这些检查点的结构不同。只能平均同一结构的训练结果。",
        )
    mean = {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(of.dtype)
        for name, of in states[0].items()
        if of.is_floating_point()
    }
    models[0].load_state_dict({**states[0], **mean})
    return models[0]
