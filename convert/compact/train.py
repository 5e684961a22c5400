"""python -m convert.compact train: from photos and masks to a checkpoint, in so many minutes."""

import argparse
import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch

from convert.arguments import positive, some_time
from convert.compact.batches import Stream, batches_from, source_shares
from convert.compact.data import read_samples
from convert.compact.learner import Learner, has_fast_bf16, rate_at
from convert.compact.training_log import Journal
from segmentation.errors import ConversionError

STATE = "state.pt"
CHECKPOINT = "checkpoint"
ROW_SECONDS = 60.0
SAVE_SECONDS = 300.0
LATE = 2 / 3
# Where Linux says what the processor can do; elsewhere it is asked for nothing special.
CPUINFO = Path("/proc/cpuinfo")
# <malloc.h>: M_TRIM_THRESHOLD and M_MMAP_MAX.
TRIM_THRESHOLD, MMAP_MAX = -1, -4


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="FOLDER",
        help="folders of SOURCE.tar and index.jsonl (see convert/compact/README.md)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of this run")
    parser.add_argument("--minutes", type=some_time, required=True, help="time to train, all runs")
    parser.add_argument("--resume", action="store_true", help="go on where the folder's run is")
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="CHECKPOINT",
        help="start from this checkpoint folder; default: ImageNet's weights in the backbone",
    )
    parser.add_argument("--rate", type=float, default=3.5e-4, help="highest learning rate")
    parser.add_argument(
        "--batch", type=positive, default=12, help="photos a step, at 320 x 320 pixels"
    )
    parser.add_argument("--longest-side", type=positive, default=384, help="of the largest batches")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="default: all cores")


def run(args: argparse.Namespace) -> None:
    """Train until the minutes are spent, and write the running mean of the weights."""
    if args.threads:
        torch.set_num_threads(args.threads)
        numba.set_num_threads(min(args.threads, numba.config.NUMBA_NUM_THREADS))
    _keep_freed_memory()
    train(args, time.monotonic)


def train(args: argparse.Namespace, clock: Callable[[], float]) -> None:
    """Train as the arguments say; the clock (seconds) is read once a step.

    The folder gets `log.jsonl`, `curves.png`, every five minutes `state.pt`, and at the end
    `checkpoint/`. A batch, and the points its loss looks at, depend on the seed, its index and
    whether it is one of the late ones, so that a run that was killed goes on as if it had not been,
    but for what the clock decides.

    Raises:
        ConversionError: the folder holds a run and --resume is not given, or one of other arguments
            or photos; data are missing.
    """
    samples = read_samples(args.data)
    same_for_all = {
        "--seed": args.seed,
        "--batch": args.batch,
        "--longest-side": args.longest_side,
        "photos": len(samples),
    }
    state = _read_state(args, same_for_all)
    args.output.mkdir(parents=True, exist_ok=True)
    bf16 = has_fast_bf16(CPUINFO.read_text("utf-8") if CPUINFO.exists() else "")
    learner = Learner(args.start, args.seed, bf16=bf16)
    if state:
        learner.load_state(state["learner"])
    step, photos, spent = (state or {}).get("progress", (0, 0, 0.0))
    shares = sorted(source_shares(samples).items(), key=lambda of: -of[1])
    print(
        f"{len(samples)} photos: " + ", ".join(f"{name} {share:.0%}" for name, share in shares),
        f"{'bfloat16' if bf16 else 'float32, for this processor has no bfloat16 products'}; "
        f"{torch.get_num_threads()} threads; from step {step}, {spent / 60:.1f} minutes spent",
        sep="\n",
        flush=True,
    )
    budget = args.minutes * 60
    share = spent / budget
    stream = Stream(samples, args.seed, args.batch, args.longest_side)
    batches = batches_from(stream, step, lambda: share >= LATE)
    journal = Journal(args.output / "log.jsonl", photos)
    told = saved = spent
    told_photos = photos
    losses: list[dict[str, float]] = []
    start = clock() - spent
    while share < 1:
        batch = next(batches)
        rate = rate_at(share, args.rate)
        losses.append(learner.step(batch, rate))
        step, photos = step + 1, photos + len(batch.labels)
        spent = clock() - start
        share = spent / budget
        if spent - told >= ROW_SECONDS or share >= 1:
            speed = (photos - told_photos) / (spent - told)
            journal.write(_row(spent, photos, speed, rate, losses))
            told, told_photos, losses = spent, photos, []
        if spent - saved >= SAVE_SECONDS or share >= 1:
            state = {
                "run": same_for_all,
                "progress": (step, photos, spent),
                "learner": learner.state(),
            }
            _replace(args.output / STATE, state)
            journal.draw(args.output / "curves.png")
            saved = spent
    learner.save_mean(args.output / CHECKPOINT)
    print(args.output / CHECKPOINT)


def _keep_freed_memory() -> None:
    """Let the process keep what it frees, for the next step asks for all of it again.

    By default glibc returns every large block to the kernel, which has to clear each of its pages
    before it hands them out anew: half a step's time (mallopt(3)). Other C libraries go without.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)


def _read_state(args: argparse.Namespace, same_for_all: dict[str, int]) -> dict[str, Any] | None:
    path = args.output / STATE
    if not path.exists():
        return None
    if not args.resume:
        raise ConversionError(
            f"{args.output} holds a run. Go on with --resume, or choose another folder.",
            f"{args.output} 中已有训练记录。请加 --resume 继续，或换一个目录。",
        )
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["run"] != same_for_all:
        begun = ", ".join(f"{name} {value}" for name, value in state["run"].items())
        raise ConversionError(
            f"{args.output} holds a run of {begun}. Give the same, or choose another folder.",
            f"{args.output} 中的训练是以 {begun} 开始的。请使用相同的参数与照片，或换一个目录。",
        )
    return state


def _replace(path: Path, state: dict[str, Any]) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _row(
    spent: float, photos: int, speed: float, rate: float, losses: list[dict[str, float]]
) -> dict[str, float]:
    means = {name: float(np.mean([of[name] for of in losses])) for name in losses[0]}
    return {
        "minutes": round(spent / 60, 1),
        "photos": photos,
        "photos_per_second": round(speed, 2),
        "rate": float(f"{rate:.3g}"),
        **{name: round(value, 4) for name, value in means.items()},
    }
