"""The OMs that are tried on a card, and the choice between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from convert.ascend.command_line import Tuning
from convert.graph.operator_rules.operators import CHIPS_OF_OPERATOR
from convert.logits_difference import LogitsDifference
from segmentation.errors import ConversionError

# A cut-out may differ from onnxruntime's by this much; half precision moves a few edge cells.
LEAST_MEAN_IOU, LEAST_IOU = 0.99, 0.97


@dataclass(frozen=True, slots=True)
class Trial:
    """What one way of compiling came to.

    Attributes:
        tuning: how atc compiled.
        ious: cut-out IoU with onnxruntime, one for each photo with a cut-out.
        logits: difference of the logits, one for each photo.
        milliseconds: median time of an inference.
        failure: why it did not work; the other fields are empty then.
    """

    tuning: Tuning
    ious: tuple[float, ...] = ()
    logits: tuple[LogitsDifference, ...] = ()
    milliseconds: float = float("inf")
    failure: str | None = None

    @property
    def mean_iou(self) -> float:
        """Mean of the IoUs; 0 if it did not work."""
        return sum(self.ious) / len(self.ious) if self.ious else 0.0

    @property
    def is_accurate(self) -> bool:
        """Whether the cut-outs are those of onnxruntime."""
        return self.mean_iou >= LEAST_MEAN_IOU and min(self.ious) >= LEAST_IOU


def candidates(soc: str) -> tuple[Tuning, ...]:
    """List the ways of compiling that are worth a trial on a chip, the default first."""
    tunings = [
        Tuning("mixed"),
        Tuning("cube"),
        Tuning("fp16"),
        Tuning("mixed", sampling="gather"),
    ]
    if soc.startswith(CHIPS_OF_OPERATOR["GridSampleV2"]):
        tunings.insert(1, Tuning("mixed", sampling="grid-sample-v2"))
        tunings.append(Tuning("fp32"))
    return tuple(tunings)


def choose(trials: Sequence[Trial]) -> Trial:
    """Return the fastest accurate trial; if none is accurate, the most accurate one.

    Raises:
        ConversionError: none worked.
    """
    working = [trial for trial in trials if trial.failure is None]
    if not working:
        raise ConversionError(
            f"No OM worked on this card. The first failure: {trials[0].failure}",
            f"没有任何 OM 能在该卡上运行。第一个错误：{trials[0].failure}",
        )
    if accurate := [trial for trial in working if trial.is_accurate]:
        return min(accurate, key=lambda trial: trial.milliseconds)
    return max(working, key=lambda trial: trial.mean_iou)
