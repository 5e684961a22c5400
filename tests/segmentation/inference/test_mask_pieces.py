"""Which pieces of a mask stay."""

import numpy as np

from segmentation.inference.mask_pieces import remove_distant_pieces, remove_fragments
from tests.segmentation.scenes import SURE, mask

NEAR_AND_FAR = mask("""
    ####.##.....##
    ####.##.....##
    ####..........
    ####..........
    .............#
""")


def test_pieces_farther_away_than_their_own_size_are_removed() -> None:
    kept = mask("""
        ####.##.......
        ####.##.......
        ####..........
        ####..........
        ..............
    """)
    np.testing.assert_array_equal(remove_distant_pieces(NEAR_AND_FAR) > 0, kept > 0)


def test_a_large_piece_may_be_farther_away_than_a_small_one() -> None:
    small, large = mask("######...##\n" * 3), mask("######...####\n" * 4)
    assert not (remove_distant_pieces(small) > 0)[:, 9:].any()
    np.testing.assert_array_equal(remove_distant_pieces(large), large)


def test_a_single_piece_and_an_empty_mask_stay() -> None:
    for logits in (mask("##..\n##.."), np.full((3, 3), -SURE, np.float32)):
        np.testing.assert_array_equal(remove_distant_pieces(logits), logits)
        np.testing.assert_array_equal(remove_fragments(logits), logits)


def test_cells_around_a_removed_piece_are_negative_as_well() -> None:
    logits = np.where(NEAR_AND_FAR > 0, np.float32(5), np.float32(-0.1))
    removed = remove_distant_pieces(logits)
    assert removed.dtype == np.float32
    assert (removed[3:, 12:] <= -1).all()
    assert removed[3, 7] == np.float32(-0.1)
