"""The state of an open photo: one immutable value, replaced at each change."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import floor

from segmentation.i18n import Language, Text
from segmentation.inference.postprocess import Instance, Segmentation, match_instances
from segmentation.inference.refine import Refinement
from segmentation.inference.segmenter import Timings
from segmentation.inference.select import MIN_OFFERED_SCORE as MIN_OFFERED_SCORE
from segmentation.inference.select import select
from segmentation.model_card import ModelCard
from segmentation.page.preview import preview_scale
from segmentation.page.strings import STRINGS

# Step of the slider for the least score.
SCORE_STEP = 0.05
# Number of selections that can be undone.
MAX_UNDO_STEPS = 50
# A shorter load of the model is not mentioned.
NOTABLE_LOAD_SECONDS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class PhotoState:
    """The open photo, the objects found in it, and those selected.

    Attributes:
        path: of the upload.
        preview_path: of its reduced copy.
        model: name of the model that found the objects.
        segmentation: all objects down to MIN_OFFERED_SCORE.
        chosen: ids of the objects selected; those below the least score do not count.
        timings: of the search.
        notices: about how the file was read.
        history: former values of `chosen`, latest last.
        guesses: ids below the least score that clicks asked for; while chosen, they count as well.
        clicked: ids under the last click, if nothing was selected in another way since.
    """

    path: str
    preview_path: str
    model: str
    segmentation: Segmentation
    chosen: tuple[int, ...]
    timings: Timings
    notices: tuple[Text, ...]
    history: tuple[tuple[int, ...], ...] = ()
    guesses: frozenset[int] = frozenset()
    clicked: tuple[int, ...] = ()

    def visible(self, min_score: float) -> Segmentation:
        """Return the objects that are shown at a least score."""
        return self.segmentation.above(min_score, self.guesses.intersection(self.chosen))

    def selected(self, min_score: float) -> tuple[int, ...]:
        """Return the chosen ids that are shown at a least score."""
        instances = self.visible(min_score).instances
        return tuple(instance.id for instance in instances if instance.id in self.chosen)

    def select(self, ids: Collection[int]) -> "PhotoState":
        """Select just these objects; this can be undone."""
        if {*ids} == {*self.chosen}:
            return self
        history = (*self.history, self.chosen)[-MAX_UNDO_STEPS:]
        return replace(self, chosen=tuple(ids), history=history, clicked=())

    def undo(self) -> "PhotoState":
        """Undo the last selection, if there is one."""
        if not self.history:
            return self
        return replace(self, chosen=self.history[-1], history=self.history[:-1], clicked=())

    def click(self, preview_xy: tuple[int, int], min_score: float) -> "PhotoState":
        """Select the object that a click on the preview most likely means.

        If that object is selected already, deselect it and select the next object under the
        click: further clicks walk through all objects there, and then through none.
        """
        scale = preview_scale(self.segmentation.geometry.photo_hw)
        photo_xy = preview_xy[0] / scale, preview_xy[1] / scale
        clicked = self.segmentation.at(photo_xy, min_score)
        selected = {*self.selected(min_score)}
        removed = [id_ for id_ in clicked if id_ in selected][:1]
        if removed != [*clicked[:1]] and clicked != self.clicked:
            removed = []  # the selected object lies behind the one that was clicked
        rest = clicked[clicked.index(removed[0]) + 1 :] if removed else clicked
        added = rest[:1]
        # An object that was chosen but hidden counts as chosen by this click, which can be undone.
        chosen = tuple(id_ for id_ in self.chosen if id_ in selected or id_ not in added)
        state = replace(self, chosen=chosen).select({*chosen}.difference(removed).union(added))
        guesses = (id_ for id_ in added if self._score(id_) < min_score)
        return replace(state, guesses=self.guesses.union(guesses), clicked=clicked)

    def select_best_guess(self) -> tuple["PhotoState", float]:
        """Select the best object of any score.

        Returns:
            The new state, and the highest least score on the slider that shows the object.
        """
        best = self.segmentation.instances[0]
        min_score = round(floor(best.score / SCORE_STEP) * SCORE_STEP, 2)
        return self.select((best.id,)), min_score

    def with_model(
        self, model: str, segmentation: Segmentation, timings: Timings, min_score: float
    ) -> "PhotoState":
        """Replace the objects by those that another model found in the same photo.

        What was chosen stays chosen where that model finds it too, a guess also as a guess. If the
        model finds none of it, its own subject is chosen.
        """
        visible = segmentation.above(min_score)
        chosen_guesses = self.guesses.intersection(self.chosen)
        guesses = frozenset(match_instances(self.segmentation, chosen_guesses, segmentation))
        chosen = tuple({*match_instances(self.segmentation, self.chosen, visible)} | guesses)
        if self.chosen and not chosen:
            chosen = select(visible, "auto")
        # Ids of the former segmentation mean nothing in this one, so there is nothing to undo.
        return replace(
            self,
            model=model,
            segmentation=segmentation,
            chosen=chosen,
            timings=timings,
            history=(),
            guesses=guesses,
            clicked=(),
        )

    def _score(self, id_: int) -> float:
        return self.segmentation.instances[id_ - 1].score


def open_photo(
    path: str,
    preview_path: str,
    model: ModelCard,
    found: tuple[Segmentation, Timings],
    notices: tuple[Text, ...],
) -> PhotoState:
    """Return the state of a photo that was just opened, with its subject selected."""
    segmentation, timings = found
    subject = select(segmentation.above(model.score_threshold), "auto")
    return PhotoState(path, preview_path, model.name, segmentation, subject, timings, notices)


def object_choices(segmentation: Segmentation, language: Language) -> list[tuple[str, int]]:
    """Return the objects as a list on the page shows them: description, id."""
    return [(describe(instance, language), instance.id) for instance in segmentation.instances]


def describe(instance: Instance, language: Language) -> str:
    """Return the entry of an object in a list: number, label and score."""
    return f"{instance.id} · {instance.label.in_language(language)} {instance.score:.0%}"


def messages(
    state: PhotoState, min_score: float, refinement: Refinement | None
) -> tuple[Text, ...]:
    """Return the messages under the photo: notices, the next step, and the time taken."""
    advice: tuple[Text, ...] = ()
    if not state.segmentation.instances:
        advice = (STRINGS["no_objects"],)
    elif not state.visible(min_score).instances:
        advice = (STRINGS["no_certain_objects"],)
    elif not state.selected(min_score):
        advice = (STRINGS["select_one"],)
    if refinement and not refinement.matches(state.segmentation, state.selected(min_score)):
        refinement = None
    return (*state.notices, *advice, _time_spent(state.timings, refinement))


def message_text(
    state: PhotoState, min_score: float, refinement: Refinement | None, language: Language
) -> str:
    """Return `messages` as Markdown, a line for each."""
    texts = messages(state, min_score, refinement)
    return "  \n".join(text.in_language(language) for text in texts)


def _time_spent(timings: Timings, refinement: Refinement | None) -> Text:
    seconds = timings.prepare + timings.infer + timings.instances
    en, zh = f"Objects found in {seconds:.2f} s", f"查找物体用时 {seconds:.2f} 秒"
    if timings.load > NOTABLE_LOAD_SECONDS:
        en += f", after {timings.load:.1f} s to load the model"
        zh += f"，另加载模型 {timings.load:.1f} 秒"
    if refinement:
        en += f"; selection refined in {refinement.seconds:.2f} s"
        zh += f"；精细识别用时 {refinement.seconds:.2f} 秒"
    return Text(f"{en}.", f"{zh}。")
