"""What a page shows of one photo: a small value, and pure functions from it to what is drawn."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import floor
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.choose import choose
from segmentation.closer import CloserLook
from segmentation.instances import Instance, Segmentation, find_again
from segmentation.photo import Photo
from segmentation.segmenter import Timings
from segmentation.text import Language, Text
from segmentation.words import WORDS

UInt8 = npt.NDArray[np.uint8]

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
class Desk:
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
    """

    photo: str
    preview: str
    model: str
    segmentation: Segmentation
    chosen: tuple[int, ...]
    timings: Timings
    notices: tuple[Text, ...]
    past: tuple[tuple[int, ...], ...] = ()

    def choice(self, threshold: float) -> tuple[int, ...]:
        """The chosen ids that are shown at a threshold."""
        shown = self.segmentation.above(threshold).instances
        return tuple(instance.id for instance in shown if instance.id in self.chosen)

    def picking(self, ids: Collection[int]) -> "Desk":
        """The desk with just these objects chosen, which can be undone."""
        if {*ids} == {*self.chosen}:
            return self
        past = (*self.past, self.chosen)[-MOST_STEPS_BACK:]
        return replace(self, chosen=tuple(ids), past=past)

    def undone(self) -> "Desk":
        """The desk before the last pick, if there was one."""
        if not self.past:
            return self
        return replace(self, chosen=self.past[-1], past=self.past[:-1])

    def clicking(self, preview_xy: tuple[int, int], threshold: float) -> tuple["Desk", float]:
        """The desk after a click on the preview, and the threshold that shows what was clicked.

        The object there is chosen. If it was already, it is taken away, and what else lies there
        is chosen in its place: further clicks go on to all that lies there, and to nothing.
        """
        shrink = preview_scale(self.segmentation.geometry.photo_hw)
        photo_xy = preview_xy[0] / shrink, preview_xy[1] / shrink
        there = self.segmentation.at(photo_xy, threshold)
        shown = self.choice(threshold)
        taken = [id_ for id_ in there if id_ in shown][:1]
        if taken:
            there = there[there.index(taken[0]) + 1 :]
        desk = self.picking({*self.chosen} - {*taken} | {*there[:1]})
        return desk, self.showing(there[0], threshold) if there else threshold

    def guessing(self, threshold: float) -> tuple["Desk", float]:
        """The desk with the best guess chosen, and the threshold that shows it."""
        best = self.segmentation.instances[0].id
        return self.picking((best,)), self.showing(best, threshold)

    def showing(self, id_: int, threshold: float) -> float:
        """A threshold that shows an object: this one, or the slider's next below its score."""
        score = self.segmentation.instances[id_ - 1].score
        return threshold if score >= threshold else floor(score / SCORE_STEP) * SCORE_STEP

    def seen_by(
        self, model: str, segmentation: Segmentation, timings: Timings, threshold: float
    ) -> "Desk":
        """The desk after another model's look at the photo.

        What was chosen stays so where that model finds it too, and if it finds none of it, its
        own first choice takes the place.
        """
        shown = segmentation.above(threshold)
        chosen = find_again(self.segmentation, self.chosen, shown)
        if self.chosen and not chosen:
            chosen = choose(shown, "auto")
        # Ids of the former look mean nothing in this one, so there is nothing to undo.
        return Desk(self.photo, self.preview, model, segmentation, chosen, timings, self.notices)


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


def messages(desk: Desk, threshold: float, look: CloserLook | None) -> tuple[Text, ...]:
    """What to tell the visitor: notices, what to do next, and what it took."""
    advice: tuple[Text, ...] = ()
    if not desk.segmentation.instances:
        advice = (WORDS["nothing"],)
    elif not desk.segmentation.above(threshold).instances:
        advice = (WORDS["nothing_yet"],)
    elif not desk.choice(threshold):
        advice = (WORDS["pick_one"],)
    if look and not look.is_at(desk.segmentation, desk.choice(threshold)):
        look = None
    return (*desk.notices, *advice, _spent(desk.timings, look))


def _spent(timings: Timings, look: CloserLook | None) -> Text:
    seconds = timings.prepare + timings.infer + timings.instances
    en, zh = f"Objects found in {seconds:.2f} s", f"查找物体用时 {seconds:.2f} 秒"
    if timings.load > NOTABLE_SECONDS:
        en += f", after {timings.load:.1f} s to load the model"
        zh += f"，另加载模型 {timings.load:.1f} 秒"
    if look:
        en += f"; looked closer at the chosen ones in {look.seconds:.2f} s"
        zh += f"；对选中物体细看一次，用时 {look.seconds:.2f} 秒"
    return Text(f"{en}.", f"{zh}。")
