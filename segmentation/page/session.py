"""The state of an open photo: one immutable value, replaced at each change."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from math import floor

from segmentation.arrays import BoxXYXY
from segmentation.compositing.strokes import MAX_STROKES, Stroke
from segmentation.errors import ChoiceError
from segmentation.i18n import Text
from segmentation.inference.merge import merge
from segmentation.inference.postprocess import Segmentation, match_instances
from segmentation.inference.select import select
from segmentation.model_card import ModelCard
from segmentation.page.options import PageOptions

# Step of the slider for the minimum score.
SCORE_STEP = 0.05
# Number of steps that can be undone.
MAX_UNDO_STEPS = 50


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box around an object, and the minimum score of the objects that were shown then.

    Attributes:
        box_xyxy: in photo pixels.
        min_score: 0..1.
        trace_xy: points of the line that was drawn over the object, in photo pixels; empty if the
            box itself was drawn.
    """

    box_xyxy: BoxXYXY
    min_score: float
    trace_xy: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What the page shows of the objects in a photo.

    Attributes:
        visible: the objects that are offered.
        selected: ids of those that are cut out.
        has_cutout: whether something is cut out: an object, or what a stroke keeps.
    """

    visible: Segmentation
    selected: tuple[int, ...]
    has_cutout: bool


@dataclass(frozen=True, slots=True, eq=False)
class PhotoState:
    """The open photo, the objects found in it, and what the visitor did with them.

    Attributes:
        path: of the upload.
        preview_path: of its reduced copy.
        model: name of the model that found the objects.
        segmentation: all objects down to `select.MIN_OFFERED_SCORE`.
        chosen: ids of the objects selected; those below the minimum score do not count.
        notices: about how the file was read.
        guesses: ids below the minimum score that clicks selected; while chosen, they count too.
        clicked: ids under the last click, if nothing was selected in another way since.
        boxed: ids found in boxes that the visitor drew; they count whatever their score.
        boxes: these boxes, in the order of drawing.
        strokes: of the brushes, in the order of drawing.
        options: values of the controls; None until the first result is drawn.
        history: former steps, latest last.
        undone: steps that were undone, latest last.
    """

    path: str
    preview_path: str
    model: str
    segmentation: Segmentation
    chosen: tuple[int, ...]
    notices: tuple[Text, ...]
    guesses: frozenset[int] = frozenset()
    clicked: tuple[int, ...] = ()
    boxed: frozenset[int] = frozenset()
    boxes: tuple[DrawnBox, ...] = ()
    strokes: tuple[Stroke, ...] = ()
    options: PageOptions | None = None
    history: tuple["PhotoState", ...] = ()
    undone: tuple["PhotoState", ...] = ()

    def visible(self, min_score: float) -> Segmentation:
        """Return the objects that are shown at a minimum score."""
        also = self.guesses.intersection(self.chosen) | self.boxed
        return self.segmentation.above(min_score, also)

    def selected(self, min_score: float) -> tuple[int, ...]:
        """Return the chosen ids that are shown at a minimum score."""
        return self.shown(min_score).selected

    def shown(self, min_score: float) -> Shown:
        """Return what is shown at a minimum score."""
        visible = self.visible(min_score)
        selected = tuple(item.id for item in visible.instances if item.id in self.chosen)
        keeps = any(stroke.mode == "keep" for stroke in self.strokes)
        return Shown(visible, selected, bool(selected) or keeps)

    def has_file(self, options: PageOptions) -> bool:
        """Return whether a file can be made: something is cut out, and its background is chosen."""
        return self.shown(options.min_score).has_cutout and not options.lacks_backdrop

    def strokes_of_each(self, selected: Collection[int]) -> tuple[Stroke, ...]:
        """Return the strokes for files of single objects.

        What a stroke keeps belongs to no object in particular, unless there is just one.
        """
        if len(selected) == 1:
            return self.strokes
        return tuple(stroke for stroke in self.strokes if stroke.mode == "erase")

    def select(self, ids: Collection[int]) -> "PhotoState":
        """Select just these objects; this can be undone."""
        if {*ids} == {*self.chosen}:
            return self
        return replace(self._step(), chosen=tuple(ids), clicked=())

    def draw(self, stroke: Stroke) -> "PhotoState":
        """Add a stroke, without points that make no difference; this can be undone.

        Raises:
            ChoiceError: there are too many.
        """
        if len(self.strokes) >= MAX_STROKES:
            raise ChoiceError(
                f"A photo takes up to {MAX_STROKES} strokes. Undo some of them.",
                f"一张照片最多 {MAX_STROKES} 笔，请先撤销几笔。",
            )
        thinned = stroke.thinned(self.segmentation.geometry.photo_hw)
        return replace(self._step(), strokes=(*self.strokes, thinned))

    def add_boxed(self, found: Segmentation, box: DrawnBox) -> "PhotoState":
        """Add the objects found in a box, and select the first of them; this can be undone.

        Of uncertain objects only that one is added. An object that is shown already is not added
        again, but selected.
        """
        min_score = box.min_score
        best = [instance.id for instance in found.instances[:1]]
        wanted = found.above(min_score, also=best)
        merged, added = merge(self.segmentation, wanted, self.visible(min_score))
        if not added:
            known = match_instances(found, best, self.visible(min_score))
            return self.select({*self.chosen, *known})
        return replace(
            self._step(),
            segmentation=merged,
            chosen=(*self.chosen, added[0]),
            boxed=self.boxed.union(added),
            boxes=(*self.boxes, box),
            clicked=(),
        )

    def set_options(self, options: PageOptions) -> "PhotoState":
        """Keep the values of the controls; a change can be undone.

        A colour picker sends each colour on the way, which makes one step together.
        """
        if options == self.options:
            return self
        if self.options is None:
            return replace(self, options=options)
        last = self.history[-1].options if self.history else None
        if last and _differ_in_one_colour(last, self.options, options):
            return replace(self, options=options, undone=())
        return replace(self._step(), options=options)

    def undo(self) -> "PhotoState":
        """Undo the last step, if there is one."""
        if not self.history:
            return self
        undone = (*self.undone, self._snapshot())
        return replace(self.history[-1], history=self.history[:-1], undone=undone)

    def redo(self) -> "PhotoState":
        """Redo the step that was undone last, if there is one."""
        if not self.undone:
            return self
        history = (*self.history, self._snapshot())
        return replace(self.undone[-1], history=history, undone=self.undone[:-1])

    def click(
        self, photo_xy: tuple[float, float], min_score: float, shown: Sequence[int] = ()
    ) -> "PhotoState":
        """Select the object that a click most likely means.

        If that object is selected already, deselect it and select the next object under the
        click: further clicks walk through all objects there, and then through none.

        Args:
            photo_xy: column and row of the click, in photo pixels.
            min_score: minimum score of objects that are shown.
            shown: ids that the visitor saw there, the one most likely meant first; they come before
                others. Those that are not visible do not count.
        """
        visible = {instance.id for instance in self.visible(min_score).instances}
        seen = [id_ for id_ in shown if id_ in visible]
        hits = self.segmentation.at(photo_xy, min_score)
        if seen:
            hits = (*seen, *(id_ for id_ in hits if id_ in visible and id_ not in seen))
        return self._click(hits, min_score)

    def _click(self, clicked: tuple[int, ...], min_score: float) -> "PhotoState":
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
            The new state, and the highest minimum score on the slider that shows the object.
        """
        best = self.segmentation.instances[0]
        min_score = round(floor(best.score / SCORE_STEP) * SCORE_STEP, 2)
        return self.select((best.id,)), min_score

    def with_model(self, model: str, segmentation: Segmentation, min_score: float) -> "PhotoState":
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
        # Strokes lie on the photo and stay.
        return replace(
            self,
            model=model,
            segmentation=segmentation,
            chosen=chosen,
            guesses=guesses,
            clicked=(),
            boxed=frozenset(),
            boxes=(),
            history=(),
            undone=(),
        )

    def _step(self) -> "PhotoState":
        """Remember this state as the step that undo brings back."""
        history = (*self.history, self._snapshot())[-MAX_UNDO_STEPS:]
        return replace(self, history=history, undone=())

    def _snapshot(self) -> "PhotoState":
        """What one step of undo brings back."""
        return replace(self, clicked=(), history=(), undone=())

    def _score(self, id_: int) -> float:
        return self.segmentation.instances[id_ - 1].score


def open_photo(
    path: str,
    preview_path: str,
    model: ModelCard,
    segmentation: Segmentation,
    notices: tuple[Text, ...],
) -> PhotoState:
    """Return the state of a photo that was just opened, with its subject selected."""
    subject = select(segmentation.above(model.score_threshold), "auto")
    return PhotoState(path, preview_path, model.name, segmentation, subject, notices)


def _differ_in_one_colour(first: PageOptions, second: PageOptions, third: PageOptions) -> bool:
    """Whether the same colour, and nothing else, changes from the first to the third options."""
    values = [asdict(options) for options in (first, second, third)]
    changed = {name for name in values[0] if len({value[name] for value in values}) > 1}
    return len(changed) == 1 and changed <= {"colour", "colour_below"}
