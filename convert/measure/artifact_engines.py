"""The artifacts of a model folder, opened on this host."""

import sys
from collections.abc import Iterator

from segmentation.engines.base import Engine
from segmentation.engines.registry import open_engine
from segmentation.errors import EngineUnavailable
from segmentation.model_card import ModelCard


def open_artifacts(card: ModelCard, threads: int = 0) -> Iterator[tuple[str, Engine]]:
    """Open every format and precision of a model that runs on this host.

    Those that do not run are named on stderr, with the reason.

    Args:
        card: the model.
        threads: for onnxruntime; 0 takes all cores.

    Yields:
        "FORMAT PRECISION" and the engine.
    """
    kinds = dict.fromkeys((artifact.format, artifact.precision) for artifact in card.artifacts)
    for file_format, precision in kinds:
        name = f"{file_format} {precision}"
        choice = "onnx" if file_format == "onnx" else "ascend"
        try:
            engine, _ = open_engine(card, choice, precision, threads)
        except EngineUnavailable as reason:
            print(f"{name} left out: {reason}", file=sys.stderr)
            continue
        yield name, engine
