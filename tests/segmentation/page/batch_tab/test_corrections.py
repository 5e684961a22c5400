"""Results of a batch that were fixed by hand: the ZIP, its table, and the tiles."""

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmentation.compositing.strokes import Stroke
from segmentation.errors import StorageFull
from segmentation.image.photo import Limits
from segmentation.image.write import encode
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import find_model
from segmentation.page.batch_tab.batch import Batch, advance, start_batch
from segmentation.page.batch_tab.corrections import open_result, replace_cutout
from segmentation.page.batch_tab.tiles import tiles_html
from segmentation.page.photo_cache import PhotoCache
from segmentation.page.server.files.downloads import new_file_path
from segmentation.page.server.files.file_owners import owners_of
from segmentation.page.server.files.storage import MIN_FILE_BYTES, usage_of
from segmentation.page.session import PhotoState, open_photo
from tests.paths import EXAMPLES
from tests.segmentation.page.page_options import OPTIONS

pytestmark = pytest.mark.usefixtures("cached_inference")

CACHE = PhotoCache(Limits())
SMALL = np.full((32, 32, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(find_model("compact"))


def test_a_fixed_cutout_replaces_that_of_its_photo(segmenter: Segmenter, tmp_path: Path) -> None:
    batch = finished_batch([EXAMPLES / "flower.jpg", EXAMPLES / "coffee.png"], segmenter, tmp_path)
    fixed = fix(batch, EXAMPLES / "flower.jpg", segmenter, tmp_path)
    assert fixed is not None
    assert not fixed.finished, "the table follows"
    fixed = advance(fixed, segmenter, CACHE, "en")
    with zipfile.ZipFile(fixed.archive) as archive:
        assert archive.namelist() == ["flower_cutout.webp", "coffee_cutout.png", "objects.csv"]
        assert archive.read("flower_cutout.webp") == encode(SMALL, "webp")
        table = archive.read("objects.csv").decode("utf-8-sig")
    files = {row["photo"]: row["file"] for row in csv.DictReader(io.StringIO(table))}
    assert files == {"flower.jpg": "flower_cutout.webp", "coffee.png": "coffee_cutout.png"}
    assert not batch.archive.exists(), "the former ZIP is deleted"


def test_a_photo_that_failed_is_added_once_it_was_fixed(
    segmenter: Segmenter, tmp_path: Path
) -> None:
    blank = tmp_path / "blank.png"
    blank.write_bytes(encode(SMALL))
    batch = finished_batch([blank, EXAMPLES / "flower.jpg"], segmenter, tmp_path)
    assert batch.done[0].file is None
    fixed = fix(batch, blank, segmenter, tmp_path)
    assert fixed is not None
    with zipfile.ZipFile(fixed.archive) as archive:
        assert archive.namelist() == ["blank_cutout.webp", "flower_cutout.png"]


def test_the_zip_stays_if_there_is_no_space_for_the_thumbnail(
    segmenter: Segmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = finished_batch([EXAMPLES / "flower.jpg"], segmenter, tmp_path)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(EXAMPLES / "flower.jpg"))
    with pytest.raises(StorageFull):
        fix(batch, EXAMPLES / "flower.jpg", segmenter, tmp_path)
    with zipfile.ZipFile(batch.archive) as archive:
        assert archive.namelist() == ["flower_cutout.png", "objects.csv"]


def test_a_deleted_zip_counts_no_more(
    segmenter: Segmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "uploads"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    batch = finished_batch([EXAMPLES / "flower.jpg"], segmenter, tmp_path)
    batch = replace(batch, archive=batch.archive.rename(new_file_path("cutouts.zip")))
    assert fix(batch, EXAMPLES / "flower.jpg", segmenter, tmp_path) is not None
    assert not batch.archive.parent.exists()
    # The thumbnails of both cut-outs remain.
    assert owners_of(folder).used_bytes("") == 2 * MIN_FILE_BYTES
    assert usage_of(folder).used_bytes == 2 * MIN_FILE_BYTES


def test_another_photo_does_not_get_into_the_zip(segmenter: Segmenter, tmp_path: Path) -> None:
    batch = finished_batch([EXAMPLES / "flower.jpg"], segmenter, tmp_path)
    assert fix(batch, EXAMPLES / "coffee.png", segmenter, tmp_path) is None
    assert batch.archive.exists()


def test_a_photo_that_is_in_the_batch_twice_is_fixed_where_it_was_opened(
    segmenter: Segmenter, tmp_path: Path
) -> None:
    flower = EXAMPLES / "flower.jpg"
    batch = finished_batch([flower, flower], segmenter, tmp_path)
    fixed = fix(batch, flower, segmenter, tmp_path, index=1)
    assert fixed is not None
    files = [result.file for result in fixed.done]
    assert files == ["flower_cutout.png", "flower_2_cutout.webp"]


def test_a_result_is_opened_as_the_batch_cut_it_out(segmenter: Segmenter, tmp_path: Path) -> None:
    batch = finished_batch([EXAMPLES / "flower.jpg"], segmenter, tmp_path)
    request = open_result(batch, 0)
    assert request.path == str(EXAMPLES / "flower.jpg")
    assert request.chosen == batch.done[0].chosen
    assert request.options == OPTIONS


def test_a_fixed_result_is_opened_as_it_was_fixed(segmenter: Segmenter, tmp_path: Path) -> None:
    batch = finished_batch([EXAMPLES / "flower.jpg"], segmenter, tmp_path)
    options = replace(OPTIONS, background="gradient")
    stroke = Stroke("keep", 0.02, ((0.5, 0.5),))
    fixed = fix(
        batch, EXAMPLES / "flower.jpg", segmenter, tmp_path, options=options, strokes=(stroke,)
    )
    assert fixed is not None
    request = open_result(fixed, 0)
    assert (request.options, request.strokes) == (options, (stroke,))
    assert request != open_result(fixed, 0), "each click opens it"


def test_a_tile_shows_the_cutout_or_the_reason(segmenter: Segmenter, tmp_path: Path) -> None:
    bad = tmp_path / "<b>.jpg"
    bad.write_text("these are words")
    photos = [EXAMPLES / "flower.jpg", bad, EXAMPLES / "coffee.png"]
    batch = start_batch(photos, tmp_path / "cutouts.zip", "compact", "auto", OPTIONS, CACHE)
    for _ in range(2):
        batch = advance(batch, segmenter, CACHE, "en")
    html = tiles_html(batch, "en")
    assert html.count("<img") == 1
    assert "&lt;b&gt;.jpg" in html
    assert "not a photo" in html
    assert html.count("<button") == 1, "only a photo that was read can be opened"
    assert 'data-state="working"><span title="coffee.png">' in html


def finished_batch(photos: list[Path], segmenter: Segmenter, folder: Path) -> Batch:
    batch = start_batch(photos, folder / "cutouts.zip", "compact", "auto", OPTIONS, CACHE)
    while not batch.finished:
        batch = advance(batch, segmenter, CACHE, "en")
    return batch


def fix(
    batch: Batch, path: Path, segmenter: Segmenter, folder: Path, index: int = 0, **edits: Any
) -> Batch | None:
    """Open a photo, edit its state, and put a small picture in the place of a result."""
    file = folder / "fixed.webp"
    file.write_bytes(encode(SMALL, "webp"))
    found, _ = segmenter.segment(CACHE.read(str(path)))
    state: PhotoState = open_photo(str(path), "", segmenter.card, found, ())
    state = replace(state, **edits)
    return replace_cutout(batch, index, state, 0.35, file, folder / "fixed.zip", CACHE.limits)
