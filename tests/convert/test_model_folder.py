"""Moving files into a model folder, one run at a time."""

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from convert.ascend.conversion import add_artifact
from convert.model_folder import check_writable, move_files, scratch_folder, update_card
from segmentation.errors import ConversionError
from segmentation.model_card import Artifact, load_card, save_card
from tests.stand_ins.om_card import small_card


def test_the_card_is_moved_last(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "m") as partial:
        for name in ("card.json", "model.onnx"):
            (partial / name).write_text("new")
        # A folder cannot be replaced by a file, so the move stops there.
        (tmp_path / "m" / "model.onnx" / "in the way").mkdir(parents=True)
        with pytest.raises(IsADirectoryError):
            move_files(partial, tmp_path / "m")
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["model.onnx"]


def test_a_new_folder_that_stays_empty_is_removed(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "m") as partial:
        assert partial.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_runs_that_add_to_a_card_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    save_card(small_card(tmp_path))
    om = Artifact("", "om", "mixed", ((32, 32),), 0, "", "Ascend310P3")
    added = [replace(om, file=f"{number}.om", batch=number) for number in range(1, 41)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda om: update_card(tmp_path, partial(add_artifact, artifact=om)), added))
    assert {artifact.batch for artifact in load_card(tmp_path).artifacts} == {*range(1, 41)}


def test_a_folder_is_locked_while_a_run_has_files_in_it(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with scratch_folder(tmp_path), pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_writable(tmp_path)
    # The superuser may write everywhere, so that no mode of the folder would do.
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(ConversionError, match="cannot be written to"):
        check_writable(tmp_path)
