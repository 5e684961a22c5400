"""Photos that a batch processes at the same time; all of them are really computed."""

import zipfile
from pathlib import Path

from segmentation.image.photo import Limits
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import find_model
from segmentation.page.batch_tab.batch import advance, start_batch
from segmentation.page.photo_cache import PhotoCache
from tests.paths import EXAMPLES
from tests.segmentation.page.page_options import OPTIONS


def test_photos_at_once_make_the_same_files_in_the_same_order(tmp_path: Path) -> None:
    segmenter, cache = Segmenter(find_model("compact")), PhotoCache(Limits())
    photos = [EXAMPLES / "flower.jpg", EXAMPLES / "chelsea.png", tmp_path / "gone.jpg"]
    archives, outcomes = [], []
    for at_once in 1, 2:
        path = tmp_path / f"{at_once}.zip"
        batch = start_batch(photos, path, "compact", "auto", OPTIONS, cache, at_once)
        assert [state for _, state in batch.waiting()].count("working") == at_once
        steps = 0
        while not batch.finished:
            batch, steps = advance(batch, segmenter, cache, "en"), steps + 1
        assert steps == (4 if at_once == 1 else 3)
        outcomes.append([(result.path, result.file, result.notes) for result in batch.done])
        with zipfile.ZipFile(path) as archive:
            archives.append([(name, archive.read(name)) for name in archive.namelist()[:-1]])
    assert archives[0] == archives[1]
    assert outcomes[0] == outcomes[1]
