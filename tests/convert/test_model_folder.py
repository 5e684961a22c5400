"""Moving files into a model folder."""

from pathlib import Path

import pytest

from convert.model_folder import move_files, scratch_folder


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
