"""Batches of photos: the state of a batch, and the step that processes the next photos."""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex

from segmentation.cutout import Cutout, cut_out_photo
from segmentation.errors import ChoiceError, KoutuError, PhotoError, PhotoTooLarge
from segmentation.filenames import output_paths
from segmentation.i18n import Language, Text
from segmentation.image.memory_errors import translate_memory_errors
from segmentation.image.photo import Limits
from segmentation.image.write import write_zip
from segmentation.inference.postprocess import Instance
from segmentation.inference.segmenter import Segmenter
from segmentation.page.batch_tab.results import TABLE_NAME, PhotoResult, csv_table
from segmentation.page.batch_tab.thumbnails import store_thumbnail
from segmentation.page.options import PageOptions
from segmentation.page.photo_cache import PhotoCache
from segmentation.page.server.files.downloads import hold_files
from segmentation.page.server.files.storage import translate_disk_errors
from segmentation.page.server.files.uploads import read_upload
from segmentation.page.strings import STRINGS
from segmentation.parallel.overlap import map_overlapping

# What a batch can cut out of each photo: the rules of `select` that choose something, and their
# keys in STRINGS.
BATCH_RULES = {"auto": "auto", "largest": "largest", "all": "all_objects"}
NOTHING_FOUND = Text("No object was found in this photo.", "这张照片里没有找到物体。")
# Space that must be left on the disk, for the table among other things.
SPARE_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """The state of a batch; a value, so that stopping means leaving out the rest.

    Attributes:
        archive: the ZIP, complete after every step.
        model: name of the model that finds the objects.
        objects: what to cut out of each photo, see `select`.
        options: the values of the controls.
        todo: the photos to come, each with the name of its cut-out.
        at_once: number of photos in a step.
        done: the results so far.
        finished: whether the table is in the ZIP too, and the ZIP can be downloaded.
        key: a name that nobody can guess, the same in every state of the batch.
    """

    archive: Path
    model: str
    objects: str
    options: PageOptions
    todo: tuple[tuple[Path, str], ...]
    at_once: int = 1
    done: tuple[PhotoResult, ...] = ()
    finished: bool = False
    key: str = field(default_factory=token_hex)

    @property
    def needed_files(self) -> tuple[Path, ...]:
        """The files that must not be deleted before the batch is finished."""
        if self.finished:
            return ()
        backdrop = [Path(self.options.backdrop)] if self.options.backdrop else []
        return (self.archive, *backdrop, *(path for path, _ in self.todo))

    def stop(self) -> "Batch":
        """Leave out the photos to come."""
        return replace(self, todo=())

    def waiting(self) -> Iterator[tuple[str, str]]:
        """File name and state of each photo to come: the key of a text in `STRINGS`."""
        for index, (path, _) in enumerate(self.todo):
            yield path.name, "working" if index < self.at_once else "waiting"


def start_batch(
    photos: Sequence[Path],
    archive: Path,
    model: str,
    objects: str,
    options: PageOptions,
    cache: PhotoCache,
    at_once: int = 1,
) -> Batch:
    """Start a batch; no photo is opened yet. Its files stay while newer ones need room.

    Args:
        photos: in the order in which they are processed.
        archive: path of the ZIP to make; no file may exist there.
        model: name of the model that finds the objects.
        objects: what to cut out of each photo, see `select`.
        options: the values of the controls.
        cache: its `limits` on the number of photos and their bytes apply.
        at_once: number of photos that are in memory at a time.

    Raises:
        ChoiceError: there are no photos, the photo for the background is not chosen, or the options
            contradict each other.
        PhotoError: the background photo cannot be used.
        PhotoTooLarge: there are more photos, or more bytes, than the limits allow.
    """
    limits = cache.limits
    if not photos:
        raise ChoiceError("Choose some photos first.", "请先选择照片。")
    if len(photos) > limits.batch_photos:
        raise PhotoTooLarge(
            f"These are {len(photos)} photos; a batch takes up to {limits.batch_photos}. "
            "Remove some.",
            f"一次 {len(photos)} 张太多，请分批，每批不超过 {limits.batch_photos} 张。",
        )
    megabytes = sum(photo.stat().st_size for photo in photos if photo.exists()) / 1e6
    if megabytes > limits.batch_megabytes:
        raise PhotoTooLarge(
            f"The photos have {megabytes:.0f} MB together. "
            f"Take up to {limits.batch_megabytes:g} MB at once.",
            f"照片共 {megabytes:.0f} MB，请分批，每批不超过 {limits.batch_megabytes:g} MB。",
        )
    if options.lacks_backdrop:
        raise ChoiceError.from_text(STRINGS["choose_backdrop"])
    options.to_cutout_options(cache)  # raises if no photo could be cut out like this
    todo = [(photo, file.name) for photo, file in output_paths(photos, Path(), options.format)]
    batch = Batch(archive, model, objects, options, tuple(todo), at_once)
    hold_files(archive, batch.needed_files)
    return batch


def advance(batch: Batch, segmenter: Segmenter, cache: PhotoCache, language: Language) -> Batch:
    """Process the next photos, or add the table to the ZIP if none is left.

    A photo that fails is reported in its result and does not stop the others.

    Args:
        batch: the batch so far.
        segmenter: finds the objects.
        cache: for the background photo; its limits apply to each photo and to the ZIP.
        language: of the table.

    Raises:
        StorageFull: the table could not be written; another call may succeed.
    """
    hold_files(batch.archive, batch.needed_files)
    if batch.todo:
        step, todo = batch.todo[: batch.at_once], batch.todo[batch.at_once :]
        outcomes = map_overlapping(
            lambda photo: _cut_out(*photo, batch, segmenter, cache), step, len(step)
        )
        results = (_store(*outcome, batch.archive, cache.limits) for _, outcome in outcomes)
        return replace(batch, todo=todo, done=(*batch.done, *results))
    if not batch.finished:
        with translate_disk_errors():
            write_zip(batch.archive, [(TABLE_NAME, csv_table(batch.done, language))])
        hold_files(batch.archive, ())
    return replace(batch, finished=True)


def _cut_out(
    path: Path, name: str, batch: Batch, segmenter: Segmenter, cache: PhotoCache
) -> tuple[PhotoResult, Cutout | None, bytes]:
    """Cut out one photo: its result without a file yet, and the cut-out with the file's content."""
    start = time.perf_counter()
    cutout: Cutout | None = None
    data = b""
    instances: tuple[Instance, ...] = ()
    chosen: tuple[int, ...] = ()
    is_readable = False
    try:
        with translate_memory_errors():
            options = replace(batch.options.to_cutout_options(cache), objects=batch.objects)
            # Not through the cache: a batch photo is decoded once, and would push out open photos.
            photo = read_upload(path, cache.limits)
            is_readable = True
            outcome = cut_out_photo(segmenter, photo, options)
            instances, chosen = outcome.segmentation.instances, outcome.ids
            if outcome.cutout is None:
                raise ChoiceError(NOTHING_FOUND.en, NOTHING_FOUND.zh)
            data = outcome.cutout.encode(cache.limits.encoding_seconds)
        cutout, notes = outcome.cutout, outcome.notices
    except KoutuError as error:
        notes = (error.text,)
    seconds = time.perf_counter() - start
    result = PhotoResult(path, None, instances, chosen, seconds, notes, name, is_readable)
    return result, cutout, data


def _store(
    result: PhotoResult, cutout: Cutout | None, data: bytes, archive: Path, limits: Limits
) -> PhotoResult:
    """Add the file of a cut-out, if there is one, to the ZIP."""
    if cutout is None:
        return result
    try:
        # First, so that the ZIP has no cut-out that is reported as failed.
        thumbnail = store_thumbnail(cutout.image)
        with translate_disk_errors():
            check_space(archive, len(data), limits)
            write_zip(archive, [(result.name, data)])
    except KoutuError as error:
        return replace(result, notes=(error.text,))
    return replace(result, file=result.name, thumbnail=thumbnail)


def check_space(archive: Path, size: int, limits: Limits) -> None:
    """Check that the ZIP may and can take more bytes: a write that fails would damage it.

    Raises:
        PhotoTooLarge: the ZIP would exceed its limit.
        PhotoError: the disk is full.
    """
    present = archive.stat().st_size if archive.exists() else 0
    if present + size > limits.batch_megabytes * 1e6:
        raise PhotoTooLarge(
            f"The ZIP would have more than {limits.batch_megabytes:g} MB. "
            "Put this photo into another batch.",
            f"ZIP 将超过 {limits.batch_megabytes:g} MB，请把这张照片放到下一批。",
        )
    if shutil.disk_usage(archive.parent).free < size + SPARE_BYTES:
        raise PhotoError(
            "The server's disk is full. Try again later, or tell the operator.",
            "服务器磁盘已满。请稍后再试，或告知管理员。",
        )
