"""Accuracy and speed of an OM on this host's card."""

import statistics
import time
import timeit
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from convert.ascend.command_line import Tuning
from convert.measure.verify import Backend, compare_backends
from convert.tune.candidates import Trial
from segmentation.compositing.matting.alpha import make_alpha
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.engines.base import Engine
from segmentation.engines.onnx import OnnxEngine
from segmentation.image.read import read_photo
from segmentation.inference.postprocess import find_instances
from segmentation.inference.preprocess import preprocess
from segmentation.inference.select import select
from segmentation.model_card import Artifact, ModelCard


@dataclass(frozen=True, slots=True)
class Throughput:
    """Prepared photos per second with every device busy.

    Attributes:
        device: the devices, as the badge names them.
        photos_per_s: prepared photos run per second; 0 after a failure.
        batch: number of photos that a run takes at most.
        failure: why it did not work.
    """

    device: str
    photos_per_s: float
    batch: int = 1
    failure: str | None = None


def measure_trial(
    card: ModelCard, om: Artifact, tuning: Tuning, photos: Sequence[Path], rounds: int
) -> Trial:
    """Compare an OM with onnxruntime on photos, and time it on one device.

    Raises:
        EngineUnavailable, InferenceFailed: the device refuses the OM or fails.
    """
    with (
        closing(AscendEngine(card, device_ids=[0])) as engine,
        closing(OnnxEngine(card, "fp32")) as reference,
    ):
        backends = [
            Backend(name, backend.input, om.sizes_hw, backend.run)
            for name, backend in (("onnx", reference), ("om", engine))
        ]
        differences = [
            difference
            for path in photos
            for _, difference in compare_backends(
                card, read_photo(path).rgb, backends[0], backends[1:]
            )
        ]
        pixel_values, _ = preprocess(
            read_photo(photos[0]).rgb, engine.input, om.sizes_hw, card.mask_stride
        )
        seconds = timeit.repeat(lambda: engine.run(pixel_values), number=1, repeat=rounds)
    return Trial(
        tuning=tuning,
        ious=tuple(item.cutout_iou for item in differences if item.cutout_iou is not None),
        logits=tuple(item.logits for item in differences),
        milliseconds=1000 * statistics.median(seconds),
    )


def measure_stages(card: ModelCard, engine: Engine, photos: Sequence[Path]) -> Mapping[str, float]:
    """Measure the median milliseconds of each stage, from the file to the alpha."""
    stages: dict[str, list[float]] = {}
    for path in photos:
        times = [time.perf_counter()]
        rgb = read_photo(path).rgb
        times.append(time.perf_counter())
        pixel_values, geometry = preprocess(rgb, engine.input, engine.sizes_hw, card.mask_stride)
        times.append(time.perf_counter())
        logits = engine.run(pixel_values)
        times.append(time.perf_counter())
        segmentation = find_instances(logits, card.labels, geometry, card.score_threshold)
        times.append(time.perf_counter())
        make_alpha(rgb, segmentation.mask_logits(select(segmentation, "auto")))
        times.append(time.perf_counter())
        names = ("decode", "prepare", "device", "objects", "alpha")
        for name, start, end in zip(names, times[:-1], times[1:], strict=True):
            stages.setdefault(name, []).append(1000 * (end - start))
    return {name: statistics.median(values) for name, values in stages.items()}


def measure_throughput(
    card: ModelCard, engine: Engine, photos: Sequence[Path], rounds: int
) -> Throughput:
    """Measure prepared photos per second with twice as many callers as the engine takes photos."""
    inputs = [
        preprocess(read_photo(path).rgb, engine.input, engine.sizes_hw, card.mask_stride)[0]
        for path in photos
    ]
    count = rounds * engine.max_concurrency
    start = time.perf_counter()
    with ThreadPoolExecutor(2 * engine.max_concurrency) as pool:
        for _ in pool.map(lambda number: engine.run(inputs[number % len(inputs)]), range(count)):
            pass
    batch = max(om.batch for om in engine.compiled_artifacts)
    return Throughput(engine.device, count / (time.perf_counter() - start), batch)
