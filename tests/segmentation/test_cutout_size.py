"""Files have the size, the density and the weight that options ask for."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.compositing.backgrounds import Colour
from segmentation.compositing.sizing.presets import find_id_size
from segmentation.compositing.sizing.size import ExactSize, LongestSide
from segmentation.cutout import CutoutOptions, cut_out, cut_out_photo
from segmentation.errors import ChoiceError
from segmentation.image.read import read_photo
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import find_model
from tests.paths import EXAMPLES
from tests.segmentation.test_cutout import PHOTO, SCENE

BLUE = Colour((0x43, 0x8E, 0xDB))
ONE_INCH = find_id_size("cn-1inch")


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_portrait_becomes_a_one_inch_photo_of_at_most_30_kilobytes() -> None:
    options = CutoutOptions(
        background=BLUE, size=ONE_INCH.size, dpi=300, format="jpeg", max_kilobytes=30
    )
    photo = read_photo(EXAMPLES / "astronaut.png")
    cutout = cut_out_photo(Segmenter(find_model("compact")), photo, options).cutout
    assert cutout is not None
    data = cutout.encode()
    image = opened(data)
    assert len(data) <= 30_000
    assert (image.format, image.size) == ("JPEG", (295, 413))
    assert image.info["dpi"] == (300, 300)
    np.testing.assert_allclose(image.getpixel((5, 5)), BLUE.rgb, atol=6)
    # The head is 60 % of the height, a tenth below the upper edge, in the middle.
    rows, columns = np.nonzero(cutout.mask[:200] > 128)
    assert rows.min() == pytest.approx(0.1 * 413, abs=6)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(295 / 2, abs=12)
    assert "enlarged 1." in cutout.notices[-1].en


def test_an_exact_size_has_its_density_and_mask() -> None:
    options = CutoutOptions(size=ExactSize((120, 80)), dpi=350)
    cutout = cut_out(PHOTO, SCENE, [1], options)
    assert cutout.mask.shape == (120, 80)
    np.testing.assert_allclose(cutout.image[..., 3].astype(int), cutout.mask, atol=1)
    image = opened(cutout.encode())
    assert image.size == (80, 120)
    assert image.info["dpi"] == pytest.approx((350, 350), abs=0.1)


def test_the_longest_side_keeps_the_photos_density_and_says_when_it_enlarges() -> None:
    smaller, larger = (
        cut_out(PHOTO, SCENE, [1], CutoutOptions(size=LongestSide(side))) for side in (100, 600)
    )
    assert opened(smaller.encode()).size == (100, 100)
    assert opened(smaller.encode()).info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert smaller.notices == ()
    assert opened(larger.encode()).size == (600, 600)
    assert "enlarged 3.0 times" in larger.notices[0].en


def test_a_sheet_is_opaque_and_has_a_density() -> None:
    size = ExactSize((413, 295))
    cutout = cut_out(PHOTO, SCENE, [1], CutoutOptions(size=size, sheet=True, format="jpeg"))
    image = opened(cutout.encode())
    assert (image.size, image.mode, image.info["dpi"]) == ((1800, 1205), "RGB", (300, 300))
    assert cutout.mask.shape == (1205, 1800)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": ExactSize((100, 100)), "crop": "square"}, "Leave out the crop"),
        ({"sheet": True}, "A sheet needs the exact size"),
        ({"sheet": True, "size": LongestSide(100)}, "A sheet needs the exact size"),
        ({"dpi": 10}, "dpi goes from"),
        ({"max_kilobytes": 0.5}, "1 to 1000000 kB"),
        ({"max_kilobytes": float("nan")}, "1 to 1000000 kB"),
        ({"max_kilobytes": float("inf")}, "1 to 1000000 kB"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ChoiceError, match=says):
        CutoutOptions(**options)
