"""What both run-times promise."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy.typing as npt

from segmentation.arrays import Float32, SizeHW
from segmentation.model_card import InputSpec


class Logits(NamedTuple):
    """What Mask2Former says of one photo, before any softmax or sigmoid.

    Attributes:
        class_queries_logits: float32 (Q, C+1); the last class is "no object".
        masks_queries_logits: float32 (Q, h, w) at the model's mask resolution.
    """

    class_queries_logits: Float32
    masks_queries_logits: Float32


class Engine(ABC):
    """A loaded model on one device, safe to call from any thread."""

    @property
    @abstractmethod
    def input(self) -> InputSpec:
        """What `run` takes; the compiled form may take something else than the card's graph."""

    @property
    @abstractmethod
    def sizes_hw(self) -> tuple[SizeHW, ...]:
        """The input sizes (height, width) it accepts, in pixels."""

    @property
    @abstractmethod
    def device(self) -> str:
        """What really computes, as a badge shows it: a provider's or a chip's name."""

    @property
    def max_concurrency(self) -> int:
        """How many photos are worth having under way together; more would only wait."""
        return 1

    @abstractmethod
    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Infer one photo.

        Args:
            pixel_values: one photo as `input` asks for it (see `preprocess.preprocess`),
                of a size in `sizes_hw`.

        Raises:
            InferenceFailed: the device did not bring the photo through.
        """

    @abstractmethod
    def close(self) -> None:
        """Give the device back; may be called more than once."""
