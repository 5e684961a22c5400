"""Noise of the photo does not become speckle in the alpha."""

import numpy as np
import pytest

from segmentation.arrays import UInt8
from segmentation.compositing.matting.alpha import Edge, make_alpha
from segmentation.compositing.matting.noise import noise_level, smooth_noise
from tests.segmentation.compositing.shapes import draw_mask, exact_alpha, half_plane

# Object and background differ by hardly more than the noise from pixel to pixel.
DARK, LIGHT, SIGMA = 90, 98, 6.0


def faint_edge(sigma: float) -> UInt8:
    """A photo of half a plane that hardly differs from its background."""
    inside = exact_alpha(half_plane)[..., None]
    grain = np.random.default_rng(5).normal(0, sigma, (*inside.shape[:2], 3))
    return np.asarray(np.clip(LIGHT * inside + DARK * (1 - inside) + grain, 0, 255), np.uint8)


def count_speckle(alpha: UInt8) -> int:
    """Count the pixels that differ by a third from all but a few of those around them."""
    windows = np.lib.stride_tricks.sliding_window_view(alpha.astype(int), (5, 5))
    middle = np.median(windows, axis=(2, 3))
    return int(np.count_nonzero(np.abs(alpha[2:-2, 2:-2] - middle) > 85))


@pytest.mark.parametrize("fine_hair", [False, True])
def test_a_faint_edge_in_a_noisy_photo_has_no_speckle(
    fine_hair: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask, edge = draw_mask(half_plane), Edge(fine_hair=fine_hair)
    filtered = make_alpha(faint_edge(SIGMA), mask, edge)
    monkeypatch.setattr("segmentation.compositing.matting.alpha.noise_level", lambda _: 0.0)
    speckled = make_alpha(faint_edge(SIGMA), mask, edge)
    assert count_speckle(speckled) > 400
    assert count_speckle(filtered) < 0.1 * count_speckle(speckled)


@pytest.mark.parametrize("sigma", [0.0, 2.0, 8.0])
def test_the_noise_of_a_photo_is_measured_in_spite_of_its_edges(sigma: float) -> None:
    photo = faint_edge(sigma)
    photo[::20] = 255
    assert 255 * noise_level(photo) == pytest.approx(sigma, rel=0.15, abs=0.3)
    assert noise_level(photo[:2]) == 0


def test_colours_are_smoothed_only_where_noise_shows() -> None:
    rng = np.random.default_rng(0)
    colours = rng.normal(0.5, 0.02, (40, 40, 3)).astype(np.float32)
    where = rng.random((40, 40)) < 0.8
    exact = colours[where]
    faint, strong = (np.full(exact.shape, factor, np.float32) for factor in (50, -0.5))
    np.testing.assert_array_equal(smooth_noise(colours, where, strong, 0.02), exact)
    np.testing.assert_array_equal(smooth_noise(colours, where, faint, 0.0), exact)
    assert smooth_noise(colours, where, faint, 0.02).std() < 0.3 * exact.std()
    assert len(smooth_noise(colours, np.zeros_like(where), faint[:0], 0.02)) == 0
