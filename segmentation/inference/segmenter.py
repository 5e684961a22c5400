"""A photo in, its objects out: the expensive step, done once a photo."""

import threading
import time
from dataclasses import dataclass

import numpy as np

from segmentation.engines.registry import Engine, EngineChoice, open_engine
from segmentation.errors import InferenceFailed
from segmentation.i18n import Text
from segmentation.image.photo import Photo
from segmentation.inference.postprocess import Segmentation, find_instances
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import ModelCard


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds spent on one photo.

    Attributes:
        load: opening the model; 0 when it was open already.
        prepare: scaling the photo for the model.
        infer: on the device.
        instances: from logits to objects.
    """

    load: float
    prepare: float
    infer: float
    instances: float


class Segmenter:
    """Finds the objects in photos on an engine that is opened when the first photo comes.

    It can be used from any number of threads; they share the engine.

    Args:
        card: the model.
        choice: which engine to use.
        precision: of the artifact; None takes the card's first choice.
        threads: for onnxruntime; 0 takes all cores.
    """

    def __init__(
        self,
        card: ModelCard,
        choice: EngineChoice = "auto",
        precision: str | None = None,
        threads: int = 0,
    ) -> None:
        self.card = card
        self._request = (choice, precision, threads)
        self._opening = threading.Lock()
        self._opened: tuple[Engine, tuple[Text, ...]] | None = None

    def open(self) -> tuple[Engine, tuple[Text, ...]]:
        """The engine and the notices of its choice; the first call loads it.

        Raises:
            EngineUnavailable: no engine, or not the forced one, can start here.
            ModelDamaged: an artifact is missing or altered.
        """
        with self._opening:
            if self._opened is None:
                choice, precision, threads = self._request
                self._opened = open_engine(self.card, choice, precision, threads)
            return self._opened

    @property
    def device(self) -> str | None:
        """What really computes, or None as long as no photo has needed it."""
        return self._opened[0].device if self._opened else None

    @property
    def max_concurrency(self) -> int:
        """How many photos the opened engine brings through together; 1 before it is opened."""
        return self._opened[0].max_concurrency if self._opened else 1

    @property
    def notices(self) -> tuple[Text, ...]:
        """What to know about the choice of the engine, once it is opened."""
        return self._opened[1] if self._opened else ()

    def segment(self, photo: Photo, threshold: float | None = None) -> tuple[Segmentation, Timings]:
        """Find the objects in a photo.

        Args:
            photo: the photo.
            threshold: least score of an object, 0..1; None takes the card's.

        Raises:
            EngineUnavailable, ModelDamaged: the engine could not be opened.
            InferenceFailed: the device did not bring this photo through.
        """
        card = self.card
        start = time.perf_counter()
        engine, _ = self.open()
        loaded = time.perf_counter()
        pixel_values, geometry = preprocess(
            photo.on_white, engine.input, engine.sizes_hw, card.mask_stride
        )
        prepared = time.perf_counter()
        logits = engine.run(pixel_values)
        # A minimum is NaN where any value is; +inf, of float16 that overflowed, would become NaN.
        if any(np.isnan(values.min()) or values.max() == np.inf for values in logits):
            raise InferenceFailed(
                "The device returned values that are not numbers. Try another precision or engine.",
                "设备返回了无效数值。请换一种精度或引擎。",
            )
        inferred = time.perf_counter()
        least = card.score_threshold if threshold is None else threshold
        segmentation = find_instances(logits, card.labels, geometry, least)
        end = time.perf_counter()
        timings = Timings(loaded - start, prepared - loaded, inferred - prepared, end - inferred)
        return segmentation, timings

    def close(self) -> None:
        """Give the engine back; a later photo opens it again."""
        with self._opening:
            if self._opened is not None:
                self._opened[0].close()
                self._opened = None
