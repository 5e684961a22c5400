"""python -m convert.compact train: a checkpoint from photos and masks, in a number of minutes."""

import argparse
import ctypes
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple

import numba
import numpy as np
import torch

from convert.compact.architecture import Start
from convert.compact.data import Sample, read_samples
from convert.compact.train_arguments import (
    add_common_arguments,
    add_model_arguments,
    add_run_arguments,
)
from convert.compact.training.batches import Batch, BatchDataset, batches_from, source_weights
from convert.compact.training.device import Setup, choose_setup
from convert.compact.training.learner import Learner, learning_rate_at
from convert.compact.training.log import TrainingLog
from convert.compact.training.run_state import Progress, Settings, read_state, write_state
from segmentation.errors import ConversionError

CHECKPOINT = "checkpoint"
ROW_SECONDS = 60.0
SAVE_SECONDS = 300.0
# From this share of the time on, batches are late ones.
LATE = 2 / 3
# <malloc.h>: M_TRIM_THRESHOLD and M_MMAP_MAX.
TRIM_THRESHOLD, MMAP_MAX = -1, -4


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_common_arguments(parser)
    add_model_arguments(parser)
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Train until the minutes are over, and write the averaged weights.

    Raises:
        ConversionError: as in `train`.
        OSError: the output folder cannot be written.
    """
    if args.threads:
        # In this order, since numba's thread pool resets the number of torch's threads.
        numba.set_num_threads(min(args.threads, numba.config.NUMBA_NUM_THREADS))
        torch.set_num_threads(args.threads)
    _keep_freed_memory()
    train(args, time.monotonic)


def train(args: argparse.Namespace, clock: Callable[[], float]) -> None:
    """Train as the arguments say.

    The output folder gets `log.jsonl`, `curves.png`, `state.pt` every five minutes, and at the end
    `checkpoint/`. A batch and the points of its loss depend only on the seed, the index and whether
    the batch is a late one, so a run that was killed continues with the same numbers, except for
    what depends on the clock.

    Args:
        args: as `configure` declares them.
        clock: returns seconds; called once per step.

    Raises:
        ConversionError: the folder holds a run and --resume is not given, or a run with other
            arguments or photos; or training data are missing; or the loss is not finite.
    """
    samples = read_samples(args.data)
    start = Start(args.start, args.backbone, args.separable_convolution)
    learner = Learner(start, args.seed, choose_setup(args.device), args.subject_query)
    if learner.left_out:
        print("Does not fit and starts at random:", ", ".join(learner.left_out))
    samples = _learnable(samples, learner)
    if args.trial_steps:
        _print_speed(args, samples, learner, clock)
        return
    settings: Settings = {
        "--seed": args.seed,
        "--batch": args.batch,
        "--longest-side": args.longest_side,
        "--subject-query": args.subject_query,
        "--backbone": args.backbone,
        "--separable-convolution": args.separable_convolution,
        "photos": len(samples),
    }
    state = read_state(args.output, settings, may_resume=args.resume)
    args.output.mkdir(parents=True, exist_ok=True)
    progress = Progress()
    if state:
        learner.load_state(state["learner"])
        progress = Progress(*state["progress"])
    _print_header(samples, progress, learner.setup)

    def save(progress: Progress) -> None:
        state = {"run": settings, "progress": astuple(progress), "learner": learner.state()}
        write_state(args.output, state)

    _train_until_over(args, samples, learner, progress, save, clock)
    learner.save_ema(args.output / CHECKPOINT)
    print(args.output / CHECKPOINT)


def _learnable(samples: Sequence[Sample], learner: Learner) -> list[Sample]:
    """The photos with a target of what is trained."""
    learnable = [
        sample
        for sample in samples
        if (learner.trains_instances and sample.ids is not None)
        or (learner.trains_subject and sample.alpha is not None)
    ]
    if not learnable:
        raise ConversionError(
            "No photo has what is trained: instance ids, or with --subject-query a known subject. "
            "Run python -m convert.compact teach first, and give its output as --data.",
            "没有任何照片带有所训练的标注：实例编号，或使用 --subject-query 时的主体。"
            "请先运行 python -m convert.compact teach，再把它的输出目录作为 --data。",
        )
    return learnable


def _train_until_over(
    args: argparse.Namespace,
    samples: Sequence[Sample],
    learner: Learner,
    progress: Progress,
    save: Callable[[Progress], None],
    clock: Callable[[], float],
) -> None:
    """Step until the minutes are over; log and save on the way and at the end."""
    budget = args.minutes * 60
    batches = _batches(
        args, samples, learner, progress.steps, lambda: progress.seconds / budget >= LATE
    )
    log = TrainingLog(args.output / "log.jsonl", progress.photos)
    logged = saved = progress
    losses: list[dict[str, float]] = []
    start = clock() - progress.seconds
    while progress.seconds / budget < 1:
        batch = next(batches)
        rate = learning_rate_at(progress.seconds / budget, args.rate)
        if (batch_losses := learner.step(batch, rate)) is not None:
            losses.append(batch_losses)
        photos = progress.photos + len(batch.counts)
        progress = Progress(progress.steps + 1, photos, clock() - start)
        is_over = progress.seconds / budget >= 1
        if losses and (is_over or progress.seconds - logged.seconds >= ROW_SECONDS):
            log.write(_row(progress, logged, rate, losses))
            logged, losses = progress, []
        if is_over or progress.seconds - saved.seconds >= SAVE_SECONDS:
            save(progress)
            log.write_curves(args.output / "curves.png")
            saved = progress


def _batches(
    args: argparse.Namespace,
    samples: Sequence[Sample],
    learner: Learner,
    start: int,
    is_late: Callable[[], bool],
) -> Iterator[Batch]:
    dataset = BatchDataset(
        samples, args.seed, args.batch, args.longest_side, not learner.trains_instances
    )
    is_on_gpu = learner.setup.device.type == "cuda"
    return batches_from(dataset, start, is_late, args.workers, pinned=is_on_gpu)


def _print_speed(
    args: argparse.Namespace,
    samples: Sequence[Sample],
    learner: Learner,
    clock: Callable[[], float],
) -> None:
    """Take some early and as many late steps, and print how many photos a second they take."""
    steps = args.trial_steps
    # The first step compiles, and waits for the first batch.
    are_late = itertools.chain(itertools.repeat(False, 1 + steps), itertools.repeat(True))
    batches = _batches(args, samples, learner, 0, lambda: next(are_late))
    learner.step(next(batches), args.rate)
    for name in ("early", "late"):
        start = clock()
        photos = 0
        for batch in itertools.islice(batches, steps):
            learner.step(batch, args.rate)
            photos += len(batch.counts)
        print(f"{photos / (clock() - start):.1f} photos per second in {name} batches")


def _keep_freed_memory() -> None:
    """Make malloc keep freed memory, since the next step asks for all of it again.

    By default glibc returns every large block to the kernel, which then clears each of its pages
    for the next use: half the time of a step (mallopt(3)). Other C libraries have no mallopt.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)


def _print_header(samples: Sequence[Sample], progress: Progress, setup: Setup) -> None:
    weights = sorted(source_weights(samples).items(), key=lambda item: -item[1])
    precision = "bfloat16" if setup.bf16 else "float32, since there are no bfloat16 products"
    print(
        f"{len(samples)} photos: " + ", ".join(f"{name} {weight:.0%}" for name, weight in weights),
        f"{precision}; on {setup.device.type}; {torch.get_num_threads()} threads; "
        f"from step {progress.steps}, "
        f"{progress.seconds / 60:.1f} minutes trained",
        sep="\n",
        flush=True,
    )


def _row(
    progress: Progress, logged: Progress, rate: float, losses: list[dict[str, float]]
) -> dict[str, float]:
    """The row of the log for the steps since the last row."""
    # A batch without annotated instances has no losses of them.
    names = dict.fromkeys(name for loss in losses for name in loss)
    means = {
        name: float(np.mean([loss[name] for loss in losses if name in loss])) for name in names
    }
    speed = (progress.photos - logged.photos) / (progress.seconds - logged.seconds)
    return {
        "minutes": round(progress.seconds / 60, 1),
        "photos": progress.photos,
        "photos_per_second": round(speed, 2),
        "rate": float(f"{rate:.3g}"),
        **{name: round(value, 4) for name, value in means.items()},
    }
