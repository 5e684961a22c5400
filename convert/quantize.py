"""python -m convert quantize: write int8 graphs beside the float graphs of a model folder.

Matrix products become onnxruntime's DynamicQuantizeMatMul: int8 weights with one scale per column,
uint8 activations whose scale is computed at each run, so no calibration is needed. Wide
convolutions and feed-forward layers need fixed ranges, so they become int8 only if photos are given
to measure the ranges on. Products over the queries and around sampling, attention scores, masks,
norms and sampling stay in float32; their weights are those in the float graph's file.
"""

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from convert.export import describe_graph
from convert.graph.half_weights import load_graph
from convert.graph.int8.patterns import calibrated_values
from convert.graph.int8.rewrite import quantize_graph
from convert.graph.int8.values import Range
from convert.graph.shared_weights import share_weights
from convert.model_folder import move_files, scratch_folder
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.errors import ConversionError
from segmentation.image.read import read_photo
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import Artifact, ModelCard, check_artifact, load_card, save_card

# Ranges are this much wider than measured. Other photos have elements beyond the measured range,
# and cutting those off costs more than coarser steps.
MARGIN = np.float32(1.25)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("folder", type=Path, help="model folder, as export wrote it")
    parser.add_argument(
        "--calibrate",
        type=Path,
        nargs="+",
        default=[],
        metavar="PHOTO",
        help="photos to measure ranges on, so that wide convolutions and feed-forward layers "
        "become int8 too",
    )


def run(args: argparse.Namespace) -> None:
    """Quantise a model folder and print its artifacts."""
    card = quantize(load_card(args.folder), args.calibrate)
    for artifact in card.artifacts:
        print(f"{card.path(artifact)}: {artifact.bytes / 1e6:.1f} MB, {artifact.precision}")


def quantize(card: ModelCard, photos: Iterable[Path] = ()) -> ModelCard:
    """Write an int8 version of every float graph, listed in the card after the float graphs.

    Args:
        card: the model.
        photos: photos to measure activation ranges on.

    Returns:
        The new card.

    Raises:
        ConversionError: the folder holds no float graph.
        ModelDamaged: a graph is missing or was changed.
        OSError: the disk is full.
        PhotoError: a photo cannot be read.
    """
    if not card.source_graphs:
        raise ConversionError(
            f"{card.folder} has no fp32 graph to quantise. Export it first.",
            f"{card.folder} 中没有可量化的 fp32 模型。请先导出。",
        )
    photos = tuple(photos)
    with scratch_folder(card.folder) as partial:
        quantized = tuple(_write_int8(card, graph, photos, partial) for graph in card.source_graphs)
        replaced = {artifact.file for artifact in quantized}
        listed = load_card(card.folder).artifacts  # another run may have added some
        kept = tuple(artifact for artifact in listed if artifact.file not in replaced)
        card = replace(card, artifacts=kept + quantized)
        save_card(replace(card, folder=partial))
        move_files(partial, card.folder)
    return card


def _write_int8(
    card: ModelCard, artifact: Artifact, photos: tuple[Path, ...], folder: Path
) -> Artifact:
    source = check_artifact(card, artifact)
    model = load_graph(source)
    ranges = _measure_ranges(model, _inputs(card, artifact, photos)) if photos else {}
    quantized = quantize_graph(model, ranges)
    weights_file = artifact.file if share_weights(quantized, source) else None
    path = folder / f"{Path(artifact.file).stem}_int8.onnx"
    onnx.save(quantized, path)
    return describe_graph(path, "int8", artifact.sizes_hw, artifact.sampling, weights_file)


def _inputs(
    card: ModelCard, artifact: Artifact, photos: tuple[Path, ...]
) -> Iterator[npt.NDArray[Any]]:
    for path in photos:
        rgb = read_photo(path).rgb
        yield preprocess(rgb, card.input, artifact.sizes_hw, card.mask_stride)[0]


def _measure_ranges(
    model: onnx.ModelProto, inputs: Iterable[npt.NDArray[Any]]
) -> Mapping[str, Range]:
    """Run the float graph, and return the range of each calibrated value: of a map by channel.

    The ranges are widened by MARGIN.
    """
    ort = import_onnxruntime()
    names = calibrated_values(model)
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    observed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "observed.onnx"
        onnx.save(observed, path)
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        ranges: dict[str, Range] = {}
        for pixel_values in inputs:
            values = session.run(names, {session.get_inputs()[0].name: pixel_values})
            for name, value in zip(names, values, strict=True):
                axes = (0, 2, 3) if value.ndim == 4 else None
                low, high = value.min(axes), value.max(axes)
                before = ranges.get(name, (low, high))
                ranges[name] = np.minimum(before[0], low), np.maximum(before[1], high)
    return {name: (low * MARGIN, high * MARGIN) for name, (low, high) in ranges.items()}
