"""Points on the thin parts of masks."""

import numpy as np
import torch

from convert.compact.training.thin_points import POINTS_IN_CELL, draw_thin_points, thin_cells

# A body, a leg of one cell, and a head of three cells; a column and a row are a cell.
DOG = """
    ..........
    ###.......
    ##########
    ##########
    ..######..
    .......#..
    .......#..
    .......#..
"""


def masks_of(drawing: str) -> torch.Tensor:
    """A photo with one mask, in which each character is a cell of 4 x 4 pixels."""
    rows = [[float(character == "#") for character in row] for row in drawing.split()]
    cells = torch.tensor(rows)
    return cells.repeat_interleave(4, 0).repeat_interleave(4, 1)[None, None]


def test_the_parts_that_three_cells_do_not_fit_into_are_thin() -> None:
    thin = thin_cells(masks_of(DOG), (8, 10))[0, 0]
    rows = ["".join(".#"[cell] for cell in row) for row in thin.int()]
    assert rows == [
        "..........",
        "..........",
        "........##",
        "........##",
        "..........",
        ".......#..",
        ".......#..",
        ".......#..",
    ]


def test_a_thick_part_stays_thick_at_the_frame_and_on_a_slope() -> None:
    y, x = np.mgrid[:64, :96]
    half = torch.from_numpy((3 * y + x < 150).astype(np.float32))[None, None]
    assert not thin_cells(half, (16, 24)).any()


def test_what_fills_a_quarter_of_a_cell_is_thin_and_less_is_not() -> None:
    masks = torch.zeros(1, 3, 64, 64)
    masks[0, :, 32:] = 1
    masks[0, 0, 8:32, 20:22] = 1
    masks[0, 1, 31, 20:24] = 1
    masks[0, 2, 31, 20:23] = 1
    pole, ledge, bump = thin_cells(masks, (16, 16))[0]
    assert pole.sum() == 6
    assert pole[2:8, 5].all()
    assert ledge.nonzero().tolist() == [[7, 5]]
    assert not bump.any()


def test_points_are_in_random_thin_cells_and_few_in_each() -> None:
    masks = masks_of(DOG).repeat(1, 2, 1, 1)
    masks[0, 1] = 0
    torch.manual_seed(0)
    points_xy, are_thin = draw_thin_points(masks, (8, 10), 40)
    thin = thin_cells(masks, (8, 10))[0, 0]
    assert are_thin.sum(2).tolist() == [[POINTS_IN_CELL * int(thin.sum()), 0]]
    drawn_xy = points_xy[0, 0][are_thin[0, 0]]
    counts = torch.zeros(8, 10)
    for x, y in (drawn_xy * torch.tensor([10, 8])).int():
        counts[y, x] += 1
    assert torch.equal(counts, POINTS_IN_CELL * thin)
    assert len({float(x % 0.1) for x in drawn_xy[:, 0]}) > 20, "anywhere in the cells"
    few_xy, are_thin = draw_thin_points(masks, (8, 10), 5)
    assert few_xy.shape == (1, 2, 5, 2)
    assert are_thin[0, 0].all()
