"""Sizes as people write them, and scaling that keeps light and edges."""

import numpy as np
import pytest

from segmentation.arrays import SizeHW
from segmentation.compositing.sizing.presets import (
    ID_COLOURS,
    ID_SIZES,
    SHOP_SIZES,
    SIZE_PRESETS,
    find_id_size,
)
from segmentation.compositing.sizing.size import (
    ExactSize,
    LongestSide,
    check_dpi,
    enlargement_notices,
    parse_size,
    scale_image,
    scaled_hw,
)
from segmentation.errors import ChoiceError
from tests.segmentation.compositing.images import noise


@pytest.mark.parametrize(
    ("text", "dpi", "size_hw"),
    [
        ("295x413", 300, (413, 295)),
        ("295X413px", 600, (413, 295)),
        ("295 × 413", 300, (413, 295)),
        ("35x45mm", 300, (531, 413)),
        ("35x45 mm", 600, (1063, 827)),
        ("2x2in", 300, (600, 600)),
        ("3.5x5in", 100, (500, 350)),
    ],
)
def test_a_size_is_read_in_pixels_millimetres_and_inches(
    text: str, dpi: float, size_hw: SizeHW
) -> None:
    assert parse_size(text, dpi) == size_hw


@pytest.mark.parametrize("text", ["", "295", "295x", "x413", "-3x4", "295x413cm", "1e3x1e3"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(ChoiceError, match=r"is not a size\. Write it like 295x413"):
        parse_size(text)


@pytest.mark.parametrize("side", [0, 15, 7_001])
def test_sides_out_of_range_are_refused(side: int) -> None:
    with pytest.raises(ChoiceError, match=f"16 to 7000 pixels, not {side}"):
        LongestSide(side)
    with pytest.raises(ChoiceError, match=f"16 to 7000 pixels, not {side}"):
        ExactSize((100, side))


@pytest.mark.parametrize("value", [-0.01, 0.41, float("nan")])
def test_margins_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(ChoiceError, match="from 0 % to 40%"):
        ExactSize((100, 100), margin=value)


@pytest.mark.parametrize("value", [0, 29, 1201, float("nan"), float("inf")])
def test_densities_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(ChoiceError, match="dpi goes from 30 to 1200"):
        check_dpi(value)


@pytest.mark.parametrize(
    ("size", "frame_hw", "size_hw"),
    [
        (LongestSide(200), (400, 300), (200, 150)),
        (LongestSide(200), (50, 100), (100, 200)),
        (LongestSide(200), (1, 1000), (1, 200)),
        (ExactSize((413, 295)), (999, 111), (413, 295)),
    ],
)
def test_the_longest_side_keeps_the_aspect_ratio(
    size: LongestSide | ExactSize, frame_hw: SizeHW, size_hw: SizeHW
) -> None:
    assert scaled_hw(size, frame_hw) == size_hw


def test_fine_detail_keeps_its_light() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 255
    # Half of the light is 188 in sRGB, not 128.
    assert (scale_image(stripes, (16, 16)) == 188).all()


@pytest.mark.parametrize("size_hw", [(20, 15), (80, 60)])
@pytest.mark.parametrize("colour", [(0, 0, 0), (7, 93, 200), (255, 255, 255)])
def test_one_colour_stays_exactly(size_hw: SizeHW, colour: tuple[int, int, int]) -> None:
    image = np.full((40, 30, 3), colour, np.uint8)
    assert (scale_image(image, size_hw) == colour).all()


@pytest.mark.parametrize("size_hw", [(10, 10), (90, 90)])
def test_colours_under_transparent_pixels_make_no_rim(size_hw: SizeHW) -> None:
    image = np.zeros((30, 30, 4), np.uint8)
    image[:, 10:] = 200, 100, 50, 255
    result = scale_image(image, size_hw)
    visible = result[result[..., 3] > 0]
    assert np.abs(visible[:, :3].astype(int) - (200, 100, 50)).max() <= 1
    assert (result[:, 0] == 0).all()
    assert (result[:, -1, 3] == 255).all()


def test_a_mask_is_scaled_as_alpha_is() -> None:
    image = np.dstack([noise(60, 60), noise(60, 60)[..., :1]])
    result = scale_image(image, (20, 20))
    mask = scale_image(np.ascontiguousarray(image[..., 3]), (20, 20))
    assert np.abs(result[..., 3].astype(int) - mask).max() <= 1


def test_an_image_of_the_right_size_stays_as_it_is() -> None:
    image = noise(8, 9)
    assert scale_image(image, (8, 9)) is image


@pytest.mark.parametrize(
    ("frame_hw", "notices"), [((100, 100), 0), ((97, 97), 0), ((200, 50), 1), ((40, 40), 1)]
)
def test_enlarging_is_said(frame_hw: SizeHW, notices: int) -> None:
    assert len(enlargement_notices(frame_hw, (100, 100))) == notices


@pytest.mark.parametrize(
    ("name", "size_hw"),
    [
        ("cn-1inch", (413, 295)),
        ("cn-2inch", (626, 413)),
        ("cn-small-1inch", (378, 260)),
        ("cn-small-2inch", (531, 413)),
        ("cn-large-1inch", (567, 390)),
        ("visa-35x45", parse_size("35x45mm")),
        ("cn-passport", (567, 390)),
        ("us-2x2in", parse_size("2x2in")),
    ],
)
def test_id_photos_have_their_size_and_density(name: str, size_hw: SizeHW) -> None:
    preset = find_id_size(name)
    assert (preset.size.size_hw, preset.dpi) == (size_hw, 300)


def test_every_id_photo_has_room_for_shoulders() -> None:
    assert len(ID_SIZES) + len(SHOP_SIZES) == len(SIZE_PRESETS)
    for name in ID_SIZES:
        head = SIZE_PRESETS[name].size.head
        assert head is not None
        assert 0.1 < 1 - head.height - head.top_margin < 0.4, name


def test_shops_have_squares() -> None:
    sizes = [SIZE_PRESETS[name].size.size_hw for name in SHOP_SIZES]
    assert sizes == [(side, side) for side in (1000, 1600, 2000)]


def test_the_colours_of_id_photos() -> None:
    assert [*ID_COLOURS] == ["#FFFFFF", "#438EDB", "#D9001B"]


def test_an_unknown_id_photo_is_refused() -> None:
    with pytest.raises(ChoiceError, match=r"no ID photo 'shop-1000'\. Choose cn-1inch, "):
        find_id_size("shop-1000")
