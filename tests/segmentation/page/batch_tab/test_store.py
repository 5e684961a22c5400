"""Batches that a page finds again after it was loaded again, and the remembered settings."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segmentation.page.batch_tab.batch import Batch
from segmentation.page.batch_tab.store import MAX_BATCHES, BatchStore, recall_objects
from tests.segmentation.page.batch_tab.test_batch import DONE
from tests.segmentation.page.page_options import OPTIONS


def test_each_step_goes_on_from_the_newest_moment(tmp_path: Path) -> None:
    store, batch = BatchStore(), new_batch(tmp_path)
    assert store.newest(batch) == batch
    later = store.keep(replace(batch, todo=(), done=(DONE,)))
    assert store.newest(batch) == later, "another page of the browser went on"
    assert store.newest(new_batch(tmp_path)) != later


def test_a_batch_is_found_while_the_server_has_its_files(tmp_path: Path) -> None:
    store, batch = BatchStore(), new_batch(tmp_path)
    store.keep(batch)
    assert store.find(batch.key) is None, "neither its ZIP nor its photo is here"
    photo = batch.todo[0][0]
    photo.touch()
    assert store.find(batch.key) == batch
    finished = store.keep(replace(batch, todo=(), done=(DONE,), finished=True))
    assert store.find(batch.key) is None
    batch.archive.touch()
    assert store.find(batch.key) == finished


@pytest.mark.parametrize("key", [None, "", "other", 1, ["key"], {}])
def test_no_other_key_finds_a_batch(key: Any, tmp_path: Path) -> None:
    store, batch = BatchStore(), new_batch(tmp_path)
    batch.archive.touch()
    store.keep(batch)
    assert store.find(key) is None


def test_the_oldest_batches_go(tmp_path: Path) -> None:
    store = BatchStore()
    (tmp_path / "cutouts.zip").touch()
    batches = [store.keep(new_batch(tmp_path)) for _ in range(MAX_BATCHES)]
    store.keep(batches[0])
    store.keep(new_batch(tmp_path))
    assert store.find(batches[0].key) == batches[0]
    assert store.find(batches[1].key) is None


@pytest.mark.parametrize(
    ("memory", "rule"),
    [({"objects": "all"}, "all"), ({"objects": ["all"]}, "auto"), ({}, "auto"), (None, "auto")],
)
def test_the_choice_of_objects_is_remembered(memory: Any, rule: str) -> None:
    assert recall_objects(memory) == rule


def new_batch(folder: Path) -> Batch:
    """Return a batch of one photo; no file of it exists."""
    todo = ((folder / "a.jpg", "a_cutout.png"),)
    return Batch(folder / "cutouts.zip", "compact", "auto", OPTIONS, todo)
