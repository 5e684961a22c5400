"""python -m convert waits: a visitor's waiting times, from a cold start to the finished file."""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from convert.measure.host import describe_conditions, describe_host
from convert.measure.speed.page_process import ROOT, running_page
from convert.measure.speed.page_waits import open_page
from convert.measure.speed.scaled_photo import scale_photo
from segmentation import (
    Limits,
    Photo,
    Segmenter,
    Stroke,
    Transparent,
    compose,
    encode,
    find_model,
    make_alpha,
    read_photo,
)
from segmentation.compositing.matting.stroke_matting import apply_strokes

IMPORT_TIMER = (
    "import time; t = time.perf_counter(); import segmentation; print(time.perf_counter() - t)"
)

# A line over a third of the photo, as wide as a finger.
STROKE = Stroke("keep", 0.03, tuple((0.3 + 0.01 * step, 0.3 + 0.01 * step) for step in range(41)))

# Measures one wait, in seconds.
Measurement = Callable[[], float]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--photo", type=Path, default=ROOT / "examples" / "dandelion.jpg")
    parser.add_argument("--megapixels", type=float, default=12, help="the photo is scaled to this")
    parser.add_argument("--model", default="compact")
    parser.add_argument("--repeat", type=int, default=7)


def run(args: argparse.Namespace) -> None:
    """Print a Markdown table of waiting times: median and range of several runs, in seconds.

    Raises:
        KoutuError: the model or the photo cannot be used.
        TimeoutError: the page does not start.
    """
    print(f"{describe_host()}, {args.repeat} runs each, {args.megapixels:g} MP")
    print(f"{describe_conditions()}\n")
    print("| wait | median s | min–max s |\n|---|---|---|")
    _report("import segmentation", _import_seconds, args.repeat)
    _report("cold start to page", _page_start_seconds, args.repeat)
    with tempfile.TemporaryDirectory() as folder:
        example = ROOT / "examples" / "astronaut.png"
        command = [sys.executable, "-m", "segmentation", str(example), "-o", folder]
        name = "first cut-out of an example, new process"
        _report(name, lambda: _process_seconds(command), args.repeat)
    photo = scale_photo(read_photo(args.photo, Limits(megapixels=1e3)), args.megapixels)
    card = find_model(args.model)
    with open_page(card, photo, STROKE) as actions:
        for name, act in actions.items():
            _report(name, partial(_seconds, act), args.repeat)
    for name, measure in _photo_measurements(Segmenter(card), photo).items():
        _report(name, measure, args.repeat)
    print(f"\nPeak memory of this process: {_peak_gigabytes():.2f} GB")


def _report(name: str, measure: Measurement, repeat: int) -> None:
    """Measure once to warm up, then `repeat` times, and print the row."""
    measure()
    seconds = [measure() for _ in range(repeat)]
    median = statistics.median(seconds)
    print(f"| {name} | {median:.3f} | {min(seconds):.3f}–{max(seconds):.3f} |")


def _photo_measurements(segmenter: Segmenter, photo: Photo) -> dict[str, Measurement]:
    """The waits for one photo on an open page, by their names in the table."""
    segmentation, _ = segmenter.segment(photo)
    logits = segmentation.mask_logits([1])
    alpha = make_alpha(photo.rgb, logits)
    image = compose(photo, alpha, Transparent())
    return {
        "find the objects again": lambda: _seconds(lambda: segmenter.segment(photo)),
        "second pick: alpha at full size": lambda: _seconds(lambda: make_alpha(photo.rgb, logits)),
        "one stroke, at full size": lambda: _seconds(
            lambda: apply_strokes(alpha, photo.rgb, [STROKE])
        ),
        "colour": lambda: _seconds(lambda: compose(photo, alpha, Transparent())),
        "PNG": lambda: _seconds(lambda: encode(image)),
    }


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _process_seconds(command: list[str]) -> float:
    return _seconds(lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True))


def _import_seconds() -> float:
    command = [sys.executable, "-c", IMPORT_TIMER]
    process = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return float(process.stdout)


def _page_start_seconds() -> float:
    start = time.perf_counter()
    with running_page():
        return time.perf_counter() - start


def _peak_gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
