"""Which photos the command line takes: patterns, folders and stdin; and its words in any case."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segmentation.__main__ import main
from tests.paths import ROOT
from tests.segmentation.command_line.conftest import CAT, PORTRAIT, Reports, image


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that holds photos, also in a folder within it."""
    monkeypatch.chdir(tmp_path)
    Path("photos/more").mkdir(parents=True)
    for name in ("b.jpg", "a.JPG", "more/c.jpg"):
        shutil.copy(PORTRAIT, Path("photos", name))
    Path("photos/notes.txt").write_text("no photo")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_pattern_that_no_shell_expanded_is_expanded(reports: Callable[..., Reports]) -> None:
    found = reports("photos/*.[jJ]*", "--list")
    assert [report["photo"] for report in found] == ["photos/a.JPG", "photos/b.jpg"]


@pytest.mark.usefixtures("folder")
def test_a_file_whose_name_looks_like_a_pattern_is_taken_as_it_is(
    reports: Callable[..., Reports],
) -> None:
    for name in ("x[1].jpg", "x1.jpg"):
        shutil.copy(PORTRAIT, name)
    (report,) = reports("x[1].jpg")
    assert (report["photo"], report["file"]) == ("x[1].jpg", "x_1_cutout.png")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("flags", "names"),
    [((), ["a.JPG", "b.jpg"]), (("--recursive",), ["a.JPG", "b.jpg", "more/c.jpg"])],
)
def test_a_folder_stands_for_its_photos(
    reports: Callable[..., Reports], flags: tuple[str, ...], names: list[str]
) -> None:
    found = reports("photos", "--list", *flags)
    assert [report["photo"] for report in found] == [f"photos/{name}" for name in names]


@pytest.mark.usefixtures("folder")
def test_results_of_an_earlier_run_are_not_cut_out_again(reports: Callable[..., Reports]) -> None:
    for _ in range(2):
        found = reports("photos", "--mask", "-o", "photos")
        assert [report["photo"] for report in found] == ["photos/a.JPG", "photos/b.jpg"]


def test_a_photo_is_read_from_stdin_and_written_to_stdout() -> None:
    command = [sys.executable, "-m", "segmentation", "-", "-o", "-", "--format", "WebP", "--json"]
    done = subprocess.run(
        command, input=CAT.read_bytes(), cwd=ROOT, capture_output=True, check=True
    )
    with Image.open(io.BytesIO(done.stdout)) as written:
        assert (written.format, written.size) == ("WEBP", (451, 300))
    report = json.loads(done.stderr)
    assert (report["photo"], report["file"], report["chosen"]) == ("-", "-", [1])


def test_a_photo_of_stdin_gives_a_file_called_photo(
    tmp_path: Path, reports: Callable[..., Reports], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CAT.read_bytes())))
    (report,) = reports("-", "-o", tmp_path)
    assert report["file"] == str(tmp_path / "photo_cutout.png")


def test_a_file_called_dash_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(CAT, "-")
    assert main(["./-", "--list"]) == 0


def test_an_image_is_not_written_to_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(SystemExit):
        main([str(CAT), "-o", "-"])
    assert "would write an image to the terminal" in capsys.readouterr().err


def test_a_name_too_long_for_the_file_system_is_reported(
    reports: Callable[..., Reports],
) -> None:
    (report,) = reports("x" * 300 + ".jpg", ends_with=1)
    assert "error" in report


@pytest.mark.parametrize(
    ("background", "rgb"),
    [
        ("white", (255, 255, 255)),
        ("RebeccaPurple", (102, 51, 153)),
        ("#F00", (255, 0, 0)),
        ("Gradient:red,RED", (255, 0, 0)),
    ],
)
def test_colours_have_the_names_of_css(
    tmp_path: Path,
    reports: Callable[..., Reports],
    background: str,
    rgb: tuple[int, int, int],
) -> None:
    (report,) = reports(CAT, "--background", background, "--one-look", "-o", tmp_path)
    assert (image(report["file"])[140:160, 440:] == rgb).all()


def test_words_are_the_same_in_any_case(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    words = ("--objects", "Cat", "--crop", "Square", "--engine", "ONNX", "--fit", "Cover")
    (report,) = reports(CAT, "--format", "JPG", "--background", "BLUR", *words, "-o", tmp_path)
    assert report["file"] == str(tmp_path / "chelsea_cutout.jpg")
    height, width, _ = np.shape(image(report["file"]))
    assert height == width
    (report,) = reports(CAT, "--objects", "NONE", "--background", "Transparent", "-o", tmp_path)
    assert (image(report["file"]) == 0).all()


def test_threads_are_those_of_opencv_too(
    reports: Callable[..., Reports], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []
    monkeypatch.setattr(cv2, "setNumThreads", limits.append)
    reports(CAT, "--list")
    assert limits == [1]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
def test_a_loop_of_links_ends(folder: Path, reports: Callable[..., Reports]) -> None:
    Path("photos/more/loop").symlink_to(folder / "photos")
    assert len(reports("photos", "--recursive", "--list")) == 3
