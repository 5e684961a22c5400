"""python -m convert bench: the artifacts against transformers and other run-times, taking turns.

Everybody runs once per round (A B C, A B C, ...), so that whatever else the machine does meets all
alike, and what counts is the ratio. Each graph is also loaded in a process of its own, for its
loading time and memory.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from convert.arguments import parse_size, positive, size_text
from convert.measure.host import describe_host
from convert.measure.synthetic_photo import synthetic_photo
from segmentation.arrays import SizeHW, UInt8
from segmentation.engines.registry import open_engine
from segmentation.errors import ConversionError, EngineUnavailable
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import ModelCard, load_card

if TYPE_CHECKING:
    from convert.checkpoint import Checkpoint

Run = Callable[[], object]
# Seconds in which the threads of the one before stop waiting for more work, which they do by
# spinning, at the cost of the next.
REST = 0.2

# Prints seconds to load a graph, the memory it holds then, and the peak of one run, in MB.
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
class Result:
    """One contender's times.

    Attributes:
        name: as the table shows it.
        seconds: of each round.
        memory: loading time in s, and MB loaded and at the peak; empty where not measured.
    """

    name: str
    seconds: tuple[float, ...]
    memory: tuple[float, ...] = ()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, help="model folder")
    parser.add_argument(
        "--against",
        metavar="CHECKPOINT",
        help="Hub id or folder: adds transformers, a plain torch.onnx.export of it, and OpenVINO "
        "where it is installed",
    )
    parser.add_argument("--size", type=parse_size, help="one of the card's; default: the largest")
    parser.add_argument("--threads", type=positive, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=positive, default=11)


def run(args: argparse.Namespace) -> None:
    """Print a Markdown table, ratio first."""
    card = load_card(args.folder)
    sizes = [size for of in card.artifacts for size in of.sizes_hw]
    size_hw = args.size or max(sizes, key=lambda size: size[0] * size[1])
    if size_hw not in sizes:
        raise ConversionError(
            f"{card.name} has no graph for {size_text(size_hw)}. Export it with --size.",
            f"{card.name} 没有 {size_text(size_hw)} 的模型文件。请用 --size 导出。",
        )
    with tempfile.TemporaryDirectory() as scratch:
        contenders = dict(_ours(card, size_hw, args.threads))
        if args.against:
            # Only for this is torch needed, which a host with a card need not have.
            from convert.checkpoint import reference_checkpoint

            checkpoint = reference_checkpoint(args.against, card)
            rivals = _rivals(checkpoint, size_hw, args.threads, Path(scratch))
            contenders = dict(rivals) | contenders
        if not contenders:
            raise ConversionError(
                f"Nothing of {card.name} runs on this host; the reasons are above.",
                f"{card.name} 的文件都无法在本机运行，原因见上。",
            )
        results = take_turns(contenders, args.rounds)
    memory = dict(_memory(card, size_hw, args.threads))
    print(f"{card.name} at {size_text(size_hw)}, {describe_host()}, {args.threads} threads\n")
    print(table([Result(of.name, of.seconds, memory.get(of.name, ())) for of in results]))


def take_turns(contenders: dict[str, Run], rounds: int) -> list[Result]:
    """Time everybody once per round.

    Before each turn there is a rest, and then a run that does not count: what is timed neither pays
    for the threads and caches that others left nor for a processor that was asleep.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            time.sleep(REST)
            work()
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return [Result(name, tuple(found)) for name, found in seconds.items()]


def table(results: list[Result]) -> str:
    """A Markdown table; ratios are to the first contender, larger is faster."""
    first = np.median(results[0].seconds)
    lines = [
        "| run | times as fast | median ms | middle half, ms | load s | loaded MB | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        low, median, high = np.percentile(result.seconds, (25, 50, 75))
        load, loaded, peak = result.memory or (None, None, None)
        cells = (
            result.name,
            f"{first / median:.2f}",
            f"{median * 1e3:.0f}",
            f"{low * 1e3:.0f} to {high * 1e3:.0f}",
            "" if load is None else f"{load:.1f}",
            "" if loaded is None else f"{loaded:.0f}",
            "" if peak is None else f"{peak:.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ours(card: ModelCard, size_hw: SizeHW, threads: int) -> Iterator[tuple[str, Run]]:
    photo = synthetic_photo(size_hw)
    for file_format, precision in dict.fromkeys((of.format, of.precision) for of in card.artifacts):
        name = f"{file_format} {precision}"
        choice = "onnx" if file_format == "onnx" else "ascend"
        try:
            engine = open_engine(card, choice, precision, threads)[0]
        except EngineUnavailable as reason:
            print(f"{name} left out: {reason}", file=sys.stderr)
            continue
        if size_hw not in engine.sizes_hw:
            print(f"{name} left out: not made for {size_text(size_hw)}", file=sys.stderr)
            continue
        pixel_values = preprocess(photo, engine.input, [size_hw], card.mask_stride)[0]
        yield name, partial(engine.run, pixel_values)


def _rivals(
    checkpoint: "Checkpoint", size_hw: SizeHW, threads: int, scratch: Path
) -> Iterator[tuple[str, Run]]:
    import onnx
    import torch

    from convert.exportable import write_graph

    torch.set_num_threads(threads)
    photo = synthetic_photo(size_hw)[None]
    yield "transformers, eager", lambda: checkpoint.run(photo)
    yield "plain torch.onnx.export in onnxruntime", _plain(checkpoint, photo, threads, scratch)
    if importlib.util.find_spec("openvino"):
        # It has no deformable convolution; everything else is the same graph.
        graph = write_graph(
            checkpoint.model, checkpoint.input_spec, size_hw, sampling="grid-sample"
        )
        path = scratch / "openvino.onnx"
        onnx.save(graph, path)
        for precision in ("f32", "bf16"):
            yield f"OpenVINO {precision}, our graph", _openvino(path, photo, threads, precision)
    else:
        print("OpenVINO left out: not installed", file=sys.stderr)


def _plain(checkpoint: "Checkpoint", photo: UInt8, threads: int, scratch: Path) -> Run:
    """What anybody gets without this package: torch's exporter on transformers' own forward."""
    import onnxruntime as ort
    import torch

    pixel_values = checkpoint.pixel_values(photo)
    path = scratch / "plain.onnx"
    with torch.inference_mode():
        torch.onnx.export(checkpoint.model, (pixel_values,), path, dynamo=True, verbose=False)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [of.name for of in session.get_outputs()][:2]
    feeds = {session.get_inputs()[0].name: pixel_values.numpy()}
    return lambda: session.run(outputs, feeds)


def _openvino(path: Path, photo: npt.NDArray[Any], threads: int, precision: str) -> Run:
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
    return lambda: request.infer({0: photo})


def _memory(
    card: ModelCard, size_hw: SizeHW, threads: int
) -> Iterator[tuple[str, tuple[float, ...]]]:
    for artifact in card.artifacts:
        if artifact.format == "onnx" and size_hw in artifact.sizes_hw:
            arguments = [str(card.path(artifact)), *map(str, (threads, *size_hw))]
            done = subprocess.run(
                [sys.executable, "-c", LOADER, *arguments],
                capture_output=True,
                text=True,
                check=True,
            )
            yield f"onnx {artifact.precision}", tuple(map(float, done.stdout.split()))
