"""Heads are found by the outline of a person, and doubt is admitted."""

import numpy as np
import pytest

from segmentation.arrays import UInt8
from segmentation.compositing.sizing.head import (
    find_head,
    largest_piece,
    measure_head_width,
    outline,
)

# Two characters wide, one high; scaled up, a head of 8 x 10 cells on shoulders.
PORTRAIT = """
....................
.......######.......
......########......
......########......
......########......
......########......
......########......
......########......
.......######.......
.......######.......
........####........
........####........
......########......
....############....
...##############...
...##############...
...##############...
"""
NO_SHOULDERS = "\n".join(PORTRAIT.split()[:11] + ["........####........"] * 6)
ARMS_UP = """
....................
..##................
..##...######.......
..##..########......
..##..########......
..##..########......
..##..########......
..###..######.......
..####..####........
...##############...
....############....
....############....
"""
LYING = """
....................
....................
..##################
.###################
..##################
....................
"""
SCALE = 16


def alpha(drawing: str) -> UInt8:
    """An opacity uint8 (H, W) with SCALE pixels for each # (inside) and . (outside)."""
    rows = np.array([[cell == "#" for cell in row] for row in drawing.split()])
    return np.kron(rows, np.ones((SCALE, SCALE))).astype(np.uint8) * 255


def test_the_head_of_a_portrait_is_found() -> None:
    head = find_head(alpha(PORTRAIT))
    assert head is not None
    assert head.top / SCALE == pytest.approx(1, abs=0.2)
    assert head.centre_x / SCALE == pytest.approx(10, abs=0.2)
    # The neck starts 10 rows below the top.
    assert head.height / SCALE == pytest.approx(10, abs=1.5)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_size_of_the_photo_does_not_matter(size: int) -> None:
    small, large = (
        find_head(np.kron(alpha(PORTRAIT), np.ones((n, n), np.uint8))) for n in (1, size)
    )
    assert small is not None
    assert large is not None
    assert large.top / size == pytest.approx(small.top, abs=2)
    assert large.chin / size == pytest.approx(small.chin, abs=4)


def test_a_tuft_of_hair_is_not_the_top_of_the_head() -> None:
    image = alpha(PORTRAIT)
    image[:SCALE, 158:161] = 255
    image[:2] = 0
    head = find_head(image)
    assert head is not None
    assert head.top / SCALE == pytest.approx(1, abs=0.2)


def test_specks_do_not_matter() -> None:
    image = alpha(PORTRAIT)
    image[2:6, 2:6] = 255
    assert find_head(image) == find_head(alpha(PORTRAIT))


@pytest.mark.parametrize(
    "drawing",
    [
        NO_SHOULDERS,
        ARMS_UP,
        LYING,
        "....\n....",
        PORTRAIT.replace("....................\n", ""),  # the photo cuts the head off
    ],
    ids=["no shoulders", "arms up", "lying", "nobody", "cut off"],
)
def test_an_outline_without_head_and_shoulders_is_doubted(drawing: str) -> None:
    assert find_head(alpha(drawing)) is None


def test_the_largest_piece_is_kept() -> None:
    mask = alpha("#..\n..#\n.##")[::SCALE, ::SCALE] > 0
    np.testing.assert_array_equal(largest_piece(mask), [[0, 0, 0], [0, 0, 1], [0, 1, 1]])
    assert not largest_piece(np.zeros((3, 3), np.bool_)).any()


def test_the_outline_leaves_out_what_stands_beside_it() -> None:
    body = alpha("..##...\n#.###..\n#.####.\n######.")[::SCALE, ::SCALE] > 0
    lefts, rights = outline(body)
    assert lefts.tolist() == [2, 2, 2, 0]
    assert rights.tolist() == [4, 5, 6, 6]


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        ([4, 6, 8, 8, 8, 8, 6, 4, 4, 12, 16], 8),
        ([1, 1, 1, 4, 6, 8, 8, 8, 8, 8, 8, 6, 4, 4, 12], 8),
        ([10, 20, 30, 40], 0),
    ],
)
def test_the_width_of_a_head_is_measured_above_the_neck(widths: list[int], expected: int) -> None:
    # Each row stands for 10 rows, each pixel for 10 pixels.
    assert measure_head_width(np.repeat(widths, 10) * 10) == 10 * expected
