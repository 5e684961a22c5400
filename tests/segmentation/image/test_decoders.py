"""Which decoder reads which format, and for whom."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from segmentation.errors import PhotoError
from segmentation.image.decode import decode
from segmentation.image.decoders import FIRST_SOUND_PILLOW, load_pixels
from segmentation.image.open import open_image
from segmentation.image.photo import Limits
from tests.paths import EXAMPLES, ROOT
from tests.segmentation.image.photo_files import encode_image, sample

STRANGERS = replace(Limits(), are_strangers=True)


def cmyk() -> bytes:
    return encode_image(Image.new("CMYK", (24, 20), (9, 90, 30, 0)), "JPEG")


@pytest.mark.parametrize("name", ["flower.jpg", "cameraman.jpg"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_opencv_decodes_a_jpeg_to_the_same_pixels_as_pillow(
    name: str, options: dict[str, int]
) -> None:
    with Image.open(EXAMPLES / name) as image:
        data = encode_image(image, "JPEG", **options)
    pixels = np.asarray(load_pixels(open_image(data), data))
    np.testing.assert_array_equal(pixels, np.asarray(open_image(data)))


@pytest.mark.parametrize("version", ["12.3.0", "13.0.0"])
@pytest.mark.parametrize("format_", ["TIFF", "GIF", "BMP", "CMYK"])
def test_strangers_reach_no_decoder_with_known_holes(
    monkeypatch: pytest.MonkeyPatch, format_: str, version: str
) -> None:
    data = cmyk() if format_ == "CMYK" else sample(format_)
    monkeypatch.setattr(PIL, "__version__", version)
    assert decode(data, Limits()).hw == (20, 24)
    if int(version.split(".")[0]) >= FIRST_SOUND_PILLOW:
        assert decode(data, STRANGERS).hw == (20, 24)
        return
    with pytest.raises(PhotoError, match=f"does not take .*{format_}"):
        decode(data, STRANGERS)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_strangers_can_send_the_usual_formats(format_: str) -> None:
    assert decode(sample(format_), STRANGERS).rgb.any()


def test_the_lock_has_the_versions_of_the_requirements() -> None:
    pin = re.compile(r"^([\w-]+)==([\w.]+)", re.MULTILINE)
    pins = dict(pin.findall((ROOT / "requirements.txt").read_text()))
    locked = dict(pin.findall((ROOT / "requirements.lock").read_text()))
    assert pins.items() <= locked.items()
    assert "pillow" in pins
    assert "requirements.lock" in Path(ROOT / "Dockerfile").read_text()
