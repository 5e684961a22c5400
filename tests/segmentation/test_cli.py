"""python -m segmentation: what it writes, says, and ends with."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import constants
from PIL import Image

import segmentation.__main__
from segmentation.__main__ import main
from segmentation.cli import terminal_language
from segmentation.filenames import targets
from segmentation.image.read import Photo
from tests.paths import ROOT

CAT = ROOT / "examples" / "chelsea.png"
PORTRAIT = ROOT / "examples" / "cameraman.jpg"
Reports = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def reports(capsys: pytest.CaptureFixture[str]) -> Callable[..., Reports]:
    def run(*argv: object, ends_with: int = 0) -> Reports:
        assert main([*map(str, argv), "--json", "--threads", "1"]) == ends_with
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def image(path: Path | str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(Image.open(path))


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A photo with nothing to find."""
    Image.new("RGB", (64, 48), (128, 128, 128)).save(tmp_path / "grey.png")
    return tmp_path / "grey.png"


def test_a_photo_becomes_a_cut_out(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    (report,) = reports(CAT, "-o", tmp_path / "new" / "folder")
    assert report["photo"] == str(CAT)
    assert report["model"] == "compact"
    assert report["device"] == "onnxruntime CPU"
    assert report["chosen"] == [1]
    assert set(report["instances"][0]) == {"id", "label", "label_zh", "score", "box_xyxy", "area"}
    assert report["instances"][0]["label_zh"] == "猫"
    stages = ("decode", "load", "prepare", "infer", "instances", "closer", "alpha")
    assert tuple(report["timings_ms"]) == (*stages, "compose_and_encode")
    assert report["file"] == str(tmp_path / "new" / "folder" / "chelsea_cutout.png")
    cut_out = image(report["file"])
    assert cut_out.shape == (300, 451, 4)
    assert cut_out[..., 3].min() == 0
    assert cut_out[..., 3].max() == 255
    assert (cut_out[cut_out[..., 3] == 0] == 0).all()


def test_for_people_one_line_a_photo_and_one_an_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(PORTRAIT), "-o", str(tmp_path)]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first == f"{PORTRAIT} -> {tmp_path / 'cameraman_cutout.png'}"
    assert others[0].split()[:3] == ["*", "1", "person"]
    assert all(line.split()[0] != "*" for line in others[1:])


def test_list_writes_nothing(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    (report,) = reports(CAT, "--list", "--mask", "-o", tmp_path / "out")
    assert report["instances"]
    assert "file" not in report
    assert not (tmp_path / "out").exists()


def test_the_mask_is_the_alpha(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    (report,) = reports(CAT, "--mask", "-o", tmp_path)
    assert report["mask"] == str(tmp_path / "chelsea_mask.png")
    np.testing.assert_array_equal(image(report["mask"]), image(report["file"])[..., 3])


def test_a_crop_cuts_both_alike(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    (report,) = reports(PORTRAIT, "--mask", "--crop", "-o", tmp_path / "x.png")
    assert report["file"] == str(tmp_path / "x.png")
    assert report["mask"] == str(tmp_path / "x_mask.png")
    cropped = image(report["file"])
    assert cropped.shape[0] <= 512
    assert cropped.shape[1] < 512
    np.testing.assert_array_equal(image(report["mask"]), cropped[..., 3])


@pytest.mark.parametrize("background", ["#FF0000", "#f00", "blur", str(PORTRAIT)])
def test_a_background_is_put_behind(
    tmp_path: Path, reports: Callable[..., Reports], background: str
) -> None:
    (report,) = reports(CAT, "--background", background, "-o", tmp_path)
    result = image(report["file"])
    assert result.shape == (300, 451, 3)
    outside = result[140:160, 440:]
    if background.startswith("#"):
        assert (outside == (255, 0, 0)).all()
    else:
        assert (outside != image(CAT)[140:160, 440:]).any()


@pytest.mark.parametrize(
    ("name", "flags", "format_"),
    [
        ("x.webp", (), "WEBP"),
        ("x.webp", ("--quality", "30", "--format", "webp"), "WEBP"),
        ("x.JPG", ("--background", "#FFF"), "JPEG"),
        ("x.jpeg", ("--background", "gradient:#FFF,#88AACC", "--quality", "70"), "JPEG"),
        (".", ("--format", "jpeg", "--background", "blur"), "JPEG"),
        (".", ("--format", "webp"), "WEBP"),
    ],
)
def test_formats(
    tmp_path: Path,
    reports: Callable[..., Reports],
    name: str,
    flags: tuple[str, ...],
    format_: str,
) -> None:
    (report,) = reports(CAT, "-o", tmp_path / name, *flags)
    file = Path(report["file"])
    default = f"chelsea_cutout{'.jpg' if format_ == 'JPEG' else '.webp'}"
    assert file == tmp_path / (default if name == "." else name)
    with Image.open(file) as written:
        assert written.format == format_
        assert written.size == (451, 300)
        assert "icc_profile" in written.info


@pytest.mark.parametrize(
    ("flags", "aspect"),
    [
        (("--crop",), None),
        (("--crop", "square"), 1),
        (("--crop=portrait",), 0.75),
        (("--crop", "--shadow", "--outline"), None),
        (("--outline", "3,#FF0000", "--crop", "square", "--shadow"), 1),
        (("--outline", "--crop"), None),
    ],
)
def test_flags_that_may_stand_alone_take_no_photo_for_their_value(
    tmp_path: Path, reports: Callable[..., Reports], flags: tuple[str, ...], aspect: float | None
) -> None:
    for arguments in ((*flags, PORTRAIT), (PORTRAIT, *flags)):
        (report,) = reports("-o", tmp_path, "--mask", *arguments)
        height, width, _ = image(report["file"]).shape
        assert image(report["mask"]).shape == (height, width)
        assert (height, width) != (512, 512)
        if aspect:
            assert width / height == pytest.approx(aspect, abs=0.01)


def test_effects_are_drawn_around_the_object(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    (plain,) = reports(PORTRAIT, "-o", tmp_path / "plain.png")
    (drawn,) = reports(PORTRAIT, "-o", tmp_path / "x.png", "--outline", "2,#FF0000", "--shadow")
    before, after = image(plain["file"]), image(drawn["file"])
    new = (before[..., 3] == 0) & (after[..., 3] == 255)
    assert new.mean() > 0.005
    assert (after[new] == (255, 0, 0, 255)).mean() > 0.9
    inside = before[..., 3] == 255
    assert (after[inside] == before[inside]).all()


def test_an_object_is_placed_in_another_photo(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    (report,) = reports(
        CAT, "--background", PORTRAIT, "--place", "0.5,0.5,0.5", "--mask", "-o", tmp_path
    )
    result, mask, behind = image(report["file"]), image(report["mask"]), image(PORTRAIT)
    assert result.shape == (512, 512, 3)
    assert (result[mask == 0] == behind.reshape(512, 512, -1)[mask == 0]).all()
    rows, columns = np.nonzero(mask)
    assert max(np.ptp(rows), np.ptp(columns)) == pytest.approx(256, abs=3)


def test_each_object_has_its_file(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    (report,) = reports(
        PORTRAIT, "--objects", "1,2", "--each", "--mask", "--format", "webp", "-o", tmp_path
    )
    labels = [instance["label"] for instance in report["instances"][:2]]
    assert report["files"] == [
        {
            "id": id_,
            "file": str(tmp_path / f"cameraman_{id_}_{label}.webp"),
            "mask": str(tmp_path / f"cameraman_{id_}_{label}_mask.png"),
        }
        for id_, label in enumerate(labels, start=1)
    ]
    assert "file" not in report
    for made in report["files"]:
        np.testing.assert_array_equal(image(made["file"])[..., 3], image(made["mask"]))


def test_density_is_kept(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    Image.open(CAT).save(tmp_path / "scan.png", dpi=(300, 300))
    (report,) = reports(tmp_path / "scan.png", "--mask", "--crop", "-o", tmp_path / "out")
    for key in ("file", "mask"):
        with Image.open(report[key]) as written:
            assert written.info["dpi"] == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize(
    ("objects", "chosen"),
    [
        ("auto", [1]),
        ("largest", [1]),
        ("person", [1]),
        ("人", [1]),
        ("人，2", [1, 2]),
        ("1,2", [1, 2]),
        ("dog", []),
        ("none", []),
    ],
)
def test_objects_are_chosen(
    tmp_path: Path, reports: Callable[..., Reports], objects: str, chosen: list[int]
) -> None:
    (report,) = reports(PORTRAIT, "--objects", objects, "-o", tmp_path)
    assert report["chosen"] == chosen
    assert ("file" in report) == bool(chosen or objects == "none")


def test_all_is_everything_and_none_an_empty_cut_out(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    (report,) = reports(PORTRAIT, "--objects", "all", "-o", tmp_path)
    assert report["chosen"] == [instance["id"] for instance in report["instances"]]
    (report,) = reports(PORTRAIT, "--objects", "none", "-o", tmp_path)
    assert (image(report["file"]) == 0).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--threshold", "1"), "Nothing was found. Try a lower --threshold"),
        (("--objects", "dog"), "None of the objects found is what --objects asks for"),
    ],
)
def test_nothing_to_cut_out_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    assert main([str(CAT), "-o", str(tmp_path / "out"), *arguments]) == 0
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_photo_with_nothing_in_it_is_no_failure(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(empty), "-o", str(empty.parent / "out"), "--threshold", "0.9"]) == 0
    assert capsys.readouterr().err.endswith("for example 0.1.\n")


def bad_photos(folder: Path) -> list[Path]:
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no photo")
    (folder / "cut.jpg").write_bytes(PORTRAIT.read_bytes()[:20_000])
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "no_frame.gif").write_bytes(b"GIF89a\x20\0\x20\0\0\0\0;")
    Image.new("1", (1, 1)).save(folder / "dot.png")
    Image.new("1", (20_000, 20_000)).save(folder / "bomb.png")
    return [*sorted(folder.iterdir()), folder, folder / "missing.png"]


def test_bad_photos_fail_one_by_one_and_the_others_are_done(
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
    said = captured.err.splitlines()
    assert said == [f"{line['photo']}: {line['error']}" for line in lines[:-1]]
    assert (tmp_path / "out" / "chelsea_cutout.png").exists()


@pytest.mark.parametrize(
    ("variable", "locale", "says"),
    [
        ("LANG", "zh_CN.UTF-8", "找不到文件"),
        ("LC_ALL", "zh_TW.UTF-8", "找不到文件"),
        ("LANG", "en_GB.UTF-8", "There is no file"),
        ("LANG", "C", "There is no file"),
    ],
)
def test_errors_are_in_the_terminals_language(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    locale: str,
    says: str,
) -> None:
    monkeypatch.setenv(variable, locale)
    assert main(["missing.png"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_the_more_special_variable_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert terminal_language() == "zh"
    monkeypatch.setenv("LC_MESSAGES", "en_US.UTF-8")
    assert terminal_language() == "en"
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert terminal_language() == "zh"
    monkeypatch.setenv("LC_ALL", "")
    assert terminal_language() == "en"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "PHOTO"),
        ((CAT, "--objects", "giraffe"), "The model has no label 'giraffe'"),
        ((CAT, "--objects", ""), "The model has no label ''"),
        ((CAT, "--background", "#12"), "is not a colour"),
        ((CAT, "--background", "missing.jpg"), "There is no file missing.jpg"),
        ((CAT, "--model", "no-such-model"), "No model called no-such-model"),
        ((CAT, "--engine", "tpu"), "or the address of replicas"),
        ((CAT, "--threshold", "1.5"), "not between 0 and 1"),
        ((CAT, "--threshold", "nan"), "not between 0 and 1"),
        ((CAT, "--threshold", "high"), "--threshold"),
        ((CAT, "--threads", "-1"), "less than 0"),
        ((CAT, "-o", "cat.gif"), "Cut-outs are PNG, WebP or JPEG files"),
        ((CAT, "-o", "cat.jpg"), "JPEG has no transparency"),
        ((CAT, "--format", "jpeg"), "JPEG has no transparency"),
        ((CAT, "-o", "cat.webp", "--format", "png"), "does not end like a png file"),
        ((CAT, "--quality", "80"), "PNG keeps every pixel"),
        ((CAT, "--format", "webp", "--quality", "101"), "from 1 to 100"),
        ((CAT, "--format", "avif"), "invalid choice"),
        ((CAT, "--each", "-o", "each.png"), "--each writes a file for every object"),
        ((CAT, "--crop=round"), "invalid choice"),
        ((CAT, "--outline", "2,red"), "is not a colour"),
        ((CAT, "--outline", "0,#FF0000"), "An outline is WIDTH,#RRGGBB"),
        ((CAT, "--outline=21,#FF0000"), "An outline is WIDTH,#RRGGBB"),
        ((CAT, "--outline=#FF0000"), "An outline is WIDTH,#RRGGBB"),
        ((CAT, "--background", "gradient:#FFF"), "A gradient has two colours"),
        ((CAT, "--background", "gradient:#FFF,blue"), "is not a colour"),
        ((CAT, "--fit", "stretch"), "invalid choice"),
        ((CAT, "--place", "1,0.5,0.5"), "--place needs another photo"),
        ((CAT, "--background", CAT, "--place", "1,0.5"), "A place is three numbers"),
        ((CAT, "--background", CAT, "--place", "1,0.5,2"), "a position from 0 to 1"),
        ((CAT, "--background", CAT, "--place", "1,0,0", "--crop"), "Leave --crop out"),
        ((CAT, PORTRAIT, "-o", "both.png"), "2 photos do not fit into one file"),
    ],
)
def test_wrong_usage_ends_with_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...], says: str
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, arguments)])
    assert exit_.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("--precision", "int3"), ("--engine", "ascend")])
def test_an_engine_that_cannot_start_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, str]
) -> None:
    assert main([str(CAT), *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    (tmp_path / "file").touch()
    (report,) = reports(CAT, "-o", tmp_path / "file", ends_with=1)
    assert "cannot be written" in report["error"]
    assert "file" not in report


@pytest.mark.parametrize(
    ("photos", "output", "written"),
    [
        (["a.jpg"], "out", ["out/a_cutout.png"]),
        (["a.jpg"], "x.PNG", ["x.PNG"]),
        (["a.jpg", "b/a.png", "a_2.jpg"], "out", ["a", "a_2", "a_2_2"]),
        (["a.jpg", "A.jpg"], ".", ["a", "A_2"]),
        (["我.jpg", "😀.jpg", "!.jpg"], ".", ["我", "photo", "photo_2"]),
    ],
)
def test_no_two_photos_share_a_file(photos: list[str], output: str, written: list[str]) -> None:
    pairs = list(targets([Path(photo) for photo in photos], Path(output)))
    assert [photo for photo, _ in pairs] == [Path(photo) for photo in photos]
    expected = [
        Path(name) if "." in name else Path(output) / f"{name}_cutout.png" for name in written
    ]
    assert [target for _, target in pairs] == expected


def test_a_folder_may_be_called_png(tmp_path: Path) -> None:
    (tmp_path / "x.png").mkdir()
    ((_, target),) = targets([Path("a.jpg")], tmp_path / "x.png")
    assert target == tmp_path / "x.png" / "a_cutout.png"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "gbk"])
def test_no_terminal_is_too_poor_for_a_name(tmp_path: Path, encoding: str) -> None:
    """A file name that is no UTF-8, and a label in Chinese."""
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


def test_a_photo_that_was_given_is_never_overwritten(
    tmp_path: Path, reports: Callable[..., Reports], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cat = CAT.read_bytes()
    for name in ("cat.png", "cat_mask.png", "dog.png", "dog_cutout.png", "beach.png"):
        (tmp_path / name).write_bytes(cat)

    def refused(*argv: object) -> list[str]:
        return [report["error"] for report in reports(*argv, ends_with=1) if "error" in report]

    assert (
        "cat_mask.png is one of the photos given" in refused("cat.png", "cat_mask.png", "--mask")[0]
    )
    assert len(refused("dog.png", "dog_cutout.png")) == 1
    assert len(refused("cat.png", "--background", "beach.png", "-o", "beach.png")) == 1
    for name in ("cat_mask.png", "dog_cutout.png", "beach.png"):
        assert (tmp_path / name).read_bytes() == cat, name
    # A result of an earlier run that is no input now is replaced as ever.
    assert "file" in reports("cat.png")[0]


def test_a_write_that_fails_leaves_the_old_file_and_no_half_of_a_new_one(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    (tmp_path / "chelsea_cutout.png").mkdir()
    (report,) = reports(CAT, "-o", tmp_path, ends_with=1)
    assert "cannot be written" in report["error"]
    assert [path.name for path in tmp_path.iterdir()] == ["chelsea_cutout.png"]


def test_a_photo_too_large_for_the_memory_does_not_stop_the_others(
    tmp_path: Path, reports: Callable[..., Reports], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file = segmentation.__main__.make_file

    def short_of_memory(photo: Photo, *rest: Any) -> bytes:
        if photo.stem == "chelsea":
            raise MemoryError
        return make_file(photo, *rest)

    monkeypatch.setattr(segmentation.__main__, "make_file", short_of_memory)
    first, second = reports(CAT, PORTRAIT, "-o", tmp_path, ends_with=1)
    assert "too little memory" in first["error"]
    assert Path(second["file"]).is_file()


def test_each_of_nothing_is_said(
    tmp_path: Path, reports: Callable[..., Reports], capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(CAT), "--each", "--objects", "none", "-o", str(tmp_path)])
    assert "nothing was written" in capsys.readouterr().err
    assert reports(CAT, "--each", "--objects", "none", "-o", tmp_path)[0].get("files") is None


def test_a_hub_that_is_not_there_is_no_wrong_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert main([str(CAT), "--model", "hf:someone/something"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "usage" not in said


def test_who_reads_no_further_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "segmentation", str(CAT), str(PORTRAIT), "-o", str(tmp_path)]
    shell = ["bash", "-c", 'set -o pipefail; "$@" | true', "bash"]
    done = subprocess.run([*shell, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == ""
