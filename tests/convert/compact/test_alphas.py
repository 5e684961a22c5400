"""The alphas command: cut-outs by a saliency network alone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.compact.__main__ import main
from tests.convert.compact.drawn_photos import photo_with_bright_parts


def test_a_cut_out_has_the_size_of_its_photo(tmp_path: Path, teacher_path: Path) -> None:
    photo_with_bright_parts((60, 100), np.s_[10:50, 20:60]).save(tmp_path / "bright.jpg")
    arguments = ["alphas", "--data", str(tmp_path), "--teacher", f"isnet={teacher_path}"]
    assert main([*arguments, "-o", str(tmp_path / "alphas")]) == 0
    with Image.open(tmp_path / "alphas" / "bright.png") as image:
        alpha = np.asarray(image)
    assert alpha.shape == (60, 100)
    assert (alpha[20, 40], alpha[5, 90]) == (255, 0)


def test_a_teacher_that_is_not_a_network_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.onnx").write_text("not a network")
    photo_with_bright_parts((60, 100)).save(tmp_path / "dark.jpg")
    arguments = ["alphas", "--data", str(tmp_path), "-o", str(tmp_path / "alphas")]
    assert main([*arguments, "--teacher", f"u2net={tmp_path / 'text.onnx'}"]) == 1
    assert "cannot be opened as an ONNX model" in capsys.readouterr().err


def test_a_folder_without_photos_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alphas", "--data", "/nowhere", "--teacher", "isnet=x", "-o", str(tmp_path)]) == 1
    assert "has no .jpg photos" in capsys.readouterr().err


def test_the_kind_of_a_teacher_must_be_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["alphas", "--data", "x", "--teacher", "model.onnx", "-o", "y"])
    assert "with one of these kinds: isnet, u2net" in capsys.readouterr().err
