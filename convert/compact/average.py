"""python -m convert.compact average: the mean of the checkpoints of related runs.

The mean of fine-tuned weights is as fast as one of them and usually better than each (Wortsman et
al. 2022, Model soups, https://arxiv.org/abs/2203.05482), if the runs start from the same weights or
from each other.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import Mask2FormerForUniversalSegmentation

from convert.checkpoint import load_checkpoint
from segmentation.errors import ConversionError

PROCESSOR = "preprocessor_config.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("checkpoints", type=Path, nargs="+", metavar="CHECKPOINT")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--half", action="store_true", help="in half precision, at half the size")


def run(args: argparse.Namespace) -> None:
    """Write the mean, with the processor settings of the first checkpoint.

    Raises:
        ConversionError: a checkpoint cannot be read, or has another architecture.
        OSError: the output folder cannot be written.
    """
    model = average([load_checkpoint(folder).model for folder in args.checkpoints])
    (model.half() if args.half else model).save_pretrained(args.output)
    shutil.copyfile(args.checkpoints[0] / PROCESSOR, args.output / PROCESSOR)
    print(args.output)


def average(
    models: Sequence[Mask2FormerForUniversalSegmentation],
) -> Mask2FormerForUniversalSegmentation:
    """Average the weights of models.

    Returns:
        The first model with the mean of all weights; its integers are unchanged.

    Raises:
        ConversionError: the models differ in architecture.
    """
    states = [model.state_dict() for model in models]
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    if any(model_shapes != shapes[0] for model_shapes in shapes):
        raise ConversionError(
            "These checkpoints are of different shapes. Average runs of one architecture.",
            "这些检查点的结构不同。请只对同一结构的训练结果取平均。",
        )
    mean = {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(tensor.dtype)
        for name, tensor in states[0].items()
        if tensor.is_floating_point()
    }
    models[0].load_state_dict({**states[0], **mean})
    return models[0]
