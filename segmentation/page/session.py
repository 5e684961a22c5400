"""What a page shows of one photo: a small value, and pure functions from it to what is drawn."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import floor
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import UInt8
from segmentation.i18n import Language, Text
from segmentation.image.read import Photo
from segmentation.inference.postprocess import Instance, Segmentation, match_instances
from segmentation.inference.refine import Refinement
from segmentation.inference.segmenter import Timings
from segmentation.inference.select import select
from segmentation.page.strings import STRINGS

# Longest side of what is drawn on the page; the download has the photo's own size.
PREVIEW_SIDE = 1280
# Below this score a guess is not worth offering, even to someone who asks for guesses.
LEAST_SCORE = 0.1
# Of the slider that says how sure is sure enough.
SCORE_STEP = 0.05
# Side of a checkerboard square, in pixels of the preview.
SQUARE = 12
# More picks than anyone takes back one by one.
MOST_STEPS_BACK = 50
# Loading shorter than this is not worth a word.
NOTABLE_SECONDS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class PhotoState:
    """What a visitor's page remembers of the photo on it.

    Attributes:
        photo: path of the upload.
        preview: path of its reduced copy.
        model: name of the model that looked at it.
        segmentation: all objects down to LEAST_SCORE.
        chosen: ids; those below the threshold in force do not count.
        timings: what finding the objects took.
        notices: what is to be known about how the file was read.
        past: what was chosen before, latest last.
        guesses: ids that clicks asked for below the threshold: while chosen, they count as well.
        under: ids that lay under the last click, if nothing was picked in another way since.
    """

    photo: str
    preview: str
    model: str
    segmentation: Segmentation
    chosen: tuple[int, ...]
    timings: Timings
    notices: tuple[Text, ...]
    past: tuple[tuple[int, ...], ...] = ()
    guesses: frozenset[int] = frozenset()
    under: tuple[int, ...] = ()

    def shown(self, threshold: float) -> Segmentation:
        """The objects shown at a threshold."""
        return self.segmentation.above(threshold, self.guesses.intersection(self.chosen))

    def choice(self, threshold: float) -> tuple[int, ...]:
        """The chosen ids that are shown at a threshold."""
        shown = self.shown(threshold).instances
        return tuple(instance.id for instance in shown if instance.id in self.chosen)

    def picking(self, ids: Collection[int]) -> "PhotoState":
        """The desk with just these objects chosen, which can be undone."""
        if {*ids} == {*self.chosen}:
            return self
        past = (*self.past, self.chosen)[-MOST_STEPS_BACK:]
        return replace(self, chosen=tuple(ids), past=past, under=())

    def undone(self) -> "PhotoState":
        """The desk before the last pick, if there was one."""
        if not self.past:
            return self
        return replace(self, chosen=self.past[-1], past=self.past[:-1], under=())

    def clicking(self, preview_xy: tuple[int, int], threshold: float) -> "PhotoState":
        """The desk after a click on the preview.

        What is most likely meant there is chosen. Where it was already, it is taken away, and what
        lies there besides is chosen in its place: further clicks go on to each, and to nothing.
        """
        shrink = preview_scale(self.segmentation.geometry.photo_hw)
        under = self.segmentation.at((preview_xy[0] / shrink, preview_xy[1] / shrink), threshold)
        shown = {*self.choice(threshold)}
        taken = [id_ for id_ in under if id_ in shown][:1]
        if taken != [*under[:1]] and under != self.under:
            taken = []  # what is chosen lies behind what was clicked
        rest = under[under.index(taken[0]) + 1 :] if taken else under
        # What was chosen but hidden counts as chosen by this click, which can be undone.
        chosen = tuple(id_ for id_ in self.chosen if id_ in shown or id_ not in rest[:1])
        desk = replace(self, chosen=chosen).picking({*chosen}.difference(taken).union(rest[:1]))
        unsure = (id_ for id_ in rest[:1] if self.segmentation.instances[id_ - 1].score < threshold)
        return replace(desk, guesses=self.guesses.union(unsure), under=under)

    def guessing(self) -> tuple["PhotoState", float]:
        """The desk with the best guess chosen, and the slider's highest threshold that shows it."""
        best = self.segmentation.instances[0]
        return self.picking((best.id,)), round(floor(best.score / SCORE_STEP) * SCORE_STEP, 2)

    def seen_by(
        self, model: str, segmentation: Segmentation, timings: Timings, threshold: float
    ) -> "PhotoState":
        """The desk after another model's look at the photo.

        What was chosen stays so where that model finds it too, a guess also as a guess, and if it
        finds none of it, its own first choice takes the place.
        """
        shown = segmentation.above(threshold)
        guessed = self.guesses.intersection(self.chosen)
        guesses = frozenset(match_instances(self.segmentation, guessed, segmentation))
        chosen = tuple({*match_instances(self.segmentation, self.chosen, shown)} | guesses)
        if self.chosen and not chosen:
            chosen = select(shown, "auto")
        # Ids of the former look mean nothing in this one, so there is nothing to undo.
        return replace(
            self,
            model=model,
            segmentation=segmentation,
            chosen=chosen,
            timings=timings,
            past=(),
            guesses=guesses,
            under=(),
        )


def preview_scale(photo_hw: tuple[int, int]) -> float:
    """Preview pixels per photo pixel, at most 1."""
    return min(1.0, PREVIEW_SIDE / max(photo_hw))


def preview(photo: Photo) -> UInt8:
    """The photo reduced for the page: uint8 (h, w, 3), or (h, w, 4) if it has transparency."""
    scale = preview_scale(photo.hw)
    size_wh = max(1, round(photo.hw[1] * scale)), max(1, round(photo.hw[0] * scale))

    def reduced(channel: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return cv2.resize(channel, size_wh, interpolation=cv2.INTER_AREA)

    if photo.alpha is None:
        return np.asarray(reduced(photo.rgb), np.uint8)
    # A mean of colours, each of which counts for as much as there is of it.
    opacity = photo.alpha.astype(np.uint16)
    whole = np.maximum(reduced(opacity * 255), 1).astype(np.float32)
    colours = [
        np.minimum(reduced(photo.rgb[..., channel] * opacity) * (255 / whole), 255)
        for channel in range(3)
    ]
    return np.asarray(np.rint(np.dstack([*colours, whole / 255])), np.uint8)


def on_checkerboard(image: UInt8) -> UInt8:
    """A transparent image over the squares that stand for "nothing here"; others unchanged."""
    if image.shape[2] == 3:
        return image
    row, column = (np.arange(side) // SQUARE for side in image.shape[:2])
    squares = np.where((row[:, None] + column) % 2, 255, 225)[..., None]
    share = image[..., 3:] / np.float32(255)
    return np.asarray(np.rint(image[..., :3] * share + squares * (1 - share)), np.uint8)


def line(instance: Instance, language: Language) -> str:
    """An instance as one entry of a list."""
    return f"{instance.id} · {instance.label.in_language(language)} {instance.score:.0%}"


def messages(desk: PhotoState, threshold: float, look: Refinement | None) -> tuple[Text, ...]:
    """What to tell the visitor: notices, what to do next, and what it took."""
    advice: tuple[Text, ...] = ()
    if not desk.segmentation.instances:
        advice = (STRINGS["nothing"],)
    elif not desk.shown(threshold).instances:
        advice = (STRINGS["nothing_yet"],)
    elif not desk.choice(threshold):
        advice = (STRINGS["pick_one"],)
    if look and not look.matches(desk.segmentation, desk.choice(threshold)):
        look = None
    return (*desk.notices, *advice, _spent(desk.timings, look))


def _spent(timings: Timings, look: Refinement | None) -> Text:
    seconds = timings.prepare + timings.infer + timings.instances
    en, zh = f"Objects found in {seconds:.2f} s", f"查找物体用时 {seconds:.2f} 秒"
    if timings.load > NOTABLE_SECONDS:
        en += f", after {timings.load:.1f} s to load the model"
        zh += f"，另加载模型 {timings.load:.1f} 秒"
    if look:
        en += f"; looked closer at the chosen ones in {look.seconds:.2f} s"
        zh += f"；对选中物体细看一次，用时 {look.seconds:.2f} 秒"
    return Text(f"{en}.", f"{zh}。")
