"""Many photos at once: what a page remembers of them, and one step from each to the next."""

import csv
import io
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from segmentation.cutout import compute_alpha
from segmentation.each import write_zip
from segmentation.errors import ChoiceError, KoutuError, PhotoError, PhotoTooLarge
from segmentation.filenames import targets
from segmentation.i18n import Language, Text
from segmentation.image.read import Limits, translate_memory_errors
from segmentation.inference.postprocess import Instance
from segmentation.inference.refine import try_refine
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import select
from segmentation.page.options import Style
from segmentation.page.server.storage import translate_disk_errors
from segmentation.page.server.uploads import read_upload
from segmentation.page.session import line
from segmentation.page.strings import STRINGS
from segmentation.recipe import make_file

# What of each photo a batch can cut out: those of RULES that give something.
BATCH_RULES = ("auto", "largest", "all")
NOTHING = Text("No object was found in this photo.", "这张照片里没有找到物体。")
TABLE = "objects.csv"
# What must be left on the disk, for the table among others.
SPARE_BYTES = 10_000_000
COLUMNS = ["photo", "id", "label", "score", "left", "top", "right", "bottom", "area"]
COLUMNS += ["chosen", "file", "seconds", "note"]
# A cell that begins so is run as a formula by spreadsheets, some of which take the wide forms too.
# Source: OWASP, CSV Injection.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo.

    Attributes:
        photo: its file name.
        file: the cut-out's name in the ZIP, or None if there is none.
        instances: what was found.
        chosen: ids of what was cut out.
        seconds: what it took.
        notes: why there is no cut-out, or what is to be known about it.
    """

    photo: str
    file: str | None
    instances: tuple[Instance, ...]
    chosen: tuple[int, ...]
    seconds: float
    notes: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Photos on their way through; a value, so that stopping is to leave some out.

    Attributes:
        archive: the ZIP, whole after every step.
        model: name of the model that finds the objects.
        objects: what to cut out of each photo, as `select` reads it.
        style: how.
        todo: the photos to come, each with the name of its cut-out.
        done: those behind us.
        sealed: whether the table is in the ZIP too, and the ZIP may be taken away.
    """

    archive: Path
    model: str
    objects: str
    style: Style
    todo: tuple[tuple[Path, str], ...]
    done: tuple[Outcome, ...] = ()
    sealed: bool = False

    def stopped(self) -> "Batch":
        """The batch without what is still to come."""
        return replace(self, todo=())


def start_batch(
    photos: Sequence[Path], archive: Path, model: str, objects: str, style: Style, limits: Limits
) -> Batch:
    """A batch of some photos, none of which is opened yet.

    Args:
        photos: in the order of their turns.
        archive: the ZIP to make, a file that does not exist.
        model: name of the model that finds the objects.
        objects: what to cut out of each, as `select` reads it.
        style: how.
        limits: `batch_photos` and `batch_megabytes` count for the photos.

    Raises:
        ChoiceError: there are no photos, or the style cannot be had.
        PhotoError: the photo for the background cannot be used.
        PhotoTooLarge: there are more photos, or more bytes, than the limits allow.
    """
    if not photos:
        raise ChoiceError("Choose some photos first.", "请先选择照片。")
    if len(photos) > limits.batch_photos:
        raise PhotoTooLarge(
            f"That is {len(photos)} photos; up to {limits.batch_photos} go at once.",
            f"一次 {len(photos)} 张太多，请分批，每批不超过 {limits.batch_photos} 张。",
        )
    megabytes = sum(photo.stat().st_size for photo in photos if photo.exists()) / 1e6
    if megabytes > limits.batch_megabytes:
        raise PhotoTooLarge(
            f"The photos have {megabytes:.0f} MB together. "
            f"Take up to {limits.batch_megabytes:g} MB at once.",
            f"照片共 {megabytes:.0f} MB，请分批，每批不超过 {limits.batch_megabytes:g} MB。",
        )
    style.recipe(limits)  # raises where no photo could be cut out in this style
    todo = [(photo, file.name) for photo, file in targets(photos, Path(), style.format)]
    return Batch(archive, model, objects, style, tuple(todo))


def advance(batch: Batch, segmenter: Segmenter, limits: Limits, language: Language) -> Batch:
    """The batch one step further: the next photo in the ZIP, or at the end the table.

    A photo that cannot be cut out is told of and does not stop the others.

    Args:
        batch: where it is.
        segmenter: finds the objects.
        limits: what a photo may cost, and the ZIP.
        language: of the table.

    Raises:
        StorageFull: the table could not be written; once more may do.
    """
    if batch.todo:
        (path, name), *todo = batch.todo
        outcome = _cut_out(path, name, batch, segmenter, limits)
        return replace(batch, todo=tuple(todo), done=(*batch.done, outcome))
    if not batch.sealed:
        with translate_disk_errors():
            write_zip(batch.archive, [(TABLE, table(batch.done, language))])
    return replace(batch, sealed=True)


def _cut_out(path: Path, name: str, batch: Batch, segmenter: Segmenter, limits: Limits) -> Outcome:
    start = time.perf_counter()
    file: str | None = None
    instances: tuple[Instance, ...] = ()
    chosen: tuple[int, ...] = ()
    try:
        with translate_memory_errors():
            photo = read_upload(path, limits)
            segmentation, _ = segmenter.segment(photo, batch.style.threshold)
            instances = segmentation.instances
            if not instances:
                raise ChoiceError(NOTHING.en, NOTHING.zh)
            chosen = select(segmentation, batch.objects)
            look, notices = try_refine(segmenter, photo, segmentation, chosen)
            recipe = batch.style.recipe(limits)
            alpha = compute_alpha(photo, segmentation, chosen, look, recipe.edge)
            data = make_file(photo, alpha, recipe)
        with translate_disk_errors():
            _check_space(batch.archive, len(data), limits)
            write_zip(batch.archive, [(name, data)])
        file, notes = name, (*photo.notices, *notices)
    except KoutuError as error:
        notes = (error.text,)
    return Outcome(path.name, file, instances, chosen, time.perf_counter() - start, notes)


def _check_space(archive: Path, more: int, limits: Limits) -> None:
    """Refuse what the ZIP may not or cannot hold: a write that fails would damage it."""
    full = archive.stat().st_size if archive.exists() else 0
    if full + more > limits.batch_megabytes * 1e6:
        raise PhotoTooLarge(
            f"The ZIP would have more than {limits.batch_megabytes:g} MB. "
            "Bring this photo in another batch.",
            f"ZIP 将超过 {limits.batch_megabytes:g} MB，请把这张照片放到下一批。",
        )
    if shutil.disk_usage(archive.parent).free < more + SPARE_BYTES:
        raise PhotoError(
            "The server's disk is full. Try again later, or tell whoever runs it.",
            "服务器磁盘已满。请稍后再试，或告知管理员。",
        )


def overview(batch: Batch, language: Language) -> list[list[str]]:
    """A row for each photo: its name, and what became of it or will."""
    rows = [[outcome.photo, _in_short(outcome, language)] for outcome in batch.done]
    states = ["working", *["waiting"] * len(batch.todo)]
    for (path, _), state in zip(batch.todo, states, strict=False):
        rows.append([path.name, STRINGS[state].in_language(language)])
    return rows


def _in_short(outcome: Outcome, language: Language) -> str:
    notes = " ".join(text.in_language(language) for text in outcome.notes)
    if outcome.file is None:
        return notes
    cut_out = (line(i, language) for i in outcome.instances if i.id in outcome.chosen)
    return f"{', '.join(cut_out)} → {outcome.file} ({outcome.seconds:.1f} s) {notes}".rstrip()


def table(outcomes: Sequence[Outcome], language: Language) -> bytes:
    """All that was found as CSV, a row for each object, or for a photo without any.

    Boxes are in photo pixels, ends excluded; areas are shares of the photo. Text cannot be taken
    for a formula. A byte order mark tells spreadsheets that it is UTF-8.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for outcome in outcomes:
        writer.writerows(_rows(outcome, language))
    return text.getvalue().encode("utf-8-sig")


def _rows(outcome: Outcome, language: Language) -> Iterator[Sequence[str | int]]:
    note = " ".join(text.in_language(language) for text in outcome.notes)
    end = (_inert(outcome.file or ""), f"{outcome.seconds:.2f}", _inert(note))
    for instance in outcome.instances:
        label = instance.label.in_language(language)
        score, area = f"{instance.score:.4f}", f"{instance.area:.5f}"
        found = (instance.id, _inert(label), score, *instance.box_xyxy, area)
        yield _inert(outcome.photo), *found, int(instance.id in outcome.chosen), *end
    if not outcome.instances:
        yield _inert(outcome.photo), *[""] * (len(COLUMNS) - 1 - len(end)), *end


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
