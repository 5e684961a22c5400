"""Results of a batch that a visitor fixes in the tab for one photo."""

from dataclasses import replace
from pathlib import Path

from segmentation.image.photo import Limits
from segmentation.image.write import copy_zip
from segmentation.page.batch_tab.batch import Batch, check_space
from segmentation.page.batch_tab.thumbnails import store_thumbnail
from segmentation.page.cutout_tab.open_request import OpenRequest
from segmentation.page.preview import pixels_of
from segmentation.page.server.files.downloads import delete_file
from segmentation.page.server.files.storage import translate_disk_errors
from segmentation.page.server.files.uploads import read_upload
from segmentation.page.session import PhotoState
from segmentation.page.strings import STRINGS


def open_result(batch: Batch, index: int) -> OpenRequest:
    """Ask to open the photo of a result as the batch cut it out, or as it was fixed last."""
    result = batch.done[index]
    if result.fix:
        return replace(result.fix)  # no request is equal to another one
    return OpenRequest(str(result.path), batch.model, result.chosen or None, batch.options)


def replace_cutout(
    batch: Batch,
    index: int,
    state: PhotoState,
    min_score: float,
    cutout: Path,
    archive: Path,
    limits: Limits,
) -> Batch | None:
    """Put a fixed cut-out into the ZIP, in the place that its photo has in the batch.

    The ZIP is a new file, as the former one may be on its way to the visitor. It has no table yet:
    `advance` adds that when no photo is left.

    Args:
        batch: the batch so far.
        index: of the result that was opened.
        state: the photo with the objects that are cut out.
        min_score: minimum score of the objects that are shown.
        cutout: file of the cut-out.
        archive: path of the new ZIP; no file may exist there.
        limits: of the ZIP.

    Returns:
        The batch with the new result, or None if the open photo is not that of the result.

    Raises:
        PhotoError, PhotoTooLarge: there is no space for the ZIP, or the file was deleted.
        StorageFull: there is no space for the picture.
    """
    paths = [str(result.path) for result in batch.done]
    if state.path not in paths[index : index + 1]:
        return None
    former = batch.done[index]
    thumbnail = store_thumbnail(pixels_of(read_upload(cutout, limits)))
    name = Path(former.name).with_suffix(cutout.suffix).name
    data = cutout.read_bytes()
    result = replace(
        former,
        file=name,
        instances=state.visible(min_score).instances,
        chosen=state.selected(min_score),
        notes=(STRINGS["fixed"],),
        thumbnail=thumbnail,
        fix=_reopen(state, batch),
    )
    done = (*batch.done[:index], result, *batch.done[index + 1 :])
    names = [item.file for item in done if item.file]
    with translate_disk_errors():
        check_space(batch.archive, len(data), limits)
        copy_zip(batch.archive, archive, names, {name: data})
    delete_file(batch.archive)
    return replace(batch, archive=archive, done=done, finished=False)


def _reopen(state: PhotoState, batch: Batch) -> OpenRequest:
    """Ask to open a photo as it is open now."""
    options = state.options or batch.options
    return OpenRequest(state.path, state.model, state.chosen, options, state.boxes, state.strokes)
