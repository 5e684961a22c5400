"""A sheet has as many copies as fit, each of them whole."""

import numpy as np
import pytest

from segmentation.arrays import SizeHW
from segmentation.compositing.sizing.photo_sheet import make_sheet
from segmentation.errors import ChoiceError


@pytest.mark.parametrize(
    ("size_hw", "copies"),
    [
        ((413, 295), 16),
        ((626, 413), 4),
        ((378, 260), 18),
        ((531, 413), 8),
        ((567, 390), 9),
        ((600, 600), 6),
        ((1100, 1700), 1),
        ((1700, 1100), 1),
    ],
)
def test_as_many_copies_as_fit(size_hw: SizeHW, copies: int) -> None:
    sheet = make_sheet(np.full((*size_hw, 3), (10, 20, 30), np.uint8))
    assert sheet.shape == (1205, 1800, 3)
    assert (sheet == (10, 20, 30)).all(axis=2).sum() == copies * size_hw[0] * size_hw[1]
    # The copies are in the middle.
    rows, columns = np.nonzero((sheet == (10, 20, 30)).all(axis=2))
    assert abs(rows.min() - (1204 - rows.max())) <= 1
    assert abs(columns.min() - (1799 - columns.max())) <= 1


def test_copies_are_whole_and_have_a_line_to_cut_along() -> None:
    copy = np.random.default_rng(0).integers(0, 100, (1100, 1700, 3), dtype=np.uint8)
    sheet = make_sheet(copy)
    top, left = (1205 - 1100) // 2, (1800 - 1700) // 2
    np.testing.assert_array_equal(sheet[top : top + 1100, left : left + 1700], copy)
    assert (sheet[top - 1, left : left + 1700] == 200).all()
    assert (sheet[top - 2] == 255).all()


def test_transparent_photos_are_put_on_white() -> None:
    copy = np.zeros((413, 295, 4), np.uint8)
    assert {*np.unique(make_sheet(copy)).tolist()} == {200, 255}


def test_a_mask_has_zeros_between_copies() -> None:
    sheet = make_sheet(np.full((413, 295), 255, np.uint8))
    assert sheet.shape == (1205, 1800)
    assert (sheet == 255).sum() == 16 * 413 * 295


def test_paper_is_larger_at_a_higher_density() -> None:
    assert make_sheet(np.zeros((826, 590, 3), np.uint8), 600).shape == (2410, 3600, 3)


def test_a_photo_larger_than_the_paper_is_refused() -> None:
    with pytest.raises(ChoiceError, match="1800 x 1800 pixels does not fit on 6-inch paper at 300"):
        make_sheet(np.zeros((1800, 1800, 3), np.uint8))
