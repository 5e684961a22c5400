"""The models of a page, each loaded once for all visitors."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segmentation.engines.registry import EngineChoice, available_chip, is_ascend
from segmentation.errors import EngineUnavailable, KoutuError, ModelError, ModelNotFound
from segmentation.i18n import Text
from segmentation.inference.hub import HUB_PREFIX, get_model
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import ModelCard, bundled_models, find_model, load_card


@dataclass(frozen=True, slots=True)
class ModelVariant:
    """A model in one precision on one engine: the arguments of `ModelRegistry.segmenter`.

    Attributes:
        title: for people: model, precision unless the engine chooses it, and, if there are
            several, engine.
        model: name of the model.
        precision: of the artifact; None takes the page's.
        engine: None takes the page's.
    """

    title: Text
    model: str
    precision: str | None = None
    engine: EngineChoice | None = None


class ModelRegistry:
    """One `Segmenter` for each model, precision and engine that was asked for.

    Safe to use from any thread. A loaded model stays loaded until `close`: a visitor may be using
    it, and the operator decides how many models there are.

    Args:
        cards: the models, the default first; their names must differ.
        engine: the default engine.
        precision: the default precision; None, and models without it, leave it to the engine.
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
        self._lock = threading.Lock()

    def card(self, name: str | None = None) -> ModelCard:
        """The card of a model; None names the default model.

        Raises:
            ModelNotFound: there is no model with that name.
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
        """The shared segmenter for a model, precision and engine; its first photo loads the model.

        Args:
            name: of the model; None takes the default.
            precision: of the artifact; None takes the page's.
            engine: None takes the page's.

        Raises:
            ModelNotFound: there is no model with that name.
            EngineUnavailable: the model has no artifact of that precision.
        """
        card = self.card(name)
        precisions = {artifact.precision for artifact in card.artifacts}
        if precision is not None and precision not in precisions:
            choices = sorted(precisions)
            raise EngineUnavailable(
                f"Model {card.name} does not come in that precision. Choose from "
                f"{', '.join(choices)}.",
                f"模型 {card.name} 没有这种精度，可选：{'、'.join(choices)}。",
            )
        if precision is None and self._precision in precisions:
            precision = self._precision
        key = card.name, precision, engine or self._engine
        with self._lock:
            if key not in self._segmenters:
                self._segmenters[key] = Segmenter(
                    card, key[2], precision, self._threads, checks_itself=True
                )
            return self._segmenters[key]

    def variants(self) -> tuple[ModelVariant, ...]:
        """All variants that this host can run; each model's default variant comes first."""
        chip = self._chip()
        return tuple(variant for card in self.cards for variant in self._variants(card, chip))

    def has_chip(self) -> bool:
        """Whether the default model will run on an Ascend chip of this host."""
        chip = self._chip()
        return chip is not None and any(
            artifact.soc == chip for artifact in self.cards[0].artifacts
        )

    def close(self) -> None:
        """Close all engines."""
        with self._lock:
            for segmenter in self._segmenters.values():
                segmenter.close()

    def _chip(self) -> str | None:
        """The host's Ascend chip, looked for only if a model has an artifact for any."""
        has_om = any(artifact.format == "om" for card in self.cards for artifact in card.artifacts)
        return (
            available_chip()
            if (self._engine == "auto" or is_ascend(self._engine)) and has_om
            else None
        )

    def _variants(self, card: ModelCard, chip: str | None) -> Iterator[ModelVariant]:
        # Graphs that share the weights of others are for the engine to choose, unless asked for.
        onnx = [
            graph.precision
            for graph in card.graphs
            if graph.weights_file is None or graph.precision == self._precision
        ]
        om = [
            artifact.precision
            for artifact in card.artifacts
            if artifact.format == "om" and artifact.soc == chip
        ]
        # Whether the engine chooses the precision of the default variant.
        is_chosen = False
        # Suffix of the title, engine (None is the page's), precisions.
        engines: list[tuple[str, EngineChoice | None, list[str]]]
        if is_ascend(self._engine):
            engines = [("", None, om)]
        elif om:
            engines = [(" · Ascend", None, om), (" · onnxruntime", "onnx", onnx)]
        else:
            engines = [("", None, onnx)]
            is_chosen = self._precision not in onnx and any(
                graph.precision not in onnx for graph in card.graphs
            )
        for suffix, engine, precisions in engines:
            default = self._precision if self._precision in precisions else (*precisions, None)[0]
            ordered = sorted(dict.fromkeys(precisions), key=lambda name: name != default)
            for precision in ordered:
                is_default = engine is None and precision == default
                end = suffix if is_default and is_chosen else f" · {precision}{suffix}"
                title = Text(f"{card.title.en}{end}", f"{card.title.zh}{end}")
                yield ModelVariant(title, card.name, None if is_default else precision, engine)


def available_models(
    names: Sequence[str],
    folder: Path,
    engine: EngineChoice = "auto",
    precision: str | None = None,
) -> tuple[tuple[ModelCard, ...], tuple[KoutuError, ...]]:
    """Collect the models of a page: those named, those in a folder, and the bundled ones.

    Of several models with the same name the first one counts, so another model may replace a
    bundled one. Only the named models must have different names.

    Args:
        names: see `get_model`; the first one becomes the default.
        folder: of model folders; may be missing.
        engine: the page's engine.
        precision: the page's precision.

    Returns:
        The cards, and the errors of models that are left out: named ones that the Hub did not
        provide, and those in the folder that cannot be read.

    Raises:
        ModelError: a named model that is not on the Hub cannot be used, or two have the same name.
    """
    cards, errors = _named_models(names, engine, precision)
    for path in sorted(folder.glob("*/card.json")):
        try:
            cards.append(load_card(path.parent))
        except KoutuError as error:
            errors.append(error)
    cards += [find_model(name) for name in bundled_models()]
    first_by_name: dict[str, ModelCard] = {}
    for card in cards:
        first_by_name.setdefault(card.name, card)
    return tuple(first_by_name.values()), tuple(errors)


def _named_models(
    names: Sequence[str], engine: EngineChoice, precision: str | None
) -> tuple[list[ModelCard], list[KoutuError]]:
    cards: list[ModelCard] = []
    errors: list[KoutuError] = []
    for name in dict.fromkeys(names):
        try:
            cards.append(get_model(name, engine, precision))
        except KoutuError as error:
            if not name.startswith(HUB_PREFIX):
                raise
            errors.append(error)
    counts = Counter(card.name for card in cards)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise ModelError(
            f"Two of the models are called {repeated[0]}. Give one of them another name in its "
            "card.json, or leave it out.",
            f"有两个模型都叫 {repeated[0]}，请在其中一个的 card.json 中改名，或去掉一个。",
        )
    return cards, errors
