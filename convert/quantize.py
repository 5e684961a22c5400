"""python -m convert quantize: 8-bit weights and activations beside the float graphs.

Matrix products become onnxruntime's DynamicQuantizeMatMul: weights int8, scaled per column,
activations uint8, scaled per run by their own range; nothing needs calibrating. Wide convolutions
and the feed-forward layers need fixed ranges, so they gain only where photos are given to measure
them on. Attention scores, masks, norms and the sampling itself stay float.
"""

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx

from convert.export import describe
from convert.folder import move_in, scratch
from convert.graph.int8 import Range, feed_forward, is_wide_convolution, quantize_graph, readers_of
from segmentation.errors import ConversionError
from segmentation.image.read import read_photo
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import Artifact, ModelCard, check_artifact, load_card, save_card


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, help="model folder, as export made it")
    parser.add_argument(
        "--calibrate",
        type=Path,
        nargs="+",
        default=[],
        metavar="PHOTO",
        help="photos to measure ranges on, so that wide convolutions become int8 too",
    )


def run(args: argparse.Namespace) -> None:
    """Quantise as the command line says."""
    card = quantize(load_card(args.folder), args.calibrate)
    for artifact in card.artifacts:
        print(f"{card.path(artifact)}: {artifact.bytes / 1e6:.1f} MB, {artifact.precision}")


def quantize(card: ModelCard, photos: Iterable[Path] = ()) -> ModelCard:
    """Write an int8 twin of every float graph, and list them in the card behind the floats.

    Raises:
        ConversionError: the folder holds no float graph.
        OSError: the disk is full.
        ModelDamaged: a graph is missing or altered.
        PhotoError: a photo cannot be read.
    """
    floats = [of for of in card.artifacts if of.format == "onnx" and of.precision == "fp32"]
    if not floats:
        raise ConversionError(
            f"{card.folder} has no fp32 graph to quantise. Export it first.",
            f"{card.folder} 里没有可量化的 fp32 模型。请先导出。",
        )
    photos = tuple(photos)
    with scratch(card.folder) as partial:
        twins = tuple(_write_twin(card, artifact, photos, partial) for artifact in floats)
        replaced = {twin.file for twin in twins}
        others = tuple(of for of in card.artifacts if of.file not in replaced)
        card = replace(card, artifacts=others + twins)
        save_card(replace(card, folder=partial))
        move_in(partial, card.folder)
    return card


def _write_twin(
    card: ModelCard, artifact: Artifact, photos: tuple[Path, ...], folder: Path
) -> Artifact:
    model = onnx.load(check_artifact(card, artifact))
    ranges = _ranges(model, list(_inputs(card, artifact, photos))) if photos else {}
    path = folder / f"{Path(artifact.file).stem}_int8.onnx"
    onnx.save(quantize_graph(model, ranges), path)
    return describe(path, "int8", artifact.sizes_hw)


def _inputs(
    card: ModelCard, artifact: Artifact, photos: tuple[Path, ...]
) -> Iterator[npt.NDArray[Any]]:
    for path in photos:
        rgb = read_photo(path).rgb
        yield preprocess(rgb, card.input, artifact.sizes_hw, card.mask_stride)[0]


def _ranges(model: onnx.ModelProto, inputs: list[npt.NDArray[Any]]) -> dict[str, Range]:
    """Least and greatest value around wide convolutions and inside feed-forward layers."""
    import onnxruntime as ort

    weights = {of.name: of for of in model.graph.initializer}
    readers = readers_of(model)
    around: list[str] = []
    for node in model.graph.node:
        if is_wide_convolution(node, weights):
            around += [node.input[0], node.output[0]]
        elif layer := feed_forward(node, readers, weights):
            around += [layer.source, layer.middle]
    around = list(dict.fromkeys(around))
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    observed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in around)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "observed.onnx"
        onnx.save(observed, path)
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        ranges: dict[str, Range] = {}
        for pixel_values in inputs:
            values = session.run(around, {session.get_inputs()[0].name: pixel_values})
            for name, value in zip(around, values, strict=True):
                low, high = ranges.get(name, (0.0, 0.0))
                ranges[name] = (min(low, float(value.min())), max(high, float(value.max())))
    return ranges
