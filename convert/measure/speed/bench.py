"""python -m convert bench: the artifacts timed against transformers and other runtimes.

All implementations run once in each round (A B C, A B C, ...), so that other load on the machine
affects them equally; the ratio is what counts. Each graph is also loaded in a process of its own,
to measure its loading time and memory.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from convert.arguments import format_size, parse_size_hw, positive_int
from convert.measure.artifact_engines import open_artifacts
from convert.measure.host import describe_conditions, describe_host, gemm_gigaflops
from convert.measure.speed.baselines import Inference, open_baselines
from convert.measure.speed.stages import MEGAPIXELS, format_stages, time_stages
from convert.synthetic_photo import synthetic_photo
from segmentation.arrays import SizeHW
from segmentation.errors import ConversionError
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import ModelCard, find_model
from segmentation.parallel.cores import available_cores

# Idle threads of the previous runtime spin for some time, which would slow down the next.
REST_SECONDS = 0.2

# Prints the seconds to load a graph, the memory it then holds and the peak of one run, both in MB.
LOADER = """
import sys, time
import numpy as np, onnxruntime as ort
def memory(which):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024 / 1e6
before, start = memory("VmRSS"), time.perf_counter()
options = ort.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
seconds, loaded = time.perf_counter() - start, memory("VmRSS") - before
photo = np.zeros([1, int(sys.argv[3]), int(sys.argv[4]), 3], np.uint8)
session.run(None, {session.get_inputs()[0].name: photo})
print(seconds, loaded, memory("VmHWM") - before)
"""


@dataclass(frozen=True, slots=True)
class LoadCost:
    """What loading a graph costs.

    Attributes:
        seconds: loading time.
        loaded_mb: memory after loading.
        peak_mb: highest memory during one run.
    """

    seconds: float
    loaded_mb: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class BenchResult:
    """The times of one way to run the model.

    Attributes:
        name: its name in the table.
        seconds: time of each round.
        load_cost: None where it was not measured.
    """

    name: str
    seconds: tuple[float, ...]
    load_cost: LoadCost | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", help="name of a bundled model, or model folder")
    parser.add_argument(
        "--against",
        metavar="CHECKPOINT",
        help="Hub id or folder: adds transformers, a plain torch.onnx.export of it, and OpenVINO "
        "if it is installed",
    )
    parser.add_argument(
        "--size", type=parse_size_hw, help="one of the card's; default: the largest"
    )
    parser.add_argument("--threads", type=positive_int, default=available_cores())
    parser.add_argument("--rounds", type=positive_int, default=11)
    parser.add_argument(
        "--stages",
        action="store_true",
        help=f"also time every stage of a cut-out at {MEGAPIXELS[0]} to {MEGAPIXELS[-1]} MP",
    )


def run(args: argparse.Namespace) -> None:
    """Print a Markdown table, the ratios first.

    Raises:
        ConversionError: no graph has the size, no artifact runs here, or the checkpoint is of
            another model.
        KoutuError: the model cannot be used.
    """
    card = find_model(args.model)
    sizes_hw = [size_hw for artifact in card.artifacts for size_hw in artifact.sizes_hw]
    size_hw = args.size or max(sizes_hw, key=lambda size_hw: size_hw[0] * size_hw[1])
    if size_hw not in sizes_hw:
        raise ConversionError(
            f"{card.name} has no graph for {format_size(size_hw)}. Export it with --size.",
            f"{card.name} 没有 {format_size(size_hw)} 的模型文件。请用 --size 导出。",
        )
    with tempfile.TemporaryDirectory() as scratch:
        inferences = dict(_artifacts(card, size_hw, args.threads))
        if args.against:
            # Only this needs torch, which a host with an Ascend card need not have.
            from convert.checkpoint import reference_checkpoint

            checkpoint = reference_checkpoint(args.against, card)
            baselines = open_baselines(checkpoint, size_hw, args.threads, Path(scratch))
            inferences = dict(baselines) | inferences
        if not inferences:
            raise ConversionError(
                f"No artifact of {card.name} runs on this host; the reasons are above. Export or "
                "convert it for this host.",
                f"{card.name} 的文件都无法在本机运行，原因见上。请为本机重新导出或转换。",
            )
        results = time_in_turns(inferences, args.rounds)
    load_costs = dict(_load_costs(card, size_hw, args.threads))
    results = [replace(result, load_cost=load_costs.get(result.name)) for result in results]
    print(f"{card.name} at {format_size(size_hw)}, {describe_host()}, {args.threads} threads")
    print(describe_conditions())
    print(f"float32 matrix product of NumPy: {gemm_gigaflops():.0f} GFLOP/s\n")
    print(format_results(results))
    if args.stages:
        print(f"\n{format_stages(list(time_stages(card, args.threads)))}")


def time_in_turns(inferences: dict[str, Inference], rounds: int) -> list[BenchResult]:
    """Time each inference once per round.

    A rest and an untimed run come before each timed one, so that neither the threads and caches of
    the previous one nor a sleeping processor count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in inferences}
    for _ in range(rounds):
        for name, infer in inferences.items():
            time.sleep(REST_SECONDS)
            infer()
            start = time.perf_counter()
            infer()
            seconds[name].append(time.perf_counter() - start)
    return [BenchResult(name, tuple(times)) for name, times in seconds.items()]


def format_results(results: list[BenchResult]) -> str:
    """Format a Markdown table; ratios are to the first result, and larger is faster."""
    first = np.median(results[0].seconds)
    lines = [
        "| run | times as fast | median ms | middle half, ms | load s | loaded MB | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        low, median, high = np.percentile(result.seconds, (25, 50, 75))
        cost = result.load_cost
        cells = (
            result.name,
            f"{first / median:.2f}",
            f"{median * 1e3:.0f}",
            f"{low * 1e3:.0f} to {high * 1e3:.0f}",
            f"{cost.seconds:.1f}" if cost else "",
            f"{cost.loaded_mb:.0f}" if cost else "",
            f"{cost.peak_mb:.0f}" if cost else "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _artifacts(card: ModelCard, size_hw: SizeHW, threads: int) -> Iterator[tuple[str, Inference]]:
    photo = synthetic_photo(size_hw)
    for name, engine in open_artifacts(card, threads):
        if size_hw not in engine.sizes_hw:
            print(f"{name} left out: not made for {format_size(size_hw)}", file=sys.stderr)
            continue
        pixel_values, _ = preprocess(photo, engine.input, [size_hw], card.mask_stride)
        yield name, partial(engine.run, pixel_values)


def _load_costs(card: ModelCard, size_hw: SizeHW, threads: int) -> Iterator[tuple[str, LoadCost]]:
    for artifact in card.artifacts:
        if artifact.format == "onnx" and artifact.batch == 1 and size_hw in artifact.sizes_hw:
            arguments = [str(card.path(artifact)), *map(str, (threads, *size_hw))]
            process = subprocess.run(
                [sys.executable, "-c", LOADER, *arguments],
                capture_output=True,
                text=True,
                check=True,
            )
            yield f"onnx {artifact.precision}", LoadCost(*map(float, process.stdout.split()))
