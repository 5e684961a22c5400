"""The object map: which objects a click gives at each pixel."""

import numpy as np

from segmentation.page.canvas.object_map import ObjectMap, draw_object_map
from tests.segmentation.scenes import DOG, OBJECT, block, segmentation

# Objects 1, 2 and 3 lie on each other, 4 apart from them; a cell has 10 pixels of the photo.
PILE = segmentation(
    (DOG, block(4, 6, 12, 14)),
    (DOG, block(2, 4, 14, 16)),
    (OBJECT, block(6, 8, 10, 12)),
    (DOG, block(16, 0, 20, 4)),
)


def test_channels_hold_what_further_clicks_give() -> None:
    pixels, _ = draw_object_map(PILE, (20, 20))
    for row, column in ((10, 8), (10, 5), (5, 3), (1, 18), (18, 18)):
        clicks = PILE.at((10 * column + 5, 10 * row + 5), 0)
        assert [id_ for id_ in pixels[row, column] if id_] == [*clicks], (row, column)
    assert [*pixels[10, 8]] == [*PILE.at((85, 105), 0)]
    assert len(PILE.at((85, 105), 0)) == 3


def test_a_fourth_object_at_a_pixel_is_left_out() -> None:
    four = segmentation(*[(DOG, block(left, 4, 16, 16)) for left in (2, 7, 10, 12)])
    pixels, _ = draw_object_map(four, (20, 20))
    assert [*pixels[10, 13]] == [*four.at((135, 105), 0)[:3]]


def test_masks_grow_to_the_size_of_the_preview() -> None:
    pixels, _ = draw_object_map(PILE, (200, 100))
    assert pixels.shape == (200, 100, 3)
    assert (pixels == 4).any(axis=2)[:36, 84:].all()
    assert not (pixels == 4).any(axis=2)[60:].any()


def test_numbers_stand_in_their_objects() -> None:
    pixels, numbers_xy = draw_object_map(PILE, (200, 200))
    for id_, (x, y) in enumerate(numbers_xy, start=1):
        assert id_ in pixels[int(y * 200), int(x * 200)]


def test_a_photo_without_objects_has_an_empty_map() -> None:
    pixels, numbers_xy = draw_object_map(segmentation(), (10, 12))
    assert pixels.shape == (10, 12, 3)
    assert not np.any(pixels)
    assert numbers_xy == ()


def test_a_map_is_of_one_segmentation_and_its_shown_objects() -> None:
    objects = ObjectMap(PILE, (1, 2), "objects.png", ((0.5, 0.5), (0.5, 0.5)))
    assert objects.shows(PILE, (1, 2))
    assert not objects.shows(PILE, (1, 2, 3))
    assert not objects.shows(segmentation(), (1, 2))
