"""The engines that can run a model, one row each, and the choice between them.

To add an engine, write a subclass of `Engine` in a module of its own and add a row to `ENGINES`.
The command line, its help, `auto` and `open_engine` follow the row.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from segmentation.engines.ascend.chip import detect_chip
from segmentation.engines.base import Engine, Logits, fallback_notices
from segmentation.engines.onnx_providers import PROVIDERS
from segmentation.errors import ChoiceError, EngineUnavailable, ModelDamaged
from segmentation.i18n import Text
from segmentation.model_card import ModelCard

# auto, the name of an engine, or the address of replicas: see `check_engine_choice`.
EngineChoice = str
AUTO = "auto"

__all__ = [
    "AUTO",
    "ENGINES",
    "Engine",
    "EngineChoice",
    "EngineSpec",
    "Logits",
    "available_chip",
    "check_engine_choice",
    "detect_chip",
    "engine_choices",
    "is_ascend",
    "is_remote",
    "open_engine",
]


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One row of the registry.

    Attributes:
        name: key of the row.
        title: product name, as notices show it.
        choice_pattern: regular expression; a choice that matches it in full means this engine.
        choice_help: how such a choice is written, for help texts and error messages.
        open: loads a card with a choice, a precision (None: its own choice), a number of threads
            (0: all cores) and whether they may spin; raises EngineUnavailable or ModelDamaged.
        auto_rank: `auto` tries engines in ascending order; None: `auto` never takes this one.
        is_present: for `auto`: False if this host has nothing of the engine, which needs no notice;
            raises EngineUnavailable, which becomes a notice, if it has but that does not work.
    """

    name: str
    title: str
    choice_pattern: str
    choice_help: Text
    open: Callable[[ModelCard, EngineChoice, str | None, int, bool], Engine]
    auto_rank: int | None = None
    is_present: Callable[[], bool] = lambda: True

    def matches(self, choice: EngineChoice) -> bool:
        """Whether a choice means this engine."""
        return re.fullmatch(self.choice_pattern, choice) is not None


def _open_onnx(
    card: ModelCard, choice: EngineChoice, precision: str | None, threads: int, spin: bool
) -> Engine:
    from segmentation.engines.onnx import OnnxEngine

    return OnnxEngine(card, precision, threads, spin, choice.partition(":")[2] or None)


def _open_ascend(
    card: ModelCard, choice: EngineChoice, precision: str | None, _threads: int, _spin: bool
) -> Engine:
    from segmentation.engines.ascend.engine import AscendEngine

    _, _, devices = choice.partition(":")
    device_ids = [int(device) for device in devices.split(",")] if devices else None
    return AscendEngine(card, precision, device_ids=device_ids)


def _open_remote(
    card: ModelCard, choice: EngineChoice, _precision: str | None, _threads: int, _spin: bool
) -> Engine:
    from segmentation.engines.remote import RemoteEngine

    return RemoteEngine(card, choice)


# In the order of help texts; an engine that is chosen by an address comes last.
_SPECS = (
    EngineSpec(
        name="onnx",
        title="onnxruntime",
        choice_pattern=f"onnx(:({'|'.join(PROVIDERS)}))?",
        choice_help=Text(
            f"onnx, onnx:PROVIDER ({', '.join(PROVIDERS)})",
            f"onnx、onnx:PROVIDER（{'、'.join(PROVIDERS)}）",
        ),
        open=_open_onnx,
        auto_rank=2,
    ),
    EngineSpec(
        name="ascend",
        title="Ascend",
        choice_pattern=r"ascend(:\d+(,\d+)*)?",
        choice_help=Text("ascend, ascend:0,1 (these devices)", "ascend、ascend:0,1（指定设备）"),
        open=_open_ascend,
        auto_rank=1,
        is_present=lambda: detect_chip() is not None,
    ),
    EngineSpec(
        name="remote",
        title="replicas",
        choice_pattern=r"https?://[^\s?#]+",
        choice_help=Text(
            "the address of replicas: http://HOST:PORT", "副本的地址：http://主机:端口"
        ),
        open=_open_remote,
    ),
)
ENGINES: Mapping[str, EngineSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})


def engine_choices() -> str:
    """List the choices of an engine in English, for help texts."""
    return _choices().en


def check_engine_choice(text: str) -> EngineChoice:
    """Validate the choice of an engine.

    Returns:
        The choice, unchanged.

    Raises:
        ChoiceError: neither `auto` nor a choice of any engine; the message lists the choices.
    """
    if text == AUTO or any(spec.matches(text) for spec in ENGINES.values()):
        return text
    choices = _choices()
    raise ChoiceError(
        f"Unknown engine {text}. Choose {choices.en}.",
        f"没有引擎 {text}。可选：{choices.zh}。",
    )


def is_remote(choice: EngineChoice) -> bool:
    """Whether a choice is the address of replicas, which have their own model files."""
    return ENGINES["remote"].matches(choice)


def is_ascend(choice: EngineChoice) -> bool:
    """Whether a choice means Ascend devices, and nothing else."""
    return ENGINES["ascend"].matches(choice)


def available_chip() -> str | None:
    """Detect the chip that `auto` would take.

    Returns:
        The chip; None if there is none, or one that does not work (`open_engine` says why).
    """
    try:
        return detect_chip()
    except EngineUnavailable:
        return None


def open_engine(
    card: ModelCard,
    choice: EngineChoice = AUTO,
    precision: str | None = None,
    threads: int = 0,
    spin: bool = False,
) -> tuple[Engine, tuple[Text, ...]]:
    """Load a model on an engine.

    Args:
        card: the model.
        choice: `auto`, the name of an engine, or the address of replicas. A named engine that
            cannot start is an error; only `auto` falls back to another one.
        precision: precision of the artifact; None leaves it to the engine. Replicas have their own
            precision.
        threads: threads per inference, for onnxruntime; 0 uses all cores.
        spin: idle threads wait actively, for onnxruntime; for a process that has the machine to
            itself.

    Returns:
        The engine, and the notices to show about a fallback.

    Raises:
        ChoiceError: there is no such engine.
        EngineUnavailable: the named engine, or with `auto` every engine, cannot start here.
        ModelDamaged: an artifact is missing or altered.
    """
    if check_engine_choice(choice) == AUTO:
        return _open_automatically(card, precision, threads, spin)
    spec = next(spec for spec in ENGINES.values() if spec.matches(choice))
    engine = spec.open(card, choice, precision, threads, spin)
    return engine, engine.notices


def _open_automatically(
    card: ModelCard, precision: str | None, threads: int, spin: bool
) -> tuple[Engine, tuple[Text, ...]]:
    """Open the first engine that works; the errors of those before it become notices."""
    ranked = sorted(
        (spec.auto_rank, spec.name) for spec in ENGINES.values() if spec.auto_rank is not None
    )
    *candidates, last = (ENGINES[name] for _, name in ranked)
    failures: list[EngineUnavailable | ModelDamaged] = []
    for spec in candidates:
        try:
            if spec.is_present():
                engine = spec.open(card, spec.name, precision, threads, spin)
                fallbacks = fallback_notices((failure.text for failure in failures), spec.title)
                return engine, (*fallbacks, *engine.notices)
        except (EngineUnavailable, ModelDamaged) as failure:
            failures.append(failure)
    try:
        engine = last.open(card, last.name, precision, threads, spin)
    except EngineUnavailable as error:
        if not failures:
            raise
        # The first engine should have run the model, so its failure is the one to report.
        raise failures[0] from error
    fallbacks = fallback_notices((failure.text for failure in failures), last.title)
    return engine, (*fallbacks, *engine.notices)


def _choices() -> Text:
    en = [AUTO, *(spec.choice_help.en for spec in ENGINES.values())]
    zh = [AUTO, *(spec.choice_help.zh for spec in ENGINES.values())]
    return Text(f"{', '.join(en[:-1])}, or {en[-1]}", f"{'、'.join(zh[:-1])}，或{zh[-1]}")
