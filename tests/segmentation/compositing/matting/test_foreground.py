"""The objects' own colour along soft edges."""

import cv2
import numpy as np
import pytest

from segmentation.compositing.matting import multiscale
from segmentation.compositing.matting.foreground import foreground
from tests.segmentation.compositing.shapes import (
    OBJECT_COLOUR,
    disc,
    draw_photo,
    enlarge,
    exact_alpha,
)


def test_colour_changes_only_where_object_and_background_mix() -> None:
    expected = exact_alpha(disc)
    rgb = draw_photo(expected)
    alpha = np.rint(cv2.GaussianBlur(expected, (0, 0), 3) * 255).astype(np.uint8)
    before = rgb.copy()
    colours = foreground(rgb, alpha)
    pure = (alpha == 0) | (alpha == 255)
    assert (colours[pure] == rgb[pure]).all()
    assert (colours[~pure] != rgb[~pure]).any()
    assert (rgb == before).all()


@pytest.mark.parametrize("factor", [1, 4])
@pytest.mark.parametrize("sigma", [1.5, 4])
def test_the_colour_of_the_object_is_recovered(
    factor: int, sigma: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiscale, "REDUCED_SIDE", 400)
    soft = cv2.GaussianBlur(exact_alpha(disc), (0, 0), sigma)
    soft[soft < 1 / 255], soft[soft > 254 / 255] = 0, 1
    soft = enlarge(soft, factor)
    rgb, alpha = draw_photo(soft, noise=2), np.rint(soft * 255).astype(np.uint8)
    mixed = (alpha > 12) & (alpha < 243)
    before = np.abs(rgb[mixed].astype(float) - OBJECT_COLOUR).mean()
    after = np.abs(foreground(rgb, alpha)[mixed].astype(float) - OBJECT_COLOUR).mean()
    assert after < before / 2
