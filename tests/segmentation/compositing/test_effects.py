"""Outlines and shadows: in the right place, in straight alpha, without a rim."""

import numpy as np
import pytest

from segmentation.compositing.backgrounds import Colour, Transparent
from segmentation.compositing.compose import compose, composed_mask
from segmentation.compositing.crop import CROPS, Crop, Outset
from segmentation.compositing.effects import Effects, Outline, Shadow, draw_effects, effects_outset
from segmentation.image.blend import Layer, over
from segmentation.image.photo import Photo

RED = (255, 0, 0)
EFFECTS: list[Effects] = [(Outline(0.1, RED),), (Shadow(),), (Outline(0.1, RED), Shadow())]


def square(size: int = 100, low: int = 30, high: int = 70) -> Layer:
    """An opaque grey square, softly edged by one pixel."""
    alpha = np.zeros((size, size), np.uint8)
    alpha[low - 1 : high + 1, low - 1 : high + 1] = 128
    alpha[low:high, low:high] = 255
    return Layer(np.full((size, size, 3), 100, np.uint8), alpha)


@pytest.mark.parametrize("effects", EFFECTS)
def test_effects_leave_the_subject_unchanged(effects: Effects) -> None:
    layer = square()
    result = draw_effects(layer, effects)
    inside = layer.alpha == 255
    assert (result.alpha[inside] == 255).all()
    assert (result.colours[inside] == 100).all()
    assert (result.alpha >= layer.alpha).all()


def test_an_outline_is_solid_up_to_its_width() -> None:
    result = draw_effects(square(), (Outline(0.1, RED),))
    # 42 pixels of subject, so 4.2 around its edge at 29 and 71.
    row = result.alpha[50]
    assert (row[26:74] == 255).all()
    assert (row[:24] == 0).all()
    assert (row[76:] == 0).all()
    assert (result.colours[50, 26:28] == RED).all()
    # A round corner, not a square one.
    assert result.alpha[25, 25] == 0
    # Half of the soft edge is the subject's colour, half the line's.
    assert result.colours[50, 29] == pytest.approx([178, 50, 50], abs=2)


def test_a_shadow_is_offset_and_fades() -> None:
    shadow = Shadow(offset_xy=(0.2, 0.1), blur=0.05, opacity=0.5)
    result = draw_effects(square(), (shadow,))
    outside = square().alpha == 0
    assert (result.colours[outside & (result.alpha > 0)] == 0).all()
    assert result.alpha[60, 73] == pytest.approx(127, abs=6)
    assert result.alpha[60, 27] < 5
    assert result.alpha[73, 55] > result.alpha[26, 55]
    assert (np.diff(result.alpha[60, 72:].astype(int)) <= 0).all()
    assert result.alpha[60, 95] == 0


def test_a_shadow_is_the_same_on_a_reduced_copy() -> None:
    """The blur is a share of the subject, and is computed small on a large photo."""
    small = square()
    parts = (part.repeat(10, 0).repeat(10, 1) for part in (small.colours, small.alpha))
    large = Layer(*map(np.ascontiguousarray, parts))
    shadow = (Shadow(opacity=1),)
    result = draw_effects(large, shadow).alpha.reshape(100, 10, 100, 10).mean(axis=(1, 3))
    assert np.abs(result - draw_effects(small, shadow).alpha)[small.alpha == 0].max() < 4


def test_the_shadow_of_a_subject_cut_off_by_the_photo_does_not_fade_there() -> None:
    layer = square()
    layer.alpha[70:, 30:70] = 255
    below = draw_effects(layer, (Shadow(),)).alpha[70:, 72].astype(int)
    assert np.ptp(below[10:]) <= 2
    assert below[0] > 20


@pytest.mark.parametrize("effects", EFFECTS)
def test_a_transparent_result_on_a_colour_equals_the_result_on_that_colour(
    effects: Effects,
) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    photo, alpha = Photo(rgb, None, "photo", ()), square().alpha
    later = compose(photo, alpha, Transparent(), effects)
    white = np.full((100, 100, 3), 255, np.uint8)
    at_once = compose(photo, alpha, Colour((255, 255, 255)), effects)
    layer = Layer(np.ascontiguousarray(later[..., :3]), np.ascontiguousarray(later[..., 3]))
    np.testing.assert_array_equal(over(layer, white), at_once)


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("crop", CROPS)
def test_a_crop_leaves_space_for_effects(crop: Crop, effects: Effects) -> None:
    """Also where they reach beyond the photo."""
    photo = Photo(np.full((50, 50, 3), 90, np.uint8), None, "photo", ())
    alpha = np.zeros((50, 50), np.uint8)
    alpha[2:48, 2:48] = 255
    image = compose(photo, alpha, Transparent(), effects, crop)
    opacity = image[..., 3]
    sides = opacity[0], opacity[-1], opacity[:, 0], opacity[:, -1]
    assert max(side.max() for side in sides) <= 2
    mask = composed_mask(alpha, Transparent(), effects, crop)
    assert mask.shape == opacity.shape
    assert (image[mask == 255] == (90, 90, 90, 255)).all()


def test_the_outsets_of_effects_add_up() -> None:
    assert effects_outset((), 100) == Outset()
    assert effects_outset((Outline(0.1),), 100) == Outset(11, 11, 11, 11)
    shadow = Shadow(offset_xy=(0.2, 0.05), blur=0.02)
    assert effects_outset((shadow,), 100) == Outset(0, 0, 25, 10)
    assert effects_outset((Outline(0.1), shadow), 100) == Outset(11, 11, 36, 21)


def test_without_a_subject_no_effect_is_drawn() -> None:
    layer = Layer(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.uint8))
    assert draw_effects(layer, (Outline(), Shadow())) is layer


def test_a_faint_subject_has_a_shadow_but_no_outline() -> None:
    layer = Layer(np.zeros((40, 40, 3), np.uint8), np.full((40, 40), 0, np.uint8))
    layer.alpha[10:30, 10:30] = 60
    assert (draw_effects(layer, (Outline(),)).alpha == layer.alpha).all()
    assert draw_effects(layer, (Shadow(),)).alpha[30, 20] > 5
