"""The run-times a model can run on, and the choice between them."""

from segmentation.engines.ascend.chip import detect_chip
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.engines.base import Engine, Logits
from segmentation.engines.onnx import OnnxEngine
from segmentation.engines.remote import RemoteEngine
from segmentation.errors import EngineUnavailable, ModelDamaged
from segmentation.i18n import Text
from segmentation.model_card import ModelCard

# auto, onnx, ascend, or the address of replicas: http://...
EngineChoice = str

__all__ = [
    "Engine",
    "EngineChoice",
    "Logits",
    "available_chip",
    "detect_chip",
    "is_remote",
    "open_engine",
]


def is_remote(choice: EngineChoice) -> bool:
    """Whether a choice is the address of replicas, which have model files of their own."""
    return choice.startswith(("http://", "https://"))


def available_chip() -> str | None:
    """The chip that `auto` would take; None also for one that does not work.

    Who opens a model on it is told why (see `open_engine`).
    """
    try:
        return detect_chip()
    except EngineUnavailable:
        return None


def open_engine(
    card: ModelCard,
    choice: EngineChoice = "auto",
    precision: str | None = None,
    threads: int = 0,
) -> tuple[Engine, tuple[Text, ...]]:
    """Load a model on what this host has.

    Args:
        card: the model.
        choice: auto, onnx, ascend, or the address of replicas; a forced engine that cannot start
            is an error, never a silent fall-back.
        precision: of the artifact; None takes the card's first choice. Replicas choose their own.
        threads: for onnxruntime; 0 takes all cores.

    Returns:
        The engine, and notices about a fall-back, to be shown.

    Raises:
        EngineUnavailable: the forced engine, or any at all, cannot start here.
        ModelDamaged: an artifact is missing or altered.
    """
    if is_remote(choice):
        return RemoteEngine(card, choice), ()
    if choice == "ascend":
        return AscendEngine(card, precision), ()
    failed: EngineUnavailable | ModelDamaged | None = None
    if choice == "auto":
        try:
            if detect_chip() is not None:
                return AscendEngine(card, precision), ()
        except (EngineUnavailable, ModelDamaged) as reason:
            failed = reason
    try:
        engine = OnnxEngine(card, precision, threads)
    except EngineUnavailable as error:
        # Of a card that was to be used and does not work, that is the reason to be told.
        raise failed or error from error
    if failed is None:
        return engine, ()
    told = failed.text
    return engine, (
        Text(f"{told.en} Going on with onnxruntime.", f"{told.zh}现改用 onnxruntime。"),
    )
