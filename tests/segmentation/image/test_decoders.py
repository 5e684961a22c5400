"""Which decoder reads which format, and for whom."""

import io
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
from segmentation.image.photo import Limits, Photo
from segmentation.image.profiles import SRGB_TRANSFER, cicp_profile
from tests.paths import EXAMPLES, ROOT
from tests.segmentation.image.photo_files import encode_image, sample

# ColourPrimaries of ITU-T H.273, table 2.
DISPLAY_P3 = 12
PUBLIC = replace(Limits(), is_public=True)


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


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("profile", [None, cicp_profile(DISPLAY_P3, SRGB_TRANSFER)])
def test_a_jpeg_is_turned_and_converted_as_pillow_does(
    mode: str, orientation: int, profile: bytes | None
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (37, 50, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(noise).convert(mode)
    data = encode_image(image, "JPEG", exif=exif, **({"icc_profile": profile} if profile else {}))
    photo, expected = decode(data, Limits()), Photo.from_image(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(photo.rgb, expected.rgb)
    assert photo.notices == expected.notices == ()


@pytest.mark.parametrize("version", ["12.3.0", "13.0.0"])
@pytest.mark.parametrize("format_", ["TIFF", "GIF", "BMP", "CMYK"])
def test_a_public_page_uses_no_vulnerable_decoder(
    monkeypatch: pytest.MonkeyPatch, format_: str, version: str
) -> None:
    data = cmyk() if format_ == "CMYK" else sample(format_)
    monkeypatch.setattr(PIL, "__version__", version)
    assert decode(data, Limits()).hw == (20, 24)
    if int(version.split(".")[0]) >= FIRST_SOUND_PILLOW:
        assert decode(data, PUBLIC).hw == (20, 24)
        return
    with pytest.raises(PhotoError, match=f"does not take .*{format_}"):
        decode(data, PUBLIC)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_a_public_page_takes_the_usual_formats(format_: str) -> None:
    assert decode(sample(format_), PUBLIC).rgb.any()


def test_the_lock_has_the_versions_of_the_requirements() -> None:
    pin = re.compile(r"^([\w-]+)==([\w.]+)", re.MULTILINE)
    pins = dict(pin.findall((ROOT / "requirements.txt").read_text()))
    locked = dict(pin.findall((ROOT / "requirements.lock").read_text()))
    assert pins.items() <= locked.items()
    assert "pillow" in pins
    assert "requirements.lock" in Path(ROOT / "Dockerfile").read_text()
