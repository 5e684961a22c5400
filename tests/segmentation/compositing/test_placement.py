"""Objects placed in another photo: a scene."""

import numpy as np
import pytest

from segmentation.compositing.backgrounds import Scene
from segmentation.compositing.compose import compose, composed_mask
from segmentation.errors import ChoiceError
from tests.segmentation.compositing.images import noise, photo, soft_disc


def test_a_scene_sets_the_size_and_the_object_has_its_place() -> None:
    rgb, alpha = np.full((50, 90, 3), (200, 10, 30), np.uint8), np.zeros((50, 90), np.uint8)
    alpha[10:30, 20:30] = 255
    behind = noise(120, 160)
    scene = Scene(photo(behind), scale=0.5, position_xy=(0.25, 0.5))
    image = compose(photo(rgb), alpha, scene)
    assert image.shape == behind.shape
    # 20 x 10 pixels that would fit as 120 x 60, at half of that, around (40, 60).
    assert (image[30:90, 25:55] == (200, 10, 30)).all()
    image[30:90, 25:55] = behind[30:90, 25:55]
    assert (image == behind).all()
    mask = composed_mask(alpha, scene)
    assert mask.shape == (120, 160)
    assert (mask[30:90, 25:55] == 255).all()
    assert mask.sum() == 255 * 60 * 30


@pytest.mark.parametrize("scale", [0.1, 0.5, 3])
def test_an_object_in_a_scene_has_no_rim(scale: float) -> None:
    """A white object cut out of black stays white on white, however its edge is resampled."""
    alpha = soft_disc(200, 200)
    rgb = np.full((200, 200, 3), 255, np.uint8)
    rgb[alpha == 0] = 0
    scene = Scene(photo(np.full((150, 150, 3), 255, np.uint8)), scale)
    assert compose(photo(rgb), alpha, scene).min() >= 254


@pytest.mark.parametrize("position_xy", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_an_object_at_the_border_of_a_scene_is_cut_off_there(
    position_xy: tuple[float, float],
) -> None:
    scene = Scene(photo(noise(60, 80)), 1.5, position_xy)
    image = compose(photo(noise(40, 40)), soft_disc(40, 40), scene)
    assert image.shape == (60, 80, 3)
    y, x = (
        round(share * (side - 1)) for share, side in zip(position_xy[::-1], (60, 80), strict=True)
    )
    assert composed_mask(soft_disc(40, 40), scene)[y, x] == 255


def test_an_object_larger_than_its_scene_shows_its_middle() -> None:
    ramp = np.zeros((200, 200, 3), np.uint8) + np.arange(200, dtype=np.uint8)[None, :, None]
    alpha = np.full((200, 200), 255, np.uint8)
    image = compose(photo(ramp), alpha, Scene(photo(noise(60, 90)), scale=3))
    # At 0.9 of its size, 180 pixels, its middle half covers a scene of 90.
    assert image.shape == (60, 90, 3)
    expected = 100 + (np.arange(90) + 0.5 - 45) / 0.9
    np.testing.assert_allclose(image[30, :, 0], expected, atol=2)


def test_a_scene_without_an_object_is_unchanged() -> None:
    behind = noise(30, 40, 3)
    image = compose(photo(noise(20, 20)), np.zeros((20, 20), np.uint8), Scene(photo(behind)))
    assert (image == behind).all()


@pytest.mark.parametrize(
    ("scale", "position_xy"), [(0, (0.5, 0.5)), (3.1, (0.5, 0.5)), (1, (-0.1, 0)), (1, (0, 1.1))]
)
def test_a_scale_or_position_out_of_range_is_refused(
    scale: float, position_xy: tuple[float, float]
) -> None:
    with pytest.raises(ChoiceError, match="position from 0 to 1"):
        Scene(photo(noise(20, 20)), scale, position_xy)


def test_a_crop_of_a_scene_is_refused() -> None:
    scene = Scene(photo(noise(20, 20)))
    with pytest.raises(ChoiceError, match="Leave out the crop"):
        compose(photo(noise(20, 20)), soft_disc(20, 20), scene, crop="subject")
