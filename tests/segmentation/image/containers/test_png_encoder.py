"""PNG files made of strips hold every pixel, on any number of threads."""

import io
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from PIL import Image

from segmentation.arrays import UInt8
from segmentation.image.containers import png_encoder
from segmentation.image.containers.png_encoder import combine_adler32, encode_png
from segmentation.image.read import read_photo
from tests.paths import EXAMPLES


@pytest.fixture
def small_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_encoder, "STRIP_BYTES", 200)


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(request.param)
    yield request.param
    cv2.setNumThreads(before)


def noise(*shape: int) -> UInt8:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.usefixtures("small_strips", "threads")
@pytest.mark.parametrize(
    "shape",
    [
        (50, 9),
        (50, 9, 3),
        (50, 9, 4),
        (1, 9, 3),
        (200, 1, 4),
        (3, 400, 3),  # a row is larger than a strip
    ],
)
def test_pillow_and_opencv_read_every_pixel(shape: tuple[int, ...]) -> None:
    image = noise(*shape)
    if len(shape) == 3 and shape[2] == 4:
        image[..., 3] |= 1
    data = encode_png(image, None)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), image)
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert read is not None
    codes = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}
    rgb = read if image.ndim == 2 else cv2.cvtColor(read, codes[shape[2]])
    np.testing.assert_array_equal(rgb, image)


@pytest.mark.usefixtures("small_strips")
def test_the_number_of_threads_does_not_change_the_file(threads: int) -> None:
    image = noise(90, 20, 4)
    data = encode_png(image, None)
    cv2.setNumThreads(2)
    assert encode_png(image, None) == data, threads


@pytest.mark.usefixtures("small_strips")
def test_an_image_that_is_not_contiguous_is_read_row_by_row() -> None:
    image = noise(60, 20, 4)
    part = image[5:50, 3:15, :3]
    data = encode_png(part, None)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), part)


def test_files_are_no_larger_than_opencv_makes_them() -> None:
    rgb = read_photo(EXAMPLES / "chelsea.png").rgb
    # A disc whose edge is about as wide as that of a cut-out.
    mask = np.clip(np.hypot(*np.mgrid[-300:300, -300:300]) * 60 - 12_000, 0, 255).astype(np.uint8)
    for image, bgr in (rgb, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)), (mask, mask):
        _, buffer = cv2.imencode(".png", bgr)
        assert len(encode_png(image, None)) <= len(buffer)


@pytest.mark.parametrize("cut", [0, 1, 40_000, 70_000, 100_000])
def test_checksums_of_parts_make_that_of_the_whole(cut: int) -> None:
    data = noise(100_000).tobytes()
    first, second = data[:cut], data[cut:]
    combined = combine_adler32(zlib.adler32(first), zlib.adler32(second), len(second))
    assert combined == zlib.adler32(data)
