"""The arguments of the commands that train: train, and in part refiner."""

import argparse
from pathlib import Path
from typing import get_args

from convert.arguments import positive_float, positive_int
from convert.compact.architecture import DEFAULT_BACKBONE
from convert.compact.training.batches import LONGEST_EARLY_SIDE
from convert.compact.training.learner import SubjectTraining
from convert.graph import efficientnet_lite


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that say which model is trained, and from what it starts."""
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="CHECKPOINT",
        help="start from this checkpoint folder; default: ImageNet's weights in the backbone",
    )
    parser.add_argument(
        "--backbone",
        choices=tuple(efficientnet_lite.VARIANTS),
        help="start from ImageNet's weights in this backbone; with --from, all else that fits is "
        f"taken from the checkpoint; default: the checkpoint's own, or {DEFAULT_BACKBONE}",
    )
    parser.add_argument(
        "--separable-convolution",
        action="store_true",
        help="make the convolution at stride 4 depthwise-separable",
    )
    parser.add_argument(
        "--subject-query",
        choices=get_args(SubjectTraining),
        help="add a query for the whole subject if there is none; alone: train nothing else; "
        "default: train all that the checkpoint has",
    )


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that every training has."""
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="FOLDER",
        help="folders of SOURCE.tar and index.jsonl (see convert/compact/README.md)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of this run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="default: all cores")


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that say where, how long and in what steps the model is trained."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--workers", type=positive_int, default=1, help="processes that make the batches"
    )
    parser.add_argument(
        "--try",
        dest="trial_steps",
        type=positive_int,
        metavar="STEPS",
        help="only take so many early and late steps, print photos per second, and write nothing",
    )
    parser.add_argument(
        "--minutes", type=positive_float, required=True, help="training time, resumed runs included"
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")
    parser.add_argument("--rate", type=float, default=3.5e-4, help="highest learning rate")
    parser.add_argument(
        "--batch", type=positive_int, default=12, help="photos in a step, at 320 x 320 pixels"
    )
    parser.add_argument(
        "--longest-side",
        type=positive_int,
        default=LONGEST_EARLY_SIDE,
        help="of early batches; late ones are up to a third larger",
    )
