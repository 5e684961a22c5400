"""From a photo to its objects: the expensive step, done once per photo."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from segmentation.engines.registry import Engine, EngineChoice, open_engine
from segmentation.errors import InferenceFailed
from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.inference.postprocess import Segmentation, find_instances
from segmentation.inference.preprocess import preprocess
from segmentation.inference.self_check import SelfCheck
from segmentation.model_card import ModelCard


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds spent on one photo.

    Attributes:
        load: opening the model; 0 if it was open already.
        prepare: scaling the photo to the model's input.
        infer: inference on the device.
        instances: from logits to objects.
    """

    load: float
    prepare: float
    infer: float
    instances: float


class Segmenter:
    """Finds the objects in photos. The engine is opened for the first photo.

    Safe to use from any thread; all threads share the engine.

    Args:
        card: the model.
        choice: which engine to use.
        precision: of the artifact; None leaves it to the engine.
        threads: for onnxruntime; 0 takes all cores.
        spin: for onnxruntime; see `open_engine`.
        checks_itself: whether an engine with compiled artifacts is compared with the ONNX graph
            once, in the background; a difference becomes a notice.
    """

    def __init__(
        self,
        card: ModelCard,
        choice: EngineChoice = "auto",
        precision: str | None = None,
        threads: int = 0,
        spin: bool = False,
        *,
        checks_itself: bool = False,
    ) -> None:
        self.card = card
        self._choice = choice
        self._precision = precision
        self._threads = threads
        self._spin = spin
        self._lock = threading.Lock()
        self._opened: tuple[Engine, tuple[Text, ...]] | None = None
        self._slots = threading.Semaphore()
        self._checks_itself = checks_itself
        self._self_check: SelfCheck | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments only; the copy opens an engine of its own."""
        return type(self), (self.card, self._choice, self._precision, self._threads, self._spin)

    def open(self) -> tuple[Engine, tuple[Text, ...]]:
        """Load the model, unless it is loaded already.

        Returns:
            The engine, and notices about its choice.

        Raises:
            EngineUnavailable: no engine, or not the forced one, can start here.
            ModelDamaged: an artifact is missing or altered.
        """
        with self._lock:
            if self._opened is None:
                self._opened = open_engine(
                    self.card, self._choice, self._precision, self._threads, self._spin
                )
                engine = self._opened[0]
                self._slots = threading.Semaphore(engine.max_concurrency)
                if self._checks_itself and engine.compiled_artifacts:
                    self._self_check = SelfCheck(self.card, engine)
            return self._opened

    @property
    def device(self) -> str | None:
        """The device that runs the model; None before the engine is opened."""
        return self._opened[0].device if self._opened else None

    @property
    def max_concurrency(self) -> int:
        """How many photos the engine can process at a time; 1 before it is opened."""
        return self._opened[0].max_concurrency if self._opened else 1

    @property
    def notices(self) -> tuple[Text, ...]:
        """Notices about the engine's choice and its devices; empty before it is opened."""
        if self._opened is None:
            return ()
        engine, notices = self._opened
        check_notices = self._self_check.notices if self._self_check else ()
        # Those of the engine change while it runs.
        return tuple(dict.fromkeys((*notices, *engine.notices, *check_notices)))

    def segment(self, photo: Photo, threshold: float | None = None) -> tuple[Segmentation, Timings]:
        """Find the objects in a photo.

        Args:
            photo: the photo.
            threshold: minimum score of an object, 0..1; None takes the card's.

        Raises:
            EngineUnavailable: the engine cannot start.
            InferenceFailed: the engine failed on this photo.
            ModelDamaged: an artifact is missing or altered.
        """
        card = self.card
        start = time.perf_counter()
        engine, _ = self.open()
        loaded = time.perf_counter()
        pixel_values, geometry = preprocess(
            photo.on_white, engine.input, engine.sizes_hw, card.mask_stride
        )
        prepared = time.perf_counter()
        with self._slots:  # callers that decode meanwhile are more than the engine takes
            started = time.perf_counter()
            logits = engine.run(pixel_values)
            inferred = time.perf_counter()
        # The minimum is NaN if any value is. +inf, an overflow of float16, would become NaN later.
        if any(np.isnan(values.min()) or values.max() == np.inf for values in logits):
            raise InferenceFailed(
                "The device returned values that are not numbers. Try another precision or engine.",
                "设备返回了无效数值，请换一种精度或引擎。",
            )
        min_score = card.score_threshold if threshold is None else threshold
        segmentation = find_instances(logits, card.labels, geometry, min_score)
        end = time.perf_counter()
        timings = Timings(loaded - start, prepared - loaded, inferred - started, end - inferred)
        return segmentation, timings

    def close(self) -> None:
        """Close the engine; the next photo opens it again."""
        with self._lock:
            if self._opened is not None:
                self._opened[0].close()
                self._opened = None
