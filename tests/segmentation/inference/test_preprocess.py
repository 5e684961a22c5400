"""Where a photo lies in the model's input, and the conversion back."""

from typing import Any

import numpy as np
import pytest

from segmentation.arrays import SizeHW
from segmentation.inference.preprocess import Geometry, preprocess
from segmentation.model_card import InputSpec

SIZES: tuple[SizeHW, ...] = ((192, 384), (256, 384), (384, 384), (384, 256), (384, 192))
STRIDE = 4


def spec(**changes: Any) -> InputSpec:
    fields: dict[str, Any] = {
        "name": "image",
        "layout": "NHWC",
        "dtype": "uint8",
        "normalised_inside": True,
        "mean": (0.5, 0.25, 0.75),
        "std": (0.2, 0.25, 0.5),
        "rescale_factor": 1 / 255,
    }
    return InputSpec(**fields | changes)


@pytest.mark.parametrize(
    ("photo_hw", "input_hw"),
    [
        ((1000, 1000), (384, 384)),
        ((1000, 2000), (192, 384)),
        ((2000, 1000), (384, 192)),
        ((2000, 3000), (256, 384)),
        ((3000, 2000), (384, 256)),
        ((100, 9000), (192, 384)),
        ((9000, 100), (384, 192)),
        ((16, 16), (384, 384)),
    ],
)
def test_the_input_size_that_the_photo_fills_best_is_chosen(
    photo_hw: SizeHW, input_hw: SizeHW
) -> None:
    assert Geometry.fit(photo_hw, SIZES, STRIDE).input_hw == input_hw


def test_the_largest_of_equally_shaped_sizes_is_chosen() -> None:
    assert Geometry.fit((90, 90), [(256, 256), (512, 512), (384, 384)], 4).input_hw == (512, 512)


@pytest.mark.parametrize("sizes_hw", [SIZES, SIZES[2:3]])
@pytest.mark.parametrize(
    "photo_hw",
    [(1000, 1000), (1, 1), (16, 30_000), (30_000, 16), (100, 3000), (3000, 100), (333, 500)],
)
def test_the_aspect_ratio_is_kept_within_half_a_mask_cell(
    photo_hw: SizeHW, sizes_hw: tuple[SizeHW, ...]
) -> None:
    geometry = Geometry.fit(photo_hw, sizes_hw, STRIDE)
    scale = min(side / photo for side, photo in zip(geometry.input_hw, photo_hw, strict=True))
    for content, photo, side in zip(geometry.content_hw, photo_hw, geometry.input_hw, strict=True):
        assert content % STRIDE == 0
        assert STRIDE <= content <= side
        assert abs(content - max(photo * scale, STRIDE)) <= STRIDE / 2
    assert max(geometry.content_hw) in geometry.input_hw
    assert geometry.mask_hw == tuple(content // STRIDE for content in geometry.content_hw)


def test_content_is_at_the_top_left_and_padding_has_the_mean_colour() -> None:
    rgb = np.full((100, 400, 3), (10, 200, 90), np.uint8)
    pixel_values, geometry = preprocess(rgb, spec(), [(384, 384)], STRIDE)
    assert pixel_values.shape == (1, 384, 384, 3)
    assert pixel_values.dtype == np.uint8
    assert geometry.content_hw == (96, 384)
    assert (pixel_values[0, :96] == (10, 200, 90)).all()
    assert (np.abs(pixel_values[0, 96:] - np.multiply(255, spec().mean)) <= 0.5 + 1e-4).all()


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_normalisation_outside_the_graph_follows_the_formula(layout: str) -> None:
    colour = (10, 200, 90)
    rgb = np.full((192, 384, 3), colour, np.uint8)
    outside = spec(layout=layout, dtype="float32", normalised_inside=False)
    pixel_values, _ = preprocess(rgb, outside, [(384, 384)], STRIDE)
    assert pixel_values.dtype == np.float32
    assert pixel_values.flags.c_contiguous
    image = pixel_values[0] if layout == "NHWC" else pixel_values[0].transpose(1, 2, 0)
    assert image.shape == (384, 384, 3)
    expected = (np.array(colour) / 255 - outside.mean) / outside.std
    np.testing.assert_allclose(image[:192], np.broadcast_to(expected, (192, 384, 3)), atol=1e-4)
    # The mean is rounded to a whole level, so padding is only nearly zero.
    assert np.abs(image[192:]).max() < 0.01


def test_a_float_input_normalised_inside_the_graph_keeps_the_levels() -> None:
    rgb = np.full((384, 384, 3), 77, np.uint8)
    pixel_values, _ = preprocess(rgb, spec(dtype="float32"), [(384, 384)], STRIDE)
    assert (pixel_values == np.float32(77)).all()


@pytest.mark.parametrize("photo_hw", [(768, 768), (96, 96)])
def test_the_photo_is_neither_mirrored_nor_turned(photo_hw: SizeHW) -> None:
    rgb = np.zeros((*photo_hw, 3), np.uint8)
    rgb[: photo_hw[0] // 2, : photo_hw[1] // 2, 0] = 255
    pixel_values, _ = preprocess(rgb, spec(), [(384, 384)], STRIDE)
    red = pixel_values[0, ..., 0]
    assert red[:186, :186].min() == 255
    assert red[198:].max() == 0
    assert red[:, 198:].max() == 0


def test_thin_stripes_become_grey_without_aliasing() -> None:
    rgb = np.zeros((3840, 3840, 3), np.uint8)
    rgb[:, ::2] = 255
    pixel_values, _ = preprocess(rgb, spec(), [(384, 384)], STRIDE)
    assert np.abs(pixel_values.astype(int) - 128).max() <= 1


@pytest.mark.parametrize("photo_hw", [(384, 384), (1080, 1920), (100, 3000), (17, 16), (3000, 100)])
def test_cells_and_pixels_agree_at_each_corner(photo_hw: SizeHW) -> None:
    geometry = Geometry.fit(photo_hw, SIZES, STRIDE)
    (height, width), (rows, columns) = photo_hw, geometry.mask_hw
    assert geometry.photo_xyxy((0, 0, columns, rows)) == (0, 0, width, height)
    for point_xy, cell_xy in (
        ((0, 0), (0, 0)),
        ((width - 1, 0), (columns - 1, 0)),
        ((0, height - 1), (0, rows - 1)),
        ((width - 1, height - 1), (columns - 1, rows - 1)),
        ((-50, -50), (0, 0)),
        ((width + 50, height + 50), (columns - 1, rows - 1)),
    ):
        if width >= columns and height >= rows:
            assert geometry.mask_xy(point_xy) == cell_xy


@pytest.mark.parametrize("photo_hw", [(1080, 1920), (400, 3000), (3000, 400), (40, 50)])
def test_a_point_lies_inside_the_box_of_its_mask_cell(photo_hw: SizeHW) -> None:
    geometry = Geometry.fit(photo_hw, SIZES, STRIDE)
    height, width = photo_hw
    for x in range(0, width, max(1, width // 13)):
        for y in range(0, height, max(1, height // 13)):
            column, row = geometry.mask_xy((x, y))
            left, top, right, bottom = geometry.photo_xyxy((column, row, column + 1, row + 1))
            assert left <= x < right
            assert top <= y < bottom
