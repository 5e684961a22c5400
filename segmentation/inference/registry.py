"""The models of one page, each loaded once for all of its visitors."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segmentation.engines.registry import EngineChoice, available_chip
from segmentation.errors import EngineUnavailable, KoutuError, ModelError, ModelNotFound
from segmentation.i18n import Text
from segmentation.inference.hub import PREFIX, get_model
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import ModelCard, bundled_models, find_model, load_card


@dataclass(frozen=True, slots=True)
class ModelVariant:
    """One way to find objects: what `ModelRegistry.segmenter` takes, and what a visitor reads.

    Attributes:
        title: model, precision and, where there is a choice of them, engine.
        model: its name.
        precision: of the artifact; None is the page's.
        engine: None is the page's.
    """

    title: Text
    model: str
    precision: str | None = None
    engine: EngineChoice | None = None


class ModelRegistry:
    """One `Segmenter` for each model, precision and engine that was ever asked for.

    It can be used from any number of threads. What was loaded stays loaded until the page ends,
    for somebody may be using it, and the operator decides how many models there are.

    Args:
        cards: what is there, the default first; no two of one name.
        engine: where nobody asks for another.
        precision: where nobody asks for another; models that do not have it take their card's first
            choice.
        threads: for onnxruntime; 0 takes all cores.
    """

    def __init__(
        self,
        cards: Sequence[ModelCard],
        engine: EngineChoice = "auto",
        precision: str | None = None,
        threads: int = 0,
    ) -> None:
        self.cards = tuple(cards)
        self._engine = engine
        self._precision = precision
        self._threads = threads
        self._segmenters: dict[tuple[str, str | None, EngineChoice], Segmenter] = {}
        self._adding = threading.Lock()

    def card(self, name: str | None = None) -> ModelCard:
        """The card of a model; None names the default.

        Raises:
            ModelNotFound: no model of that name is there.
        """
        for card in self.cards:
            if name in (None, card.name):
                return card
        raise ModelNotFound(
            "This page does not have that model (any more). Choose another one.",
            "本页面没有这个模型（或已移除），请另选一个。",
        )

    def segmenter(
        self,
        name: str | None = None,
        precision: str | None = None,
        engine: EngineChoice | None = None,
    ) -> Segmenter:
        """The segmenter that everybody shares who asks for the same; its first photo loads it.

        Args:
            name: of the model; None takes the default.
            precision: of the artifact; None takes the page's.
            engine: which one to use; None takes the page's.

        Raises:
            ModelNotFound: no model of that name is there.
            EngineUnavailable: the model has no artifact of that precision.
        """
        card = self.card(name)
        offered = {artifact.precision for artifact in card.artifacts}
        if precision is not None and precision not in offered:
            there = sorted(offered)
            raise EngineUnavailable(
                f"Model {card.name} does not come in that precision, but in {', '.join(there)}.",
                f"模型 {card.name} 没有这种精度，可选：{'、'.join(there)}。",
            )
        if precision is None and self._precision in offered:
            precision = self._precision
        key = card.name, precision, engine or self._engine
        with self._adding:
            if key not in self._segmenters:
                self._segmenters[key] = Segmenter(card, key[2], precision, self._threads)
            return self._segmenters[key]

    def finders(self) -> tuple[ModelVariant, ...]:
        """All ways to find objects that this host has, for each model the page's own first."""
        chip = self._chip()
        return tuple(finder for card in self.cards for finder in self._finders(card, chip))

    def close(self) -> None:
        """Give all engines back."""
        with self._adding:
            for segmenter in self._segmenters.values():
                segmenter.close()

    def _chip(self) -> str | None:
        """The chip that this host has, asked only where a model is made for any."""
        oms = [a for card in self.cards for a in card.artifacts if a.format == "om"]
        return available_chip() if self._engine in ("auto", "ascend") and oms else None

    def _finders(self, card: ModelCard, chip: str | None) -> Iterator[ModelVariant]:
        onnx = [a.precision for a in card.artifacts if a.format == "onnx"]
        forced = self._engine == "ascend"
        oms = [a.precision for a in card.artifacts if a.format == "om" and a.soc == chip]
        ways: list[tuple[str, EngineChoice | None, list[str]]]
        if forced or not oms:
            ways = [("", None, oms if forced else onnx)]
        else:
            ways = [(" · Ascend", None, oms), (" · onnxruntime", "onnx", onnx)]
        for name, engine, precisions in ways:
            own = self._precision if self._precision in precisions else (*precisions, None)[0]
            for precision in sorted(dict.fromkeys(precisions), key=lambda each: each != own):
                end = f" · {precision}{name}"
                title = Text(f"{card.title.en}{end}", f"{card.title.zh}{end}")
                asked = None if engine is None and precision == own else precision
                yield ModelVariant(title, card.name, asked, engine)


def available_models(
    wanted: Sequence[str],
    folder: Path,
    engine: EngineChoice = "auto",
    precision: str | None = None,
) -> tuple[tuple[ModelCard, ...], tuple[KoutuError, ...]]:
    """What a page can offer: the models wanted, those in a folder of model folders, the bundled.

    A model of the name of an earlier one is left out; so one may stand in for a bundled model. Two
    that are wanted must not have the same name.

    Args:
        wanted: see `get_model`; the first one becomes the default.
        folder: may be missing.
        engine: the page's.
        precision: the page's.

    Returns:
        The cards, and why others are missing: those of the Hub that could not be had, and those of
        the folder that cannot be read.

    Raises:
        ModelError: one that is wanted, and is not on the Hub, cannot be used.
    """
    cards: list[ModelCard] = []
    missing: list[KoutuError] = []
    for name in dict.fromkeys(wanted):
        try:
            cards.append(get_model(name, engine, precision))
        except KoutuError as error:
            if not name.startswith(PREFIX):
                raise
            missing.append(error)
    if twice := [name for name, count in Counter(card.name for card in cards).items() if count > 1]:
        raise ModelError(
            f"Two of the models are called {twice[0]}. Give one another name in its card.json, or "
            "leave it out.",
            f"有两个模型都叫 {twice[0]}。请在其中一个的 card.json 中改名，或去掉一个。",
        )
    for path in sorted(folder.glob("*/card.json")):
        try:
            cards.append(load_card(path.parent))
        except KoutuError as error:
            missing.append(error)
    cards += [find_model(name) for name in bundled_models()]
    named: dict[str, ModelCard] = {}
    for card in cards:
        named.setdefault(card.name, card)
    return tuple(named.values()), tuple(missing)
