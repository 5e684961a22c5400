"""--keep, --erase, and --objects at a point."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.__main__ import main
from tests.segmentation.command_line.conftest import CAT, Reports, image


@pytest.fixture
def mask_file(tmp_path: Path) -> Path:
    """A mask over the cat: a white square at the top right, a black one in the middle."""
    mask = np.full((300, 451), 128, np.uint8)
    mask[10:50, 390:440], mask[130:170, 200:250] = 255, 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def test_strokes_keep_and_erase(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    keep, erase = "0.9,0.05,0.03;0.95,0.1", "0.45,0.5,0.03 0.5,0.5,0.03"
    reports(CAT, "--keep", keep, "--erase", erase, "-o", tmp_path)
    alpha = image(tmp_path / "chelsea_cutout.png")[..., 3]
    assert alpha[15, 406] == 255
    assert alpha[150, 203] == alpha[150, 225] == 0


@pytest.mark.parametrize("flag", ["--keep", "--erase"])
def test_a_mask_file_keeps_white_and_erases_black(
    flag: str, tmp_path: Path, mask_file: Path, reports: Callable[..., Reports]
) -> None:
    reports(CAT, flag, mask_file, "-o", tmp_path)
    alpha = image(tmp_path / "chelsea_cutout.png")[..., 3]
    assert alpha[30, 415] == 255
    assert alpha[150, 225] == 0


def test_strokes_alone_make_a_cut_out(
    empty: Path, tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    for argv in ((empty,), (CAT, "--objects", "none")):
        (report,) = reports(*argv, "--keep", "0.5,0.5,0.1", "-o", tmp_path)
        alpha = image(report["file"])[..., 3]
        height, width = alpha.shape
        assert alpha[height // 2, width // 2] == 255
        assert not alpha[: height // 4].any()


def test_a_point_chooses_the_object_that_lies_there(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    """At a threshold that nothing reaches, as a click on the page does."""
    command = (CAT, "--objects", "at:0.5,0.5", "--one-look", "-o", tmp_path)
    for threshold in ("0.5", "1"):
        (report,) = reports(*command, "--threshold", threshold)
        assert len(report["chosen"]) == 1
        assert image(report["file"])[150, 225, 3] == 255
    assert [instance["id"] for instance in report["instances"]] == report["chosen"]


def test_a_mask_file_is_not_overwritten(mask_file: Path, reports: Callable[..., Reports]) -> None:
    before = mask_file.read_bytes()
    reports(CAT, "--keep", mask_file, "-o", mask_file, ends_with=1)
    assert mask_file.read_bytes() == before


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--keep", "1,2,3,4"), "is not a stroke"),
        (("--keep", "0.5,0.5,0.9"), "A stroke needs"),
        (("--erase", "missing.png"), "missing.png"),
        (("--objects", "at:2,2"), "has no readable points"),
    ],
)
def test_wrong_strokes_and_points_are_wrong_usage(
    argv: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(CAT), *argv])
    assert message in capsys.readouterr().err


def test_a_mask_of_another_shape_is_an_error_of_the_photo(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    Image.new("L", (100, 100), 255).save(tmp_path / "square.png")
    (report,) = reports(CAT, "--keep", tmp_path / "square.png", "-o", tmp_path, ends_with=1)
    assert "its shape differs" in report["error"]
