"""The interface of all engines."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy.typing as npt

from segmentation.arrays import Float32, SizeHW
from segmentation.i18n import Text
from segmentation.model_card import Artifact, InputSpec


class Logits(NamedTuple):
    """Raw outputs of Mask2Former for one photo, before softmax and sigmoid.

    Attributes:
        class_queries_logits: float32 (Q, C+1); the last class is "no object".
        masks_queries_logits: float32 (Q, h, w) at the model's mask resolution. A model with a
            subject query has one more row, the last: the mask of the photo's whole subject.
    """

    class_queries_logits: Float32
    masks_queries_logits: Float32


class Engine(ABC):
    """A model loaded on one device, safe to call from any thread."""

    @property
    @abstractmethod
    def input(self) -> InputSpec:
        """The input of `run`. A compiled artifact may differ from the graph in the model card."""

    @property
    @abstractmethod
    def sizes_hw(self) -> tuple[SizeHW, ...]:
        """Accepted input sizes (height, width) in pixels."""

    @property
    @abstractmethod
    def device(self) -> str:
        """Name of the provider or chip that computes, as shown to users."""

    @property
    def max_concurrency(self) -> int:
        """Number of photos worth running at the same time; more would only wait."""
        return 1

    @property
    def computes_on_host(self) -> bool:
        """Whether a run keeps the CPU busy, so that preparing other photos meanwhile is useless."""
        return True

    @property
    def compiled_artifacts(self) -> tuple[Artifact, ...]:
        """The loaded artifacts that a chip's compiler made and that may compute other numbers."""
        return ()

    @property
    def notices(self) -> tuple[Text, ...]:
        """What users should know about the devices now."""
        return ()

    @abstractmethod
    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Run the model on one photo.

        Args:
            pixel_values: uint8 or float32 (1, H, W, 3) or (1, 3, H, W), as `input` says, with
                (H, W) in `sizes_hw`; see `preprocess.preprocess`.

        Returns:
            float32 logits (Q, C+1) and (Q, h, w).

        Raises:
            InferenceFailed: the device did not complete the run.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the device. A second call does nothing."""


def fallback_notices(failures: Iterable[Text], title: str) -> tuple[Text, ...]:
    """Make the notices of a fallback.

    Args:
        failures: why each of those that were tried first did not start.
        title: name of what is used instead.

    Returns:
        One notice for each failure.
    """
    return tuple(
        Text(f"{failure.en} Using {title} instead.", f"{failure.zh}现改用 {title}。")
        for failure in failures
    )
