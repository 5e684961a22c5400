"""The comparison of exported graphs with transformers, before they are kept."""

import numpy as np

from convert.arguments import format_size
from convert.checkpoint import Checkpoint
from convert.logits_difference import compare_logits
from convert.synthetic_photo import synthetic_photo
from segmentation.arrays import UInt8
from segmentation.engines.base import Logits
from segmentation.engines.onnx import OnnxEngine
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.errors import ConversionError
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import Artifact, ModelCard


def compare_with_transformers(
    checkpoint: Checkpoint, card: ModelCard, *, halves: bool = False
) -> None:
    """Compare every graph with transformers on a synthetic photo.

    Args:
        checkpoint: what the graphs were written from.
        card: the graphs.
        halves: whether their weights are stored as float16.

    Raises:
        ConversionError: the results differ by more than rounding.
    """
    engine = OnnxEngine(card)
    # The widest and the tallest size of each graph, so that swapped axes show.
    by_aspect = (
        sorted(artifact.sizes_hw, key=lambda size_hw: size_hw[0] / size_hw[1])
        for artifact in card.artifacts
    )
    for size_hw in dict.fromkeys(
        size_hw for sizes in by_aspect for size_hw in (sizes[0], sizes[-1])
    ):
        photo = synthetic_photo(size_hw)
        pixel_values, _ = preprocess(photo, card.input, [size_hw], card.mask_stride)
        logits = engine.run(pixel_values)
        _check(checkpoint, photo, logits, format_size(size_hw), halves=halves)
    engine.close()
    for graph in card.artifacts:
        if graph.batch > 1:
            _compare_batch(checkpoint, card, graph)


def _compare_batch(checkpoint: Checkpoint, card: ModelCard, graph: Artifact) -> None:
    """Compare a graph of several photos, each of which is another one.

    Raises:
        ConversionError: the results differ by more than rounding.
    """
    (size_hw,) = graph.sizes_hw
    photos = [
        np.roll(synthetic_photo(size_hw), number * size_hw[1] // graph.batch, axis=1)
        for number in range(graph.batch)
    ]
    prepared = [preprocess(photo, card.input, [size_hw], card.mask_stride)[0] for photo in photos]
    session = import_onnxruntime().InferenceSession(
        card.path(graph), providers=["CPUExecutionProvider"]
    )
    outputs = session.run(list(card.outputs), {card.input.name: np.concatenate(prepared)})
    for number, (photo, classes, masks) in enumerate(zip(photos, *outputs, strict=True), start=1):
        place = f"{format_size(size_hw)} ({number}/{graph.batch})"
        _check(checkpoint, photo, Logits(classes, masks), place)


def _check(
    checkpoint: Checkpoint, photo: UInt8, logits: Logits, place: str, *, halves: bool = False
) -> None:
    """Print the difference of one photo's logits.

    Raises:
        ConversionError: it is more than rounding.
    """
    difference = compare_logits(checkpoint.run(photo[None]), logits)
    print(
        f"At {place} against transformers: "
        f"class logits {difference.class_max:.1e}, mask logits {difference.mask_max:.1e}, "
        f"mask agreement {difference.mask_agreement:.3%}"
    )
    if not (difference.is_half_rounding if halves else difference.is_rounding):
        raise ConversionError(
            f"At {place} the graph disagrees with transformers; nothing was written. "
            "Please report the checkpoint.",
            f"尺寸 {place} 的计算图与 transformers 的结果不一致，未写出任何文件。请反馈该检查点。",
        )
