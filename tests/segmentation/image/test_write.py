"""What an image becomes as a file: its pixels, its colour space, its density, and nothing else."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from segmentation.errors import ChoiceError
from segmentation.image.read import read_photo
from segmentation.image.write import WEBP_SIDE, Format, encode, srgb_profile
from tests.paths import EXAMPLES

FORMATS: list[Format] = ["png", "webp", "jpeg"]


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def decoded(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(opened(data))


def noise(*shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(17, 23), (17, 23, 3)])
def test_png_keeps_every_pixel(shape: tuple[int, ...]) -> None:
    assert (decoded(encode(noise(*shape))) == noise(*shape)).all()


@pytest.mark.parametrize(("format_", "quality"), [("png", None), ("webp", 100)])
def test_without_loss_what_is_seen_stays_and_what_is_not_is_zero(
    format_: Format, quality: int | None
) -> None:
    image = noise(17, 23, 4)
    image[:, :9, 3] = 0
    image[:, 9:, 3] = np.maximum(image[:, 9:, 3], 1)
    before = image.copy()
    after = decoded(encode(image, format_, quality))
    assert (after[:, :9] == 0).all()
    assert (after[:, 9:] == image[:, 9:]).all()
    assert (image == before).all()


@pytest.mark.parametrize(("format_", "quality"), [("png", None), ("webp", 100), ("webp", 40)])
def test_a_removed_background_leaves_no_trace(format_: Format, quality: int | None) -> None:
    images = [noise(40, 40, 4) for _ in range(2)]
    for image, background in zip(images, (0, 200), strict=True):
        image[:, :20] = background, 90, 30, 0
    assert encode(images[0], format_, quality) == encode(images[1], format_, quality)


@pytest.mark.parametrize("format_", ["webp", "jpeg"])
@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 3)])
def test_with_loss_an_image_is_still_close(format_: Format, shape: tuple[int, ...]) -> None:
    image = np.full(shape, 140, np.uint8)
    image[..., :1] = 100
    shown = np.asarray(opened(encode(image, format_)).convert("RGB"))
    assert abs(shown.astype(int) - (image if image.ndim == 3 else image[..., None])).max() < 12


@pytest.mark.parametrize("format_", ["webp", "jpeg"])
def test_quality_is_paid_for_in_bytes(format_: Format) -> None:
    rgb = read_photo(EXAMPLES / "chelsea.png").rgb
    sizes = [len(encode(rgb, format_, quality)) for quality in (1, 30, 80, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 3


def test_webp_keeps_alpha_exactly() -> None:
    image = noise(40, 40, 4)
    assert (decoded(encode(image, "webp", 20))[..., 3] == image[..., 3]).all()


@pytest.mark.parametrize("format_", FORMATS)
def test_colours_are_tagged_srgb(format_: Format) -> None:
    profile = opened(encode(noise(16, 16, 3), format_)).info["icc_profile"]
    assert profile == srgb_profile()
    read = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert "sRGB" in ImageCms.getProfileDescription(read)
    assert read.profile.xcolor_space.strip() == "RGB"


def test_a_mask_is_not_colour() -> None:
    assert "icc_profile" not in opened(encode(noise(16, 16))).info


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 3), (16, 16, 4)])
@pytest.mark.parametrize("format_", FORMATS)
def test_density_is_written_where_there_is_a_place_for_it(
    format_: Format, shape: tuple[int, ...]
) -> None:
    if format_ == "jpeg" and shape[-1] == 4:
        shape = (16, 16, 3)
    data = encode(noise(*shape), format_, dpi_xy=(300.0, 72.0))
    assert (decoded(data).shape[:2]) == (16, 16)
    if format_ == "webp":
        assert "dpi" not in opened(data).info
    else:
        assert opened(data).info["dpi"] == pytest.approx((300, 72), abs=0.02)
    assert "dpi" not in opened(encode(noise(*shape), format_)).info


@pytest.mark.parametrize("format_", FORMATS)
def test_nothing_of_the_photos_metadata_is_passed_on(tmp_path: Path, format_: Format) -> None:
    exif = Image.Exif()
    exif[0x010F] = "MAKER-OF-CAMERA"
    exif.get_ifd(0x8825)[1] = "NORTH"
    Image.new("RGB", (32, 32)).save(tmp_path / "x.jpg", exif=exif, comment="COMMENT")
    data = encode(read_photo(tmp_path / "x.jpg").rgb, format_)
    image = opened(data)
    assert not image.getexif()
    assert not {"exif", "xmp", "comment"} & set(image.info)
    assert b"MAKER" not in data
    assert b"COMMENT" not in data


def test_a_file_read_again_has_the_same_colours_and_density(tmp_path: Path) -> None:
    rgb = read_photo(EXAMPLES / "chelsea.png").rgb
    (tmp_path / "x.png").write_bytes(encode(rgb, dpi_xy=(300, 300)))
    again = read_photo(tmp_path / "x.png")
    assert (again.rgb == rgb).all()
    assert again.dpi_xy == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize(
    ("shape", "format_", "quality", "says"),
    [
        ((16, 16, 4), "jpeg", None, "no transparency"),
        ((16, 16, 3), "png", 90, "no quality"),
        ((16, 16, 3), "webp", 0, "from 1 to 100"),
        ((16, 16, 3), "jpeg", 101, "from 1 to 100"),
        ((1, WEBP_SIDE + 1), "webp", None, "at most 16383"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    shape: tuple[int, ...], format_: Format, quality: int | None, says: str
) -> None:
    with pytest.raises(ChoiceError, match=says):
        encode(np.zeros(shape, np.uint8), format_, quality)
