"""Files that cannot be opened, are damaged, or have several frames."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.errors import KoutuError, PhotoError, PhotoTooLarge
from segmentation.image.photo import Limits
from segmentation.image.read import read_photo
from tests.segmentation.image.photo_files import (
    SAMPLE_FORMATS,
    SIZE_WH,
    TOP_LEFT,
    corner_photo,
    damaged_copies,
    encode_image,
    is_near,
    sample,
    save_image,
    two_frames,
)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_first_of_several_frames_is_used_with_a_notice(tmp_path: Path, format_: str) -> None:
    first, second = two_frames()
    path = save_image(tmp_path / "x", first, format_, save_all=True, append_images=[second])
    photo = read_photo(path)
    assert is_near(photo.rgb[5, 5], TOP_LEFT)
    assert [notice.en for notice in photo.notices] == [
        "The file has several frames; the first one is used."
    ]


def test_the_second_view_of_a_phones_mpo_makes_no_notice(tmp_path: Path) -> None:
    first, second = two_frames()
    path = save_image(tmp_path / "x.jpg", first, "MPO", save_all=True, append_images=[second])
    photo = read_photo(path)
    assert is_near(photo.rgb[5, 5], TOP_LEFT)
    assert photo.notices == ()


def test_a_gif_without_frames_is_refused(tmp_path: Path) -> None:
    data = encode_image(Image.new("P", SIZE_WH), "GIF")
    path = tmp_path / "x.gif"
    path.write_bytes(data[: data.index(b",")] + b";")
    with pytest.raises(PhotoError):
        read_photo(path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.jpg", "no file missing.jpg"),
        ("", "is a folder"),
        ("x" * 300, "cannot be read"),
    ],
)
def test_a_path_that_cannot_be_opened_is_refused_with_the_reason(
    tmp_path: Path, name: str, says: str
) -> None:
    with pytest.raises(PhotoError, match=says):
        read_photo(tmp_path / name)


def test_an_endless_file_is_read_up_to_the_limit() -> None:
    with pytest.raises(PhotoTooLarge, match=r"0\.5 MB"):
        read_photo(Path("/dev/zero"), Limits(megabytes=0.5))


def test_a_pipe_without_a_writer_is_empty_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError, match="is empty"):
        read_photo(tmp_path / "pipe.jpg")


def test_a_photo_is_read_from_a_pipe() -> None:
    reader, writer = os.pipe()
    os.write(writer, encode_image(corner_photo(), "PNG"))
    os.close(writer)
    try:
        photo = read_photo(Path(f"/dev/fd/{reader}"))
    finally:
        os.close(reader)
    assert is_near(photo.rgb[5, 5], TOP_LEFT)


def test_an_invalid_path_is_refused() -> None:
    with pytest.raises(PhotoError, match="cannot be read"):
        read_photo(Path("a\0b"))


@pytest.mark.parametrize("format_", SAMPLE_FORMATS)
def test_a_file_cut_short_is_refused(tmp_path: Path, format_: str) -> None:
    data = sample(format_)
    path = tmp_path / "x"
    shares = (8, 6) if format_ in ("GIF", "MPO") else (3, 2)  # the first of two pictures counts
    for length in (1, 3, 8, 12, 20, 40, 80, *(len(data) // share for share in shares)):
        path.write_bytes(data[:length])
        with pytest.raises(PhotoError):
            read_photo(path)


@pytest.mark.usefixtures("decoded_here")  # test_pool has fewer of them in other processes
@pytest.mark.parametrize("format_", SAMPLE_FORMATS)
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "x"
    for damaged in damaged_copies(format_, 150):
        path.write_bytes(damaged)
        try:
            photo = read_photo(path)
        except KoutuError:
            continue
        assert photo.rgb.shape == (*photo.hw, 3)


def test_a_photo_has_the_stem_of_its_file(tmp_path: Path) -> None:
    assert read_photo(save_image(tmp_path / "我的 猫.png", corner_photo(), "PNG")).stem == "我的_猫"


def test_photos_are_read_alike_in_several_threads(tmp_path: Path) -> None:
    """Each thread registers pillow-heif and hides warnings."""
    for format_ in SAMPLE_FORMATS:
        (tmp_path / format_).write_bytes(sample(format_))
    alone = [read_photo(tmp_path / format_) for format_ in SAMPLE_FORMATS]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(read_photo, [tmp_path / name for name in SAMPLE_FORMATS * 6]))
    for photo, same in zip(alone * 6, together, strict=True):
        np.testing.assert_array_equal(photo.rgb, same.rgb)
        assert photo.notices == same.notices
