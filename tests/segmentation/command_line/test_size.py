"""The flags for the size of the result."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from segmentation.__main__ import main
from tests.segmentation.command_line.conftest import CAT, PORTRAIT, Reports, image


@pytest.mark.parametrize(
    ("flags", "size_wh", "dpi"),
    [
        ("--size 295x413 --dpi 300", (295, 413), 300),
        ("--size 35x45mm --margin 8%", (413, 531), 300),
        ("--size 2x2in --dpi 150 --margin 0", (300, 300), 150),
        # The photo has 72 dpi.
        ("--longest 200", (200, 133), 72),
        ("--longest 200 --crop square", (200, 200), 72),
        ("--id cn-small-1inch", (260, 378), 300),
        ("--size shop-1000", (1000, 1000), 72),
        ("--dpi 96", (451, 300), 96),
    ],
)
def test_a_result_has_the_size_and_density_of_the_flags(
    flags: str, size_wh: tuple[int, int], dpi: int, tmp_path: Path
) -> None:
    assert main([str(CAT), *flags.split(), "--one-look", "-o", str(tmp_path / "x.png")]) == 0
    with Image.open(tmp_path / "x.png") as result:
        assert result.size == size_wh
        assert result.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)


def test_mask_and_image_have_the_same_size(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    (report,) = reports(CAT, "--size", "120x160", "--mask", "-o", tmp_path)
    assert image(report["file"]).shape == (160, 120, 4)
    assert image(report["mask"]).shape == (160, 120)


def test_a_doubtful_head_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(PORTRAIT), "--id", "cn-1inch", "-o", str(tmp_path)]) == 0
    assert "Head and shoulders could not be recognised" in capsys.readouterr().err


def test_a_sheet_of_small_files(tmp_path: Path) -> None:
    flags = ["--id", "cn-1inch", "--sheet", "--max-kb", "200", "--one-look", "-o"]
    assert main([str(PORTRAIT), *flags, str(tmp_path / "x.jpg")]) == 0
    assert (tmp_path / "x.jpg").stat().st_size <= 200_000
    with Image.open(tmp_path / "x.jpg") as result:
        assert result.size == (1800, 1205)


def test_a_png_that_is_too_large_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(CAT), "--max-kb", "20", "--one-look", "-o", str(tmp_path)]) == 1
    assert "kB too much" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ("--size 295", "is not a size"),
        ("--size 5x5", "16 to 7000 pixels"),
        ("--size 300x300 --longest 200", "each set the size"),
        ("--id cn-1inch --size 300x300", "--size, --longest and --id each set the size"),
        ("--id cn-1inch --dpi 72", "Leave --dpi out"),
        ("--id passport", "invalid choice"),
        ("--margin 8%", "--margin needs --size"),
        ("--size 300x300 --margin 50%", "margin goes from"),
        ("--size 300x300 --margin wide", "invalid percent value"),
        ("--size 300x300 --crop square", "Leave out the crop"),
        (f"--size 300x300 --background {PORTRAIT} --place 1,0,0", "Leave --size out"),
        ("--sheet", "A sheet needs"),
        ("--dpi 5", "dpi goes from"),
        ("--max-kb 0", "1 to 1000000 kB"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(
    flags: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(CAT), *flags.split()])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
