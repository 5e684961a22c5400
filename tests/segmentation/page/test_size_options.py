"""The size that the page's controls say, as an option of the cut-out."""

from typing import Any

import pytest

from segmentation.compositing.sizing.presets import SIZE_PRESETS
from segmentation.compositing.sizing.size import ExactSize, FrameMove, LongestSide, OutputSize
from segmentation.errors import ChoiceError
from segmentation.page.size_options import SizeOptions, size_title

ONE_INCH = SIZE_PRESETS["cn-1inch"].size


@pytest.mark.parametrize(
    ("values", "size", "dpi"),
    [
        ({}, None, None),
        ({"size_kind": "longest", "longest": 500.0}, LongestSide(500), None),
        (
            {"size_kind": "exact", "width": 35, "height": 45, "unit": "mm", "margin": 10},
            ExactSize((531, 413), 0.1),
            300,
        ),
        (
            {"size_kind": "exact", "width": 640, "height": 480, "dpi": 72, "margin": 0},
            ExactSize((480, 640), 0.0),
            72,
        ),
        ({"size_kind": "shop", "shop": "shop-1600"}, ExactSize((1600, 1600), 0.08), None),
        ({"size_kind": "id_photo"}, ONE_INCH, 300),
        (
            {"size_kind": "id_photo", "zoom": 1.2, "shift_x": 0.1, "shift_y": -0.1},
            ExactSize((413, 295), ONE_INCH.margin, ONE_INCH.head, FrameMove(1.2, (0.1, -0.1))),
            300,
        ),
    ],
)
def test_each_kind_of_size_has_its_size_and_density(
    values: dict[str, Any], size: OutputSize | None, dpi: float | None
) -> None:
    options = SizeOptions(**values)
    assert options.output_size() == size
    assert options.output_dpi() == dpi
    assert options.is_exact == isinstance(size, ExactSize)


def test_only_an_id_photo_is_put_on_a_sheet() -> None:
    assert SizeOptions(size_kind="id_photo", sheet=True).makes_sheet
    assert not SizeOptions(size_kind="shop", sheet=True).makes_sheet


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"size_kind": "longest", "longest": None}, "A number of the size is missing"),
        ({"size_kind": "longest", "longest": 3}, "A side of a result has 16"),
        ({"size_kind": "exact", "height": None}, "A number of the size is missing"),
        ({"size_kind": "exact", "dpi": None}, "A number of the size is missing"),
        ({"size_kind": "exact", "width": -5}, "'-5x800px' is not a size"),
        ({"size_kind": "id_photo", "zoom": 9}, "The zoom of a frame goes from 0.5"),
    ],
)
def test_a_number_that_makes_no_size_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ChoiceError) as refusal:
        SizeOptions(**values).output_size()
    assert refusal.value.text.en.startswith(sentence)


def test_the_menu_says_how_large_a_printed_size_is() -> None:
    visa, shop = SIZE_PRESETS["visa-35x45"], SIZE_PRESETS["shop-1600"]
    assert size_title(visa).zh == "签证 · 413 × 531 px · 35 × 45 mm"
    assert size_title(shop).en == "1600 × 1600 px"
