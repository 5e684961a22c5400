"""Files and reports of `python -m segmentation`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import segmentation.engines.onnx
from segmentation.__main__ import main
from segmentation.cli.parser import make_parser, parse
from segmentation.engines.onnx import OnnxEngine
from tests.segmentation.command_line.conftest import CAT, PORTRAIT, Reports, image


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


def test_without_json_each_file_and_object_has_a_line(
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


def test_a_crop_applies_to_image_and_mask(tmp_path: Path, reports: Callable[..., Reports]) -> None:
    (report,) = reports(PORTRAIT, "--mask", "--crop", "-o", tmp_path / "x.png")
    assert report["file"] == str(tmp_path / "x.png")
    assert report["mask"] == str(tmp_path / "x_mask.png")
    cropped = image(report["file"])
    assert cropped.shape[0] <= 512
    assert cropped.shape[1] < 512
    np.testing.assert_array_equal(image(report["mask"]), cropped[..., 3])


@pytest.mark.parametrize("background", ["#FF0000", "#f00", "blur", str(PORTRAIT)])
def test_the_background_is_replaced(
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
def test_the_format_follows_the_file_name_or_the_flag(
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
def test_flags_with_an_optional_value_do_not_consume_a_photo(
    tmp_path: Path, reports: Callable[..., Reports], flags: tuple[str, ...], aspect: float | None
) -> None:
    before, after = (
        vars(parse(arguments, make_parser()))
        for arguments in ([*flags, str(PORTRAIT)], [str(PORTRAIT), *flags])
    )
    assert before == after
    (report,) = reports("-o", tmp_path, "--mask", *flags, PORTRAIT)
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


def test_each_object_gets_its_own_file(tmp_path: Path, reports: Callable[..., Reports]) -> None:
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
    for files in report["files"]:
        np.testing.assert_array_equal(image(files["file"])[..., 3], image(files["mask"]))


def test_the_dpi_of_the_photo_is_kept(tmp_path: Path, reports: Callable[..., Reports]) -> None:
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
def test_objects_are_chosen_by_rule_label_or_id(
    tmp_path: Path, reports: Callable[..., Reports], objects: str, chosen: list[int]
) -> None:
    (report,) = reports(PORTRAIT, "--objects", objects, "-o", tmp_path)
    assert report["chosen"] == chosen
    assert ("file" in report) == bool(chosen or objects == "none")


def test_all_selects_every_object_and_none_gives_an_empty_cut_out(
    tmp_path: Path, reports: Callable[..., Reports]
) -> None:
    (report,) = reports(PORTRAIT, "--objects", "all", "-o", tmp_path)
    assert report["chosen"] == [instance["id"] for instance in report["instances"]]
    (report,) = reports(PORTRAIT, "--objects", "none", "-o", tmp_path)
    assert (image(report["file"]) == 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--threshold", "1"), "Nothing was found. Try a lower --threshold"),
        (("--objects", "dog"), "None of the objects found is what --objects asks for"),
    ],
)
def test_an_empty_selection_is_not_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert main([str(CAT), "-o", str(tmp_path / "out"), *arguments]) == 0
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_photo_without_objects_is_not_an_error(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(empty), "-o", str(empty.parent / "out"), "--threshold", "0.9"]) == 0
    assert capsys.readouterr().err.endswith("for example 0.1.\n")


def test_each_without_a_chosen_object_is_reported(
    tmp_path: Path, reports: Callable[..., Reports], capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(CAT), "--each", "--objects", "none", "-o", str(tmp_path)])
    assert "nothing was written" in capsys.readouterr().err
    assert reports(CAT, "--each", "--objects", "none", "-o", tmp_path)[0].get("files") is None


def test_photos_at_a_time_give_the_files_and_lines_of_one_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each run computes its photos itself.
    monkeypatch.setattr(segmentation.engines.onnx, "OnnxEngine", OnnxEngine)
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"\xff\xd8\xff")
    photos = [str(photo) for photo in (PORTRAIT, damaged, CAT)]
    outcomes = []
    for jobs in "1", "3":
        folder = tmp_path / jobs
        flags = ("--jobs", jobs, "--mask", "-o", str(folder))
        assert main([*photos, *flags]) == 1
        printed = capsys.readouterr()
        files = {file.name: file.read_bytes() for file in folder.iterdir()}
        outcomes.append((files, printed.out.replace(str(folder), ""), printed.err))
    assert len(outcomes[0][0]) == 4
    assert outcomes[0] == outcomes[1]
