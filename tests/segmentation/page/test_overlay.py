"""The overlay that marks the objects found in the photo."""

from itertools import pairwise

import numpy as np
import pytest

from segmentation.page.overlay import UNCHOSEN_LIGHT, colour_of, draw_instances
from tests.segmentation.scenes import DOG, PERSON, block, segmentation

SCENE = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18)))
PHOTO = np.full((400, 400, 3), 200, np.uint8)
INSIDE_PERSON, INSIDE_DOG, OUTSIDE = (60, 60), (220, 360), (20, 300)


@pytest.mark.parametrize("chosen", [(), (1,), (2,), (1, 2)])
def test_chosen_objects_are_bright_and_the_rest_is_dark(chosen: tuple[int, ...]) -> None:
    drawn = draw_instances(PHOTO, SCENE, chosen)
    dark = int(200 * UNCHOSEN_LIGHT)
    for id_, point in ((1, INSIDE_PERSON), (2, INSIDE_DOG)):
        if id_ in chosen:
            assert drawn[point].max() > 160
            assert drawn[point].tolist() == pytest.approx(
                0.8 * 200 + 0.2 * np.array(colour_of(id_)), abs=1
            )
        else:
            assert drawn[point].tolist() == [dark] * 3
    assert drawn[OUTSIDE].tolist() == [dark] * 3
    assert (PHOTO == 200).all()


@pytest.mark.parametrize("chosen", [(), (1, 2)])
def test_every_instance_has_its_outline_and_number(chosen: tuple[int, ...]) -> None:
    drawn = draw_instances(PHOTO, SCENE, chosen)
    for id_, edge, middle in ((1, (200, 40), (120, 120)), (2, (280, 240), (270, 310))):
        row, column = edge
        around = drawn[row, column - 4 : column + 5].astype(int)
        assert np.abs(around - colour_of(id_)).sum(axis=1).min() < 60
        row, column = middle
        disc = drawn[row - 10 : row + 11, column - 10 : column + 11]
        assert np.count_nonzero((disc == colour_of(id_)).all(axis=-1)) > 100


def test_colours_of_neighbours_differ() -> None:
    colours = [np.array(colour_of(id_)) for id_ in range(1, 13)]
    for colour, next_colour in pairwise(colours):
        assert np.abs(colour - next_colour).sum() > 150


@pytest.mark.parametrize("size_hw", [(16, 16), (16, 1280), (1280, 16)])
def test_any_size_can_be_drawn_on(size_hw: tuple[int, int]) -> None:
    assert draw_instances(np.zeros((*size_hw, 3), np.uint8), SCENE, (1,)).shape == (*size_hw, 3)


def test_a_photo_without_objects_is_dark() -> None:
    drawn = draw_instances(PHOTO, segmentation(), ())
    assert (drawn == int(200 * UNCHOSEN_LIGHT)).all()
