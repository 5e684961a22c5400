"""python -m convert waits: how long a visitor waits, from a cold start to the file in his hands."""

import argparse
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import cv2
import numpy as np

from convert.measure.host import describe_host
from segmentation import (
    Limits,
    Photo,
    Segmenter,
    Transparent,
    compose,
    encode,
    find_model,
    make_alpha,
    read_photo,
)
from segmentation.page.overlay import draw_instances
from segmentation.page.session import preview

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--photo", type=Path, default=ROOT / "examples" / "dandelion.jpg")
    parser.add_argument("--megapixels", type=float, default=12, help="the photo is scaled to this")
    parser.add_argument("--model", default="compact")
    parser.add_argument("--repeat", type=int, default=7)


def run(args: argparse.Namespace) -> None:
    """Print a Markdown table of waits: median and range of several runs, in seconds."""
    print(f"{describe_host()}, {args.repeat} runs each, {args.megapixels:g} MP\n")
    print("| wait | median s | min–max s |\n|---|---|---|")
    report = Report(args.repeat)
    report("import segmentation", _import_seconds)
    report("cold start to page", _start_page)
    with tempfile.TemporaryDirectory() as folder:
        example = ROOT / "examples" / "astronaut.png"
        command = [sys.executable, "-m", "segmentation", str(example), "-o", folder]
        report("first cut-out of an example, new process", lambda: _wall(command))
    photo = _scaled(read_photo(args.photo, Limits(megapixels=1e3)), args.megapixels)
    segmenter = Segmenter(find_model(args.model))
    segmentation, _ = segmenter.segment(photo)
    report("find the objects again", lambda: _spent(lambda: segmenter.segment(photo)))
    logits = segmentation.mask_logits([1])
    small = Photo(preview(photo), None, "preview", ())

    def draw() -> None:
        cut = compose(small, make_alpha(small.rgb, logits), Transparent())
        encode(draw_instances(small.rgb, segmentation, [1]), "jpeg")
        encode(np.ascontiguousarray(cut[..., :3]), "jpeg")

    alpha = make_alpha(photo.rgb, logits)
    cut_out = compose(photo, alpha, Transparent())
    report("second pick: drawn on the page", lambda: _spent(draw))
    report("second pick: alpha at full size", lambda: _spent(lambda: make_alpha(photo.rgb, logits)))
    report("colour", lambda: _spent(lambda: compose(photo, alpha, Transparent())))
    report("PNG", lambda: _spent(lambda: encode(cut_out)))
    print(f"\nPeak memory of this process: {_peak_gigabytes():.2f} GB")


class Report:
    """Prints a row for each thing measured."""

    def __init__(self, repeat: int) -> None:
        self._repeat = repeat

    def __call__(self, name: str, seconds: Callable[[], float]) -> None:
        """Measure once to warm up, then `repeat` times, and print the row."""
        seconds()
        spent = [seconds() for _ in range(self._repeat)]
        print(f"| {name} | {statistics.median(spent):.3f} | {min(spent):.3f}–{max(spent):.3f} |")


def _spent(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _wall(command: list[str]) -> float:
    return _spent(lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True))


def _import_seconds() -> float:
    code = (
        "import time; t = time.perf_counter(); import segmentation; print(time.perf_counter() - t)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    return float(told.stdout)


def _start_page() -> float:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as page:
        try:
            while time.perf_counter() - start < PATIENCE_S:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/"):
                        return time.perf_counter() - start
                except URLError:
                    time.sleep(0.02)
        finally:
            page.terminate()
    raise TimeoutError(f"no page within {PATIENCE_S} s")


def _peak_gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _scaled(photo: Photo, megapixels: float) -> Photo:
    height, width = photo.hw
    scale = (megapixels * 1e6 / (height * width)) ** 0.5
    size_wh = round(width * scale), round(height * scale)
    rgb = np.asarray(cv2.resize(photo.rgb, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    return Photo(rgb, None, photo.stem, ())
