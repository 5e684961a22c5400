"""Photos from other sources than paths: bytes, file objects, arrays and PIL images."""

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.image import read
from segmentation.image.photo import Limits, Photo
from segmentation.image.read import read_photo

PIXELS = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Image.fromarray(PIXELS).save(tmp_path / "my dog.png")
    return tmp_path / "my dog.png"


@pytest.mark.parametrize(
    ("source_of", "stem"),
    [
        (lambda path: path, "my_dog"),
        (str, "my_dog"),
        (lambda path: path.open("rb"), "my_dog"),
        (lambda path: path.read_bytes(), "photo"),
        (lambda path: bytearray(path.read_bytes()), "photo"),
        (lambda path: io.BytesIO(path.read_bytes()), "photo"),
    ],
)
def test_every_source_gives_the_same_photo(
    path: Path, source_of: Callable[[Path], Any], stem: str
) -> None:
    source = source_of(path)
    photo = read_photo(source)
    if hasattr(source, "close"):
        source.close()
    np.testing.assert_array_equal(photo.rgb, PIXELS)
    assert photo.stem == stem


def test_limits_hold_for_bytes_and_file_objects(path: Path) -> None:
    data = path.read_bytes()
    for source in (data, io.BytesIO(data)):
        with pytest.raises(PhotoTooLarge):
            read_photo(source, Limits(megabytes=1e-4))


@pytest.mark.skipif(os.name != "posix", reason="named pipes are of POSIX")
def test_a_pipe_is_read_until_its_writer_closes_it_or_sends_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    data = path.read_bytes()
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # so that the writer can open it
    with pipe.open("wb") as writer:
        writer.write(data)
        writer.flush()
        monkeypatch.setattr(read, "PIPE_SECONDS", 0.01)
        with pytest.raises(PhotoError, match=r"Nothing more arrives from pipe\.png"):
            read_photo(pipe)
        writer.write(data)
        writer.flush()
        with pytest.raises(PhotoTooLarge):
            read_photo(pipe, Limits(megabytes=1e-4))
    os.close(reader)


def test_what_cannot_be_read_is_a_sentence() -> None:
    closed = io.BytesIO()
    closed.close()
    cases: list[tuple[Any, str]] = [
        (PIXELS, "not from ndarray. For pixels, use Photo.from_array."),
        (None, "not from NoneType"),
        (io.StringIO("text"), 'Open it with mode "rb"'),
        (io.TextIOWrapper(io.BytesIO(b"\x89PNG"), "utf-8"), 'Open it with mode "rb"'),
        (closed, "Open it again."),
        (b"", "The file is empty"),
    ]
    for source, sentence in cases:
        with pytest.raises(PhotoError, match=re.escape(sentence)):
            read_photo(source)


def test_an_array_is_copied() -> None:
    pixels = PIXELS.copy()
    photo = Photo.from_array(pixels, "a/b c.png", (300, 300))
    pixels[:] = 0
    np.testing.assert_array_equal(photo.rgb, PIXELS)
    assert (photo.alpha, photo.stem, photo.dpi_xy) == (None, "b_c", (300, 300))


def test_an_array_may_be_grey_or_have_an_alpha() -> None:
    grey = Photo.from_array(PIXELS[..., 0])
    assert (grey.rgb == PIXELS[..., :1]).all()
    alpha = np.zeros((20, 30, 1), np.uint8)
    alpha[:10] = 200
    photo = Photo.from_array(np.dstack([PIXELS, alpha]))
    assert photo.alpha is not None
    assert (photo.alpha == alpha[..., 0]).all()
    assert (photo.rgb[10:] == 255).all()
    assert (photo.rgb[:10] == PIXELS[:10]).all()
    opaque = Photo.from_array(np.dstack([PIXELS, np.full((20, 30), 255, np.uint8)]))
    assert opaque.alpha is None


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (PIXELS / 255, "not of float64 and shape (20, 30, 3)"),
        (PIXELS.astype(np.uint16), "not of uint16"),
        (PIXELS[None], "and shape (1, 20, 30, 3)"),
        (PIXELS.transpose(2, 0, 1), "and shape (3, 20, 30)"),
        (PIXELS[..., :2], "and shape (20, 30, 2)"),
        (PIXELS[:0], "30 x 0 pixels; each side needs 16 to 30000"),
        (None, "not of object and shape ()"),
    ],
)
def test_an_array_of_another_kind_is_refused_in_a_sentence(pixels: Any, sentence: str) -> None:
    with pytest.raises(PhotoError, match=re.escape(sentence)):
        Photo.from_array(pixels)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK", "YCbCr"])
def test_a_pil_image_of_any_mode_is_taken(mode: str) -> None:
    image = Image.fromarray(PIXELS).convert("L" if mode == "I;16" else "RGB").convert(mode)
    photo = Photo.from_image(image, "dog")
    assert photo.hw == (20, 30)
    assert photo.stem == "dog"
    assert photo.alpha is None, "the image is opaque"


def test_a_pil_image_keeps_its_transparency() -> None:
    image = Image.fromarray(PIXELS)
    image.putalpha(100)
    photo = Photo.from_image(image)
    assert photo.alpha is not None
    assert (photo.alpha == 100).all()


@pytest.mark.parametrize("mode", ["RGBa", "La"])
def test_a_pil_image_multiplied_by_its_alpha_is_divided_by_it(mode: str) -> None:
    photo = Photo.from_image(Image.new(mode, (20, 20), (50,) * (len(mode) - 1) + (100,)))
    assert photo.alpha is not None
    assert (photo.alpha == 100).all()
    assert (abs(photo.rgb.astype(int) - 127) <= 1).all()


def test_a_pil_image_is_turned_upright() -> None:
    image = Image.fromarray(PIXELS)
    image.getexif()[0x0112] = 6
    photo = Photo.from_image(image)
    np.testing.assert_array_equal(photo.rgb, np.rot90(PIXELS, -1))


def test_a_pil_image_of_floats_and_an_array_are_refused() -> None:
    for image in (Image.new("F", (20, 20)), PIXELS):
        with pytest.raises(PhotoError, match="This is no PIL image of 8 or 16 bits"):
            Photo.from_image(image)  # type: ignore[arg-type]
