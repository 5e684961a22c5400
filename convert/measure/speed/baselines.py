"""Other ways to run a checkpoint, which the artifacts are timed against.

torch, onnx and OpenVINO are imported where they are used: a host with an Ascend card need not have
them.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from convert.synthetic_photo import synthetic_photo
from segmentation.arrays import SizeHW, UInt8
from segmentation.engines.telemetry import import_onnxruntime

if TYPE_CHECKING:
    from convert.checkpoint import Checkpoint

# One run of the model on one photo.
Inference = Callable[[], object]


def open_baselines(
    checkpoint: "Checkpoint", size_hw: SizeHW, threads: int, scratch: Path
) -> Iterator[tuple[str, Inference]]:
    """Open a checkpoint in transformers, onnxruntime and OpenVINO.

    OpenVINO is left out, with a line on stderr, where it is not installed.

    Args:
        checkpoint: the checkpoint.
        size_hw: input size.
        threads: for each runtime.
        scratch: folder for graphs, which has to stay while the inferences are in use.

    Yields:
        The name of the baseline and its inference.
    """
    import onnx
    import torch

    from convert.graph.mask2former import write_graph

    torch.set_num_threads(threads)
    photo = synthetic_photo(size_hw)[None]
    yield "transformers, eager", lambda: checkpoint.run(photo)
    plain = _plain_export(checkpoint, photo, threads, scratch)
    yield "plain torch.onnx.export in onnxruntime", plain
    if importlib.util.find_spec("openvino"):
        # OpenVINO has no deformable convolution; the rest of the graph is the same.
        graph = write_graph(
            checkpoint.model, checkpoint.input_spec, size_hw, sampling="grid-sample"
        )
        path = scratch / "openvino.onnx"
        onnx.save(graph, path)
        for precision in ("f32", "bf16"):
            yield f"OpenVINO {precision}, our graph", _openvino(path, photo, threads, precision)
    else:
        print("OpenVINO left out: not installed", file=sys.stderr)


def _plain_export(checkpoint: "Checkpoint", photo: UInt8, threads: int, scratch: Path) -> Inference:
    """The graph that torch's own exporter makes of transformers' forward pass."""
    import torch

    ort = import_onnxruntime()
    pixel_values = checkpoint.pixel_values(photo)
    path = scratch / "plain.onnx"
    with torch.inference_mode():
        torch.onnx.export(checkpoint.model, (pixel_values,), path, dynamo=True, verbose=False)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()][:2]
    feeds = {session.get_inputs()[0].name: pixel_values.numpy()}
    return lambda: session.run(outputs, feeds)


def _openvino(path: Path, photo: UInt8, threads: int, precision: str) -> Inference:
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
    return lambda: request.infer({0: photo})
