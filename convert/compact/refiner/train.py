"""python -m convert.compact refiner: the network that corrects masks, in a number of minutes."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from convert.arguments import positive_float, positive_int
from convert.compact.data import read_samples
from convert.compact.refiner.crops import ObjectCrop, is_held_out, read_or_make_crops
from convert.compact.refiner.learner import Learner, batches_of
from convert.compact.refiner.network import MaskRefiner, load_encoder, write_graph
from convert.compact.refiner.scores import score
from convert.compact.train_arguments import add_common_arguments
from segmentation import Segmenter, find_model
from segmentation.errors import ConversionError
from segmentation.inference.mask_refiner import run_network
from segmentation.model_card import digest_of

BUNDLED_WEIGHTS = Path(__file__).parents[1] / "checkpoint" / "model.safetensors"
STATE, GRAPH = "refiner.pt", "refiner.onnx"
ROW_SECONDS = 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_common_arguments(parser)
    parser.add_argument("--model", default="compact", help="whose masks are corrected")
    parser.add_argument("--minutes", type=positive_float, required=True, help="training time")
    parser.add_argument("--photos", type=positive_int, help="use so many, chosen at random")
    parser.add_argument("--rate", type=positive_float, default=3e-3, help="highest learning rate")
    parser.add_argument("--from", dest="start", type=Path, help=f"start from the {STATE} of a run")


def run(args: argparse.Namespace) -> None:
    """Make the crops, train until the minutes are over, write the graph and score it.

    The output folder gets `crops/`, which later runs with the same photos read again, the averaged
    weights and the graph.

    Raises:
        ConversionError: the data cannot be read, or there are too few crops.
        KoutuError: the model cannot be used.
        OSError: the state to start from cannot be read, or the output folder cannot be written.
    """
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    refiner = MaskRefiner()
    load_encoder(refiner, load_file(BUNDLED_WEIGHTS))
    if args.start:
        refiner.load_state_dict(torch.load(args.start, weights_only=True))
    training, held_out = _crops(args)
    learner = Learner(refiner, args.rate)
    _train(args, learner, training)
    averaged = learner.averaged()
    torch.save(averaged.state_dict(), args.output / STATE)
    graph = args.output / GRAPH
    write_graph(averaged, graph)
    print(f"{graph} sha256 {digest_of(graph)}")
    print(f"Crops kept apart, before: {score(held_out)}")
    print(f"after: {score(held_out, lambda rgb, logits: run_network(graph, rgb, logits))}")


def _crops(args: argparse.Namespace) -> tuple[list[ObjectCrop], list[ObjectCrop]]:
    """The crops to train on, and those kept apart."""
    samples = [sample for sample in read_samples(args.data) if sample.ids is not None]
    order = np.random.default_rng(args.seed).permutation(len(samples))[: args.photos]
    segmenter = Segmenter(find_model(args.model), threads=args.threads)
    training: list[ObjectCrop] = []
    held_out: list[ObjectCrop] = []
    for index in order:
        sample = samples[index]
        crops = read_or_make_crops(args.output / "crops", sample, segmenter)
        (held_out if is_held_out(sample) else training).extend(crops)
    if not training or not held_out:
        raise ConversionError(
            "The model finds too few of the annotated objects. Give more photos with --data.",
            "模型找到的已标注物体太少。请用 --data 提供更多照片。",
        )
    print(f"{len(training)} crops for training, {len(held_out)} kept apart", flush=True)
    return training, held_out


def _train(args: argparse.Namespace, learner: Learner, crops: Sequence[ObjectCrop]) -> None:
    """Take steps until the minutes are over; print the mean losses once a minute."""
    budget = args.minutes * 60
    start = logged = time.monotonic()
    losses: list[tuple[float, float]] = []
    for batch in batches_of(crops, args.seed):
        losses.append(learner.step(batch, min(1.0, (time.monotonic() - start) / budget)))
        now = time.monotonic()
        if now - logged >= ROW_SECONDS or now - start >= budget:
            after, before = np.mean(losses, axis=0)
            print(
                f"step {learner.steps}: loss {after:.4f}, of the masks before {before:.4f}",
                flush=True,
            )
            losses, logged = [], now
        if now - start >= budget:
            return
