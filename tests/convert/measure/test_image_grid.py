import numpy as np

from convert.measure.image_grid import grid, tile


def test_a_tile_shows_the_image_in_its_middle() -> None:
    black = np.zeros((10, 40, 3), np.uint8)
    made = tile(black, (20, 15))
    assert made.shape == (15, 20, 3)
    assert (made[5:10] == 0).all()
    assert (made[[4, 10]] == 255).all()


def test_a_grid_is_white_where_no_image_is_left() -> None:
    images = [np.full((2, 3, 3), grey, np.uint8) for grey in (10, 20, 30)]
    made = grid(images, 2)
    assert made.shape == (4, 6, 3)
    assert made[::2, ::3, 0].tolist() == [[10, 20], [30, 255]]
