"""Layers are blended by the formula, rounded."""

import numpy as np
import numpy.typing as npt

from segmentation.arrays import UInt8
from segmentation.image.blend import Layer, over, to_rgba, under


def blend_in_floats(layer: Layer, background: UInt8) -> npt.NDArray[np.float64]:
    share = layer.alpha[..., None] / 255
    return np.asarray(layer.colours * share + background * (1 - share))


def test_over_equals_the_rounded_formula() -> None:
    rng = np.random.default_rng(0)
    layer = Layer(
        rng.integers(0, 256, (256, 256, 3), dtype=np.uint8),
        np.arange(256, dtype=np.uint8)[:, None].repeat(256, axis=1),
    )
    background = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    expected = np.rint(blend_in_floats(layer, background))
    np.testing.assert_array_equal(over(layer, background.copy()), expected)


def test_a_colour_put_under_a_layer_shows_as_if_painted_first() -> None:
    """For every pair of opacities, under and then over white equals over white twice."""
    upper, lower = (grid.astype(np.uint8) for grid in np.mgrid[:256, :256])
    layer = Layer(np.full((256, 256, 3), (200, 100, 50), np.uint8), upper)
    white = np.full((256, 256, 3), 255, np.uint8)
    painted = blend_in_floats(Layer(np.full_like(white, (10, 20, 250)), lower), white)
    expected = blend_in_floats(layer, painted)
    result = over(under(layer, (10, 20, 250), lower), white.copy())
    assert np.abs(result - expected).max() < 1.6
    assert (layer.alpha == upper).all()


def test_colours_and_alpha_are_joined_to_one_image() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (200, 30, 4), dtype=np.uint8)
    joined = to_rgba(Layer(rgba[..., :3].copy(), rgba[..., 3].copy()))
    np.testing.assert_array_equal(joined, rgba)
    part = to_rgba(Layer(rgba[..., :3].copy()[10:, 5:20], rgba[..., 3].copy()[10:, 5:20]))
    np.testing.assert_array_equal(part, rgba[10:, 5:20])
