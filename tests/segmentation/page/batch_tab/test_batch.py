"""Batches: photos are processed in turn, and a photo that fails does not stop the others."""

import csv
import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from segmentation.compositing.sizing.frame import HEAD_NOTICES
from segmentation.errors import ChoiceError, PhotoError, PhotoTooLarge, StorageFull
from segmentation.i18n import Text
from segmentation.image.memory_errors import OUT_OF_MEMORY
from segmentation.image.photo import Limits
from segmentation.inference.postprocess import Instance
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import find_model
from segmentation.page.batch_tab import batch as batch_module
from segmentation.page.batch_tab.batch import Batch, advance, start_batch
from segmentation.page.batch_tab.results import PhotoResult, csv_table
from segmentation.page.photo_cache import PhotoCache
from segmentation.page.server.files.downloads import new_file_path, store_file
from segmentation.page.server.files.file_owners import owners_of
from segmentation.page.server.files.storage import MIN_FILE_BYTES, STORAGE_FULL
from segmentation.page.strings import STRINGS
from tests.paths import EXAMPLES
from tests.segmentation.page.page_options import OPTIONS

pytestmark = pytest.mark.usefixtures("cached_inference")

CACHE = PhotoCache(Limits())
DOG = Instance(1, Text("dog", "狗"), 0.93456, (10, 20, 110, 220), 0.25)
DONE = PhotoResult(Path("a.jpg"), "a_cutout.png", (DOG,), (1,), 1.234, (), "a_cutout.png")


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(find_model("compact"))


def test_a_bad_photo_does_not_stop_the_rest(segmenter: Segmenter, tmp_path: Path) -> None:
    bad = tmp_path / "flower.png"
    bad.write_text("these are words")
    photos = [EXAMPLES / "flower.jpg", bad, tmp_path / "gone.jpg", EXAMPLES / "flower.jpg"]
    batch = start_batch(photos, tmp_path / "cutouts.zip", "compact", "auto", OPTIONS, CACHE)
    assert [state for _, state in batch.waiting()] == ["working", "waiting", "waiting", "waiting"]
    while not batch.finished:
        batch = advance(batch, segmenter, CACHE, "zh")
        with zipfile.ZipFile(batch.archive) as archive:
            assert archive.testzip() is None, "the archive is valid after every step"
    # The bad photo keeps its number, so that file names do not depend on failures.
    files = [result.file for result in batch.done]
    assert files == ["flower_cutout.png", None, None, "flower_3_cutout.png"]
    assert advance(batch, segmenter, CACHE, "zh") == batch
    with zipfile.ZipFile(batch.archive) as archive:
        assert archive.namelist() == ["flower_cutout.png", "flower_3_cutout.png", "objects.csv"]
        rows = list(csv.reader(io.StringIO(archive.read("objects.csv").decode("utf-8-sig"))))
        data = np.frombuffer(archive.read("flower_3_cutout.png"), np.uint8)
    assert cv2.imdecode(data, cv2.IMREAD_UNCHANGED).shape == (427, 640, 4)
    names = [row[0] for row in rows[1:]]
    assert list(dict.fromkeys(names)) == ["flower.jpg", "flower.png", "gone.jpg"]
    assert "无法识别为照片" in rows[1 + names.index("flower.png")][-1]
    assert "not a photo" in batch.done[1].note("en")
    assert [result.is_readable for result in batch.done] == [True, False, False, True]
    assert [result.chosen for result in batch.done] == [(1,), (), (), (1,)]
    assert batch.done[0].seconds > 0


def test_every_photo_gets_the_size_of_the_batch(segmenter: Segmenter, tmp_path: Path) -> None:
    photos = [EXAMPLES / "flower.jpg", EXAMPLES / "astronaut.png"]
    options = replace(
        OPTIONS,
        background="colour",
        colour="#ffffff",
        size_kind="id_photo",
        format="jpeg",
        max_kb=20,
    )
    batch = start_batch(photos, tmp_path / "cutouts.zip", "compact", "auto", options, CACHE)
    while not batch.finished:
        batch = advance(batch, segmenter, CACHE, "en")
    unsure = [not set(HEAD_NOTICES).isdisjoint(result.notes) for result in batch.done]
    assert unsure == [True, False], "a flower has no head"
    with zipfile.ZipFile(batch.archive) as archive:
        for name in archive.namelist()[:-1]:
            data = archive.read(name)
            assert len(data) <= 20_000
            image = Image.open(io.BytesIO(data))
            assert (image.size, image.info["dpi"]) == ((295, 413), (300, 300))


def test_a_stopped_batch_keeps_the_finished_photos(segmenter: Segmenter, tmp_path: Path) -> None:
    photos = [EXAMPLES / "flower.jpg"] * 3
    batch = start_batch(photos, tmp_path / "cutouts.zip", "compact", "auto", OPTIONS, CACHE)
    batch = advance(batch, segmenter, CACHE, "en").stop()
    batch = advance(batch, segmenter, CACHE, "en")
    assert batch.finished
    with zipfile.ZipFile(batch.archive) as archive:
        assert archive.namelist() == ["flower_cutout.png", "objects.csv"]


def test_a_zip_does_not_grow_beyond_its_limit(segmenter: Segmenter, tmp_path: Path) -> None:
    cache = PhotoCache(Limits(batch_megabytes=0.01))
    batch = Batch(
        tmp_path / "cutouts.zip", "compact", "auto", OPTIONS, ((EXAMPLES / "flower.jpg", "f.png"),)
    )
    batch = advance(advance(batch, segmenter, cache, "en"), segmenter, cache, "en")
    assert batch.done[0].file is None
    assert "another batch" in batch.done[0].notes[0].en
    assert batch.archive.stat().st_size < 10_000


def test_a_batch_reports_a_full_disk_and_finishes_once_there_is_space(
    segmenter: Segmenter, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    photos = [EXAMPLES / "flower.jpg"]
    batch = start_batch(photos, folder / "cutouts.zip", "compact", "auto", OPTIONS, CACHE)
    batch = advance(batch, segmenter, CACHE, "en")
    assert batch.done[0].notes == (STORAGE_FULL,)
    assert batch.done[0].thumbnail is None
    with pytest.raises(StorageFull):
        advance(batch, segmenter, CACHE, "en")
    folder.mkdir()
    assert advance(batch, segmenter, CACHE, "en").finished


def test_a_photo_without_space_for_its_thumbnail_does_not_get_into_the_zip(
    segmenter: Segmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = EXAMPLES / "flower.jpg"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(photo))
    batch = start_batch([photo], tmp_path / "cutouts.zip", "compact", "auto", OPTIONS, CACHE)
    batch = advance(batch, segmenter, CACHE, "en")
    assert batch.done[0].notes == (STORAGE_FULL,)
    assert not batch.archive.exists()


def test_a_running_batch_loses_no_photo_to_newer_files_of_its_network(
    segmenter: Segmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    owners = owners_of(tmp_path)
    owners.share_bytes = 6 * MIN_FILE_BYTES
    photos = [shutil.copy(EXAMPLES / "flower.jpg", tmp_path / f"{n}.jpg") for n in range(3)]
    for photo in photos:
        owners.add("", photo)
    archive = new_file_path("cutouts.zip")
    batch = start_batch(photos, archive, "compact", "auto", OPTIONS, CACHE)
    while not batch.finished:
        # Another page of the network at work.
        for _ in range(3):
            store_file("other.png", token_bytes())
        batch = advance(batch, segmenter, CACHE, "en")
    assert [result.file for result in batch.done] == [f"{n}_cutout.png" for n in range(3)]
    with zipfile.ZipFile(archive) as files:
        assert len(files.namelist()) == 4
    for _ in range(6):
        store_file("other.png", token_bytes())
    assert not archive.exists(), "a finished batch holds nothing"


def test_a_photo_that_was_deleted_meanwhile_is_reported(
    segmenter: Segmenter, tmp_path: Path
) -> None:
    batch = start_batch(
        [tmp_path / "gone.jpg"], tmp_path / "cutouts.zip", "compact", "auto", OPTIONS, CACHE
    )
    (note,) = advance(batch, segmenter, CACHE, "en").done[0].notes
    assert note == STRINGS["photo_deleted"]


def test_limits_are_checked_before_the_batch_starts(tmp_path: Path) -> None:
    photo = EXAMPLES / "flower.jpg"
    archive = tmp_path / "cutouts.zip"
    with pytest.raises(ChoiceError):
        start_batch([], archive, "compact", "auto", OPTIONS, CACHE)
    with pytest.raises(PhotoTooLarge, match="up to 2"):
        start_batch(
            [photo] * 3, archive, "compact", "auto", OPTIONS, PhotoCache(Limits(batch_photos=2))
        )
    with pytest.raises(PhotoTooLarge, match="MB together"):
        start_batch(
            [photo], archive, "compact", "auto", OPTIONS, PhotoCache(Limits(batch_megabytes=0.01))
        )
    with pytest.raises(ChoiceError, match="JPEG has no transparency"):
        start_batch([photo], archive, "compact", "auto", replace(OPTIONS, format="jpeg"), CACHE)
    assert not archive.exists()


def test_the_table_has_a_row_for_each_object() -> None:
    cat = replace(DOG, id=2, label=Text("cat", "猫"))
    data = csv_table([replace(DONE, instances=(DOG, cat))], "zh")
    assert data.decode("utf-8-sig").splitlines() == [
        "photo,id,label,score,left,top,right,bottom,area,chosen,file,seconds,note",
        "a.jpg,1,狗,0.9346,10,20,110,220,0.25000,1,a_cutout.png,1.23,",
        "a.jpg,2,猫,0.9346,10,20,110,220,0.25000,0,a_cutout.png,1.23,",
    ]


@pytest.mark.parametrize("name", ["=1+1.jpg", "+1.jpg", "-1.jpg", "@SUM(A1).jpg", "\ta.jpg", "＝1"])
def test_file_names_are_not_read_as_formulas(name: str) -> None:
    named = replace(DONE, path=Path(name))
    text = csv_table([named, replace(named, instances=())], "en")
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == [f"'{name}"] * 2
    assert all(len(row) == len(rows[0]) for row in rows)


def test_a_photo_too_large_for_the_memory_does_not_stop_the_rest(
    segmenter: Segmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_out_photo, is_short = batch_module.cut_out_photo, [True]

    def fail_once(*arguments: Any) -> Any:
        if is_short and is_short.pop():
            raise MemoryError
        return cut_out_photo(*arguments)

    monkeypatch.setattr(batch_module, "cut_out_photo", fail_once)
    photos = [EXAMPLES / "flower.jpg"] * 2
    batch = start_batch(photos, tmp_path / "cutouts.zip", "compact", "auto", OPTIONS, CACHE)
    while not batch.finished:
        batch = advance(batch, segmenter, CACHE, "en")
    assert [result.file for result in batch.done] == [None, "flower_2_cutout.png"]
    assert batch.done[0].notes == (OUT_OF_MEMORY,)


def test_a_batch_waits_for_its_background_photo(tmp_path: Path) -> None:
    options = replace(OPTIONS, background="picture", backdrop=None)
    with pytest.raises(ChoiceError) as error:
        start_batch(
            [EXAMPLES / "flower.jpg"], tmp_path / "x.zip", "compact", "auto", options, CACHE
        )
    assert error.value.text == STRINGS["choose_backdrop"]


def test_a_deleted_background_photo_has_to_be_uploaded_again(tmp_path: Path) -> None:
    options = replace(OPTIONS, background="picture", backdrop=str(tmp_path / "gone.png"))
    with pytest.raises(PhotoError) as error:
        options.to_cutout_options(CACHE)
    assert error.value.text == STRINGS["backdrop_deleted"]
