"""An image file holds the pixels, the colour space and the density, and nothing else."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from segmentation.errors import ChoiceError
from segmentation.image.colour import srgb_profile
from segmentation.image.formats import OUTPUT_FORMATS, Format
from segmentation.image.read import read_photo
from segmentation.image.write import encode
from tests.paths import EXAMPLES


def open_bytes(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def decode(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(open_bytes(data))


def random_image(*shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def test_a_tall_image_keeps_its_visible_pixels_and_no_others() -> None:
    image = random_image(150, 5, 4)  # more rows than are converted at a time
    image[::3, :, 3] = 0
    image[1::3, :, 3] = 1
    expected = image * (image[..., 3:] > 0)
    np.testing.assert_array_equal(decode(encode(image)), expected)


@pytest.mark.parametrize("shape", [(17, 23), (17, 23, 3)])
def test_png_keeps_every_pixel(shape: tuple[int, ...]) -> None:
    assert (decode(encode(random_image(*shape))) == random_image(*shape)).all()


@pytest.mark.parametrize(("format_", "quality"), [("png", None), ("webp", 100)])
def test_lossless_files_keep_visible_pixels_and_clear_the_others(
    format_: Format, quality: int | None
) -> None:
    image = random_image(17, 23, 4)
    image[:, :9, 3] = 0
    image[:, 9:, 3] = np.maximum(image[:, 9:, 3], 1)
    before = image.copy()
    after = decode(encode(image, format_, quality))
    assert (after[:, :9] == 0).all()
    assert (after[:, 9:] == image[:, 9:]).all()
    assert (image == before).all()


@pytest.mark.parametrize(("format_", "quality"), [("png", None), ("webp", 100), ("webp", 40)])
def test_a_removed_background_cannot_be_recovered(format_: Format, quality: int | None) -> None:
    images = [random_image(40, 40, 4) for _ in range(2)]
    for image, background in zip(images, (0, 200), strict=True):
        image[:, :20] = background, 90, 30, 0
    assert encode(images[0], format_, quality) == encode(images[1], format_, quality)


@pytest.mark.parametrize("format_", ["webp", "jpeg"])
@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 3)])
def test_lossy_files_are_close_to_the_image(format_: Format, shape: tuple[int, ...]) -> None:
    image = np.full(shape, 140, np.uint8)
    image[..., :1] = 100
    shown = np.asarray(open_bytes(encode(image, format_)).convert("RGB"))
    assert abs(shown.astype(int) - (image if image.ndim == 3 else image[..., None])).max() < 12


@pytest.mark.parametrize("format_", ["webp", "jpeg"])
def test_a_higher_quality_makes_a_larger_file(format_: Format) -> None:
    rgb = read_photo(EXAMPLES / "chelsea.png").rgb
    sizes = [len(encode(rgb, format_, quality)) for quality in (1, 30, 80, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 3


def test_webp_keeps_alpha_exactly() -> None:
    image = random_image(40, 40, 4)
    assert (decode(encode(image, "webp", 20))[..., 3] == image[..., 3]).all()


@pytest.mark.parametrize("format_", OUTPUT_FORMATS)
def test_colours_are_tagged_srgb(format_: Format) -> None:
    profile = open_bytes(encode(random_image(16, 16, 3), format_)).info["icc_profile"]
    assert profile == srgb_profile()
    read = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert "sRGB" in ImageCms.getProfileDescription(read)
    assert read.profile.xcolor_space.strip() == "RGB"


def test_a_mask_has_no_colour_profile() -> None:
    assert "icc_profile" not in open_bytes(encode(random_image(16, 16))).info


def read_density(data: bytes) -> tuple[float, float] | None:
    """Dots per inch of a file as other programs read them."""
    image = open_bytes(data)
    if image.format != "WEBP":
        return image.info.get("dpi")
    exif = image.getexif()
    unit, x, y = (exif.get(tag) for tag in (296, 282, 283))
    return (float(x), float(y)) if unit == 2 and x and y else None


@pytest.mark.parametrize("shape", [(15, 17), (15, 17, 3), (15, 17, 4)])
@pytest.mark.parametrize(
    ("format_", "quality"), [(name, None) for name in OUTPUT_FORMATS] + [("webp", 100)]
)
def test_density_is_written_and_changes_nothing_else(
    format_: Format, quality: int | None, shape: tuple[int, ...]
) -> None:
    if shape[-1] == 4 and not OUTPUT_FORMATS[format_].has_alpha:
        shape = (15, 17, 3)
    plain = encode(random_image(*shape), format_, quality)
    data = encode(random_image(*shape), format_, quality, dpi_xy=(300.0, 72.5))
    assert read_density(plain) is None
    # JPEG has whole numbers only.
    expected = (300, 72) if format_ == "jpeg" else (300, 72.5)
    assert read_density(data) == pytest.approx(expected, abs=0.02)
    np.testing.assert_array_equal(decode(data), decode(plain))
    assert open_bytes(data).info.get("icc_profile") == open_bytes(plain).info.get("icc_profile")


def test_a_webp_has_no_exif_but_its_density() -> None:
    data = encode(random_image(16, 16, 4), "webp", dpi_xy=(300.0, 300.0))
    assert dict(open_bytes(data).getexif()) == {282: 300, 283: 300, 296: 2}
    assert int.from_bytes(data[4:8], "little") == len(data) - 8


@pytest.mark.parametrize("format_", OUTPUT_FORMATS)
def test_metadata_of_the_photo_is_left_out(tmp_path: Path, format_: Format) -> None:
    exif = Image.Exif()
    exif[0x010F] = "MAKER-OF-CAMERA"
    exif.get_ifd(0x8825)[1] = "NORTH"
    Image.new("RGB", (32, 32)).save(tmp_path / "x.jpg", exif=exif, comment="COMMENT")
    data = encode(read_photo(tmp_path / "x.jpg").rgb, format_)
    image = open_bytes(data)
    assert not image.getexif()
    assert not {"exif", "xmp", "comment"} & set(image.info)
    assert b"MAKER" not in data
    assert b"COMMENT" not in data


@pytest.mark.parametrize(("format_", "quality"), [("png", None), ("webp", 100)])
def test_a_file_keeps_colours_and_density_when_it_is_read_again(
    tmp_path: Path, format_: Format, quality: int | None
) -> None:
    rgb = read_photo(EXAMPLES / "chelsea.png").rgb
    (tmp_path / "x.png").write_bytes(encode(rgb, format_, quality, dpi_xy=(300, 300)))
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
        ((1, 16_384), "webp", None, "at most 16383 pixels a side"),
        ((65_501, 1), "jpeg", None, "at most 65500 pixels a side. Choose PNG"),
        ((16, 16), "gif", None, "format takes png, .*, not 'gif'"),
    ],
)
def test_an_image_that_the_format_cannot_hold_is_refused(
    shape: tuple[int, ...], format_: Format, quality: int | None, says: str
) -> None:
    with pytest.raises(ChoiceError, match=says):
        encode(np.zeros(shape, np.uint8), format_, quality)


@pytest.mark.parametrize(("shape", "suggests_jpeg"), [((1, 16_384), True), ((1, 16_384, 4), False)])
def test_formats_that_can_hold_the_image_are_suggested(
    shape: tuple[int, ...], suggests_jpeg: bool
) -> None:
    with pytest.raises(ChoiceError, match="Choose PNG") as caught:
        encode(np.zeros(shape, np.uint8), "webp")
    assert ("JPEG" in str(caught.value)) == suggests_jpeg


@pytest.mark.parametrize("format_", ["webp", "jpeg"])
def test_the_longest_side_of_a_format_is_allowed(format_: Format) -> None:
    longest_side = OUTPUT_FORMATS[format_].longest_side
    assert longest_side is not None
    assert decode(encode(np.zeros((1, longest_side), np.uint8), format_)).shape[1] == longest_side
