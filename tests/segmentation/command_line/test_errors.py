"""Errors: wrong usage, photos that fail, files that cannot be written."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from PIL import Image

import segmentation.__main__
from segmentation.__main__ import main
from segmentation.cli.options import terminal_language
from segmentation.cutout import Cutout
from segmentation.image.photo import Photo
from segmentation.inference.segmenter import Segmenter
from tests.paths import ROOT
from tests.segmentation.command_line.conftest import CAT, PORTRAIT, Reports


def bad_photos(folder: Path) -> list[Path]:
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no photo")
    (folder / "cut.jpg").write_bytes(PORTRAIT.read_bytes()[:4_000])
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "no_frame.gif").write_bytes(b"GIF89a\x20\0\x20\0\0\0\0;")
    Image.new("1", (1, 1)).save(folder / "dot.png")
    Image.new("1", (20_000, 20_000)).save(folder / "bomb.png")
    (folder / "no_photos").mkdir()
    return [*sorted(folder.iterdir()), folder / "missing.png"]


def test_bad_photos_are_reported_and_the_others_are_cut_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad").mkdir()
    bad = bad_photos(tmp_path / "bad")
    photos = [str(path) for path in [*bad, CAT]]
    assert main([*photos, "-o", str(tmp_path / "out"), "--json"]) == 1
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert [line["photo"] for line in lines] == photos
    assert ["error" in line for line in lines] == [True] * len(bad) + [False]
    errors = captured.err.splitlines()
    assert errors == [f"{line['photo']}: {line['error']}" for line in lines[:-1]]
    assert (tmp_path / "out" / "chelsea_cutout.png").exists()


def test_a_name_cannot_change_what_the_terminal_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["a\x1b[31m\nb.jpg", "\u202egpj.exe", "照片 é.jpg"]
    for name in names:
        (tmp_path / name).touch()
    assert main([*(str(tmp_path / name) for name in names), "-o", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    shown = ["a\\x1b[31m\\nb.jpg", "\\u202egpj.exe", "照片 é.jpg"]
    assert captured.out.splitlines() == [f"{tmp_path}/{name}" for name in shown]
    assert [line.partition(": ")[0] for line in captured.err.splitlines()] == [
        f"{tmp_path}/{name}" for name in shown
    ]


@pytest.mark.parametrize(
    ("variable", "locale", "message"),
    [
        ("LANG", "zh_CN.UTF-8", "找不到文件"),
        ("LC_ALL", "zh_TW.UTF-8", "找不到文件"),
        ("LANG", "en_GB.UTF-8", "There is no file"),
        ("LANG", "C", "There is no file"),
    ],
)
def test_errors_are_in_the_language_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    locale: str,
    message: str,
) -> None:
    monkeypatch.setenv(variable, locale)
    assert main(["missing.png"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_locale_variables_are_read_in_the_order_of_posix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert terminal_language() == "zh"
    monkeypatch.setenv("LC_MESSAGES", "en_US.UTF-8")
    assert terminal_language() == "en"
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert terminal_language() == "zh"
    monkeypatch.setenv("LC_ALL", "")
    assert terminal_language() == "en"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "PHOTO"),
        ((CAT, "--objects", "giraffe"), "The model has no label 'giraffe'"),
        ((CAT, "--objects", ""), "The model has no label ''"),
        ((CAT, "--background", "#12"), "is not a colour"),
        ((CAT, "--background", "missing.jpg"), "There is no file missing.jpg"),
        ((CAT, "--background", "whit"), "There is no background 'whit' and no file of this name"),
        ((CAT, "--background", "#11223344"), "#11223344 has an opacity, and colours here are"),
        ((CAT, "--background", "gradient:white,#1234"), "Write it like #123."),
        ((CAT, "--format", "jpg"), "JPEG has no transparency"),
        (("-", "-"), "stdin holds one photo"),
        ((CAT, PORTRAIT, "-o", "-"), "-o - writes one file to stdout"),
        ((CAT, "--each", "-o", "-"), "-o - writes one file to stdout"),
        ((CAT, "--mask", "-o", "-"), "Leave --mask out"),
        ((CAT, "--model", "no-such-model"), "No model called no-such-model"),
        ((CAT, "--engine", "tpu"), "or the address of replicas"),
        ((CAT, "--threshold", "1.5"), "not between 0 and 1"),
        ((CAT, "--threshold", "nan"), "not between 0 and 1"),
        ((CAT, "--threshold", "high"), "--threshold"),
        ((CAT, "--threads", "-1"), "less than 0"),
        ((CAT, "-o", "cat.gif"), "Cut-outs are PNG, "),
        ((CAT, "-o", "cat.jpg"), "JPEG has no transparency"),
        ((CAT, "--format", "jpeg"), "JPEG has no transparency"),
        ((CAT, "-o", "cat.webp", "--format", "png"), "does not end like a png file"),
        ((CAT, "--quality", "80"), "PNG keeps every pixel"),
        ((CAT, "--format", "webp", "--quality", "101"), "from 1 to 100"),
        ((CAT, "--format", "avif"), "invalid choice"),
        ((CAT, "--each", "-o", "each.png"), "--each writes a file for every object"),
        ((CAT, "--crop=round"), "invalid choice"),
        ((CAT, "--outline", "2,reddish"), "is not a colour"),
        ((CAT, "--outline", "0,#FF0000"), "An outline is WIDTH,#RRGGBB"),
        ((CAT, "--outline=21,#FF0000"), "An outline is WIDTH,#RRGGBB"),
        ((CAT, "--outline=#FF0000"), "An outline is WIDTH,#RRGGBB"),
        ((CAT, "--background", "gradient:#FFF"), "A gradient has two colours"),
        ((CAT, "--background", "gradient:#FFF,bluish"), "is not a colour"),
        ((CAT, "--fit", "stretch"), "invalid choice"),
        ((CAT, "--place", "1,0.5,0.5"), "--place needs another photo"),
        ((CAT, "--background", CAT, "--place", "1,0.5"), "A place is three numbers"),
        ((CAT, "--background", CAT, "--place", "1,0.5,2"), "a position from 0 to 1"),
        ((CAT, "--background", CAT, "--place", "1,0,0", "--crop"), "Leave --crop out"),
        ((CAT, PORTRAIT, "-o", "both.png"), "2 photos do not fit into one file"),
    ],
)
def test_wrong_usage_exits_with_status_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, arguments)])
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("--precision", "int3"), ("--engine", "ascend")])
def test_an_engine_that_cannot_start_is_reported_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, str]
) -> None:
    assert main([str(CAT), *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")


def test_a_folder_that_cannot_be_written_is_reported(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    (tmp_path / "file").touch()
    (report,) = reports(CAT, "-o", tmp_path / "file", ends_with=1)
    assert "cannot be written" in report["error"]
    assert "file" not in report


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "gbk"])
def test_names_that_a_terminal_cannot_encode_do_not_stop_the_run(
    tmp_path: Path, encoding: str
) -> None:
    """Test with a file name that is not UTF-8 and a Chinese label."""
    photo = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Path(os.fsdecode(photo)).write_bytes(CAT.read_bytes())
    run = subprocess.run(
        [sys.executable, "-m", "segmentation", photo, "--json", "-o", tmp_path],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=True,
    )
    report = json.loads(run.stdout.decode(encoding))
    assert report["instances"][0]["label_zh"] == "猫"
    assert Path(report["file"]).exists()


def test_an_input_photo_is_never_overwritten(
    tmp_path: Path, reports: Callable[..., Reports], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cat = CAT.read_bytes()
    for name in ("cat.png", "cat_mask.png", "dog.png", "dog_cutout.png", "beach.png"):
        (tmp_path / name).write_bytes(cat)

    def errors(*argv: object) -> list[str]:
        return [report["error"] for report in reports(*argv, ends_with=1) if "error" in report]

    assert (
        "cat_mask.png is one of the photos given" in errors("cat.png", "cat_mask.png", "--mask")[0]
    )
    assert len(errors("dog.png", "dog_cutout.png")) == 1
    assert len(errors("cat.png", "--background", "beach.png", "-o", "beach.png")) == 1
    for name in ("cat_mask.png", "dog_cutout.png", "beach.png"):
        assert (tmp_path / name).read_bytes() == cat, name
    # The result of an earlier run is replaced if it is not an input now.
    assert "file" in reports("cat.png")[0]


def test_a_failed_write_leaves_no_partial_file(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    (tmp_path / "chelsea_cutout.png").mkdir()
    (report,) = reports(CAT, "-o", tmp_path, ends_with=1)
    assert "cannot be written" in report["error"]
    assert [path.name for path in tmp_path.iterdir()] == ["chelsea_cutout.png"]


def test_a_photo_too_large_for_the_memory_does_not_stop_the_others(
    tmp_path: Path, reports: Callable[..., Reports], monkeypatch: pytest.MonkeyPatch
) -> None:
    refine_and_cut_out = segmentation.__main__.refine_and_cut_out

    def fail_for_the_cat(segmenter: Segmenter, photo: Photo, *rest: Any) -> Cutout:
        if photo.stem == "chelsea":
            raise MemoryError
        return refine_and_cut_out(segmenter, photo, *rest)

    monkeypatch.setattr(segmentation.__main__, "refine_and_cut_out", fail_for_the_cat)
    first, second = reports(CAT, PORTRAIT, "-o", tmp_path, ends_with=1)
    assert "too little memory" in first["error"]
    assert Path(second["file"]).is_file()


def test_an_unreachable_hub_is_an_error_without_the_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert main([str(CAT), "--model", "hf:someone/something"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "usage" not in error


def test_a_closed_pipe_gives_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "segmentation", str(CAT), str(PORTRAIT), "-o", str(tmp_path)]
    shell = ["bash", "-c", 'set -o pipefail; "$@" | true', "bash"]
    run = subprocess.run([*shell, *command], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr == ""
