"""Paths and formats of the files that the command line writes."""

from pathlib import Path

import pytest

from segmentation.errors import ChoiceError
from segmentation.filenames import check_output, file_extension, output_format, output_paths


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
def test_no_two_photos_get_the_same_path(
    photos: list[str], output: str, written: list[str]
) -> None:
    pairs = list(output_paths([Path(photo) for photo in photos], Path(output)))
    assert [photo for photo, _ in pairs] == [Path(photo) for photo in photos]
    expected = [
        Path(name) if "." in name else Path(output) / f"{name}_cutout.png" for name in written
    ]
    assert [path for _, path in pairs] == expected


def test_a_folder_may_have_the_extension_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.png").mkdir()
    ((_, path),) = output_paths([Path("a.jpg")], tmp_path / "x.png")
    assert path == tmp_path / "x.png" / "a_cutout.png"


def test_paths_have_the_extension_of_the_format() -> None:
    ((_, path),) = output_paths([Path("a.png")], Path("out"), "jpeg")
    assert path == Path("out/a_cutout.jpg")
    assert file_extension("jpeg") == ".jpg"


@pytest.mark.parametrize(
    ("output", "format_", "expected"),
    [
        ("out", None, "png"),
        ("out", "webp", "webp"),
        ("cat.jpg", None, "jpeg"),
        ("cat.JPEG", "jpeg", "jpeg"),
        ("cat.webp", None, "webp"),
        ("v1.2", None, "png"),
    ],
)
def test_the_format_follows_the_flag_or_the_extension(
    output: str, format_: str | None, expected: str
) -> None:
    assert output_format(Path(output), format_) == expected


def test_a_folder_has_no_extension_to_follow(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    assert output_format(tmp_path / "x.jpg", None) == "png"
    assert output_format(tmp_path / "x.jpg", "webp") == "webp"


@pytest.mark.parametrize(
    ("output", "format_", "message"),
    [
        ("cat.webp", "png", "cat.webp does not end like a png file"),
        ("cat.gif", None, "Cut-outs are PNG, .* files"),
        ("cat.TIFF", "png", "Cut-outs are PNG, .* files"),
    ],
)
def test_an_extension_that_does_not_fit_is_refused(
    output: str, format_: str | None, message: str
) -> None:
    with pytest.raises(ChoiceError, match=message):
        output_format(Path(output), format_)


def test_a_folder_can_hold_any_number_of_results() -> None:
    check_output(Path("out"), [Path("a.jpg"), Path("b.jpg")], each=True)


def test_one_file_cannot_hold_several_results(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.touch()
    check_output(tmp_path / "b.png", [photo])
    with pytest.raises(ChoiceError, match="--each writes a file for every object"):
        check_output(tmp_path / "b.png", [photo], each=True)
    with pytest.raises(ChoiceError, match="2 photos do not fit into one file"):
        check_output(tmp_path / "b.png", [photo, photo])
    with pytest.raises(ChoiceError, match=r"a\.png is the photo itself"):
        check_output(photo, [photo])
