"""Reading training photos, and what becomes of ignored pixels."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from convert.compact.data import (
    Sample,
    decode,
    read_all_samples,
    read_samples,
    resolve_ignored,
    write_samples,
)
from segmentation.errors import ConversionError
from tests.convert.compact.drawn_photos import add_image, encoded


def test_sources_may_use_the_same_ids(tmp_path: Path) -> None:
    rows = []
    for source, grey in (("dark", 10), ("light", 200)):
        with tarfile.open(tmp_path / f"{source}.tar", "w") as archive:
            add_image(archive, "1.webp", np.full((8, 8, 3), grey, np.uint8))
            add_image(archive, "1.png", np.full((8, 8), 1, np.uint8))
        rows.append({"source": source, "id": "1", "labels": ["dog"]})
    (tmp_path / "index.jsonl").write_text("\n".join(map(json.dumps, rows)))
    greys = [int(decode(sample).rgb[0, 0, 0]) for sample in read_samples([tmp_path])]
    assert greys == [10, 200]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"labels": ["parrot"]}, "labels out of person", id="unknown_label"),
        pytest.param({"id": "7"}, r"Photo 7 of squares needs 7\.webp", id="no_such_photo"),
        pytest.param({"source": "circles"}, r"circles\.tar", id="no_such_tar"),
        pytest.param(None, "no training photos", id="empty_index"),
    ],
)
def test_an_error_names_the_missing_data(
    training_data: Path, tmp_path: Path, change: dict[str, object] | None, message: str
) -> None:
    (tmp_path / "squares.tar").write_bytes((training_data / "squares.tar").read_bytes())
    row = {"source": "squares", "id": "0", "labels": ["cat"]} | (change or {})
    (tmp_path / "index.jsonl").write_text(json.dumps(row) if change else "")
    with pytest.raises(ConversionError, match=message):
        read_samples([tmp_path])


def test_written_samples_are_read_again(tmp_path: Path) -> None:
    grey = encoded(np.full((8, 8), 7, np.uint8))
    photo = encoded(np.full((8, 8, 3), 7, np.uint8), "webp")
    samples = [
        Sample("a", "1", photo, grey, (2, 0)),
        Sample("a", "2", photo, grey, (1,), alpha=grey),
        Sample("b", "1", photo, None, alpha=grey),
    ]
    write_samples(tmp_path, samples)
    assert read_samples([tmp_path]) == samples


def test_photos_that_no_index_names_have_no_targets(training_data: Path, tmp_path: Path) -> None:
    for name in ("squares.tar", "index.jsonl"):
        (tmp_path / name).write_bytes((training_data / name).read_bytes())
    with tarfile.open(tmp_path / "more.tar", "w") as archive:
        add_image(archive, "x.webp", np.zeros((8, 8, 3), np.uint8))
    *named, unnamed = read_all_samples([tmp_path])
    assert named == read_samples([tmp_path])
    assert (unnamed.source, unnamed.id, unnamed.ids, unnamed.alpha) == ("more", "x", None, None)


def test_a_damaged_tar_is_an_error(training_data: Path, tmp_path: Path) -> None:
    (tmp_path / "index.jsonl").write_text((training_data / "index.jsonl").read_text())
    (tmp_path / "squares.tar").write_text("no tar")
    with pytest.raises(ConversionError, match="cannot be read as training photos"):
        read_samples([tmp_path])


def test_an_ignored_border_is_split_between_its_two_sides() -> None:
    ids = np.array([[1, 1, 255, 255, 0, 0]], np.uint8)
    assert resolve_ignored(ids).tolist() == [[1, 1, 1, 0, 0, 0]]


def test_ignored_pixels_far_from_all_others_become_background() -> None:
    ids = np.full((1, 20), 255, np.uint8)
    ids[0, 0] = 1
    assert resolve_ignored(ids)[0].tolist() == [1] * 5 + [0] * 15
