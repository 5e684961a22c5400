"""Compare what a chip's compiler made with the ONNX graph, on one photo.

atc may compile a graph without an error and wrongly, and a 310P saturates, so that wrong numbers
are not NaN. Each OM is checked once; the result is kept in the user's cache folder.
"""

import json
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from segmentation.arrays import Bool, SizeHW, UInt8
from segmentation.engines.base import Engine
from segmentation.engines.onnx import OnnxEngine
from segmentation.errors import EngineUnavailable, KoutuError
from segmentation.i18n import Text
from segmentation.image.read import read_photo
from segmentation.inference.metrics import iou
from segmentation.inference.postprocess import find_instances
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import Artifact, ModelCard

PHOTO = Path(__file__).parents[2] / "examples" / "chelsea.png"
LEAST_IOU = 0.98

_log = logging.getLogger(__name__)


class SelfCheck:
    """The check of an engine's compiled artifacts, in a thread of its own.

    Args:
        card: the model.
        engine: runs the artifacts; a photo of the check waits in its queue like any other.
    """

    def __init__(self, card: ModelCard, engine: Engine) -> None:
        self._card = card
        self._engine = engine
        self._notices: tuple[Text, ...] = ()
        self._thread = threading.Thread(target=self._check, name="self-check", daemon=True)
        self._thread.start()

    @property
    def notices(self) -> tuple[Text, ...]:
        """A notice for each artifact that was found to compute other cut-outs so far."""
        return self._notices

    def wait(self) -> None:
        """Wait until all artifacts are checked."""
        self._thread.join()

    def _check(self) -> None:
        for artifact in self._engine.compiled_artifacts:
            try:
                overlap = checked_overlap(self._card, self._engine, artifact)
            except (KoutuError, OSError) as error:
                # The engine was closed, or there is nothing to compare with.
                _log.info("%s is not checked: %s", artifact.file, error)
                continue
            if overlap < LEAST_IOU:
                self._notices = (*self._notices, _notice(artifact, overlap))


def checked_overlap(card: ModelCard, engine: Engine, artifact: Artifact) -> float:
    """Return the overlap (IoU, 0..1) of an artifact's cut-out with that of the ONNX graph.

    It is read from the cache if the artifact was checked before.

    Raises:
        EngineUnavailable: the card has no graph for onnxruntime, or none of a size of the artifact.
        InferenceFailed: one of the two fails on the photo.
        OSError: the photo is missing.
    """
    known = _read_cache()
    if artifact.sha256 not in known:
        known[artifact.sha256] = _overlap(card, engine, artifact)
        with suppress(OSError):  # a container may be read-only
            _write_cache(known)
    return known[artifact.sha256]


def _overlap(card: ModelCard, engine: Engine, artifact: Artifact) -> float:
    rgb = read_photo(PHOTO).rgb
    # On every processor the same graph, as the result is kept.
    reference = OnnxEngine(card, card.graphs[0].precision if card.graphs else None)
    try:
        shared_hw = [size_hw for size_hw in artifact.sizes_hw if size_hw in reference.sizes_hw]
        if not shared_hw:
            raise EngineUnavailable(
                f"Model {card.name} has no ONNX graph of the size of this OM. Export it for that "
                "size.",
                f"模型 {card.name} 没有与该 OM 尺寸相同的 ONNX 文件。请按该尺寸导出。",
            )
        (expected,) = _objects(card, reference, rgb, shared_hw, 1)
        # An artifact for several photos takes those that wait.
        callers = engine.max_concurrency if artifact.batch > 1 else 1
        masks = _objects(card, engine, rgb, shared_hw, callers)
    finally:
        reference.close()
    return min(iou(mask, expected) if (mask | expected).any() else 1.0 for mask in masks)


def _objects(
    card: ModelCard, engine: Engine, rgb: UInt8, sizes_hw: list[SizeHW], callers: int
) -> list[Bool]:
    """The mask of all objects at the model's resolution, bool (h, w), for each caller."""
    pixel_values, geometry = preprocess(rgb, engine.input, sizes_hw, card.mask_stride)

    def find(_: int) -> Bool:
        logits = engine.run(pixel_values)
        segmentation = find_instances(logits, card.labels, geometry, card.score_threshold)
        ids = [instance.id for instance in segmentation.instances]
        return segmentation.mask_logits(ids) > 0

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(find, range(callers)))


def _notice(artifact: Artifact, overlap: float) -> Text:
    return Text(
        f"{artifact.file} does not compute what the ONNX graph does: on a test photo their "
        f"cut-outs overlap by {overlap:.0%}. Convert the model again with --precision cube or "
        "--sampling gather, or use --engine onnx.",
        f"{artifact.file} 的结果与 ONNX 不一致：测试照片上两者抠图的重合度只有 {overlap:.0%}。"
        "请用 --precision cube 或 --sampling gather 重新转换，或改用 --engine onnx。",
    )


def _cache_file() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "koutu" / "self_check.json"


def _read_cache() -> dict[str, float]:
    try:
        known = json.loads(_cache_file().read_text("utf-8"))
        return {str(digest): float(overlap) for digest, overlap in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write_cache(known: dict[str, float]) -> None:
    path = _cache_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    partial.replace(path)
