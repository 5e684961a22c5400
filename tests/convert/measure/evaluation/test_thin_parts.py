from math import isnan

import numpy as np
import pytest

from convert.measure.evaluation.thin_parts import thin_parts, thin_recall

# A table: a top of 200 x 60 pixels, with legs that are 6 pixels wide. Below 12 is thin here.
TABLE = np.zeros((384, 384), np.bool_)
TABLE[100:160, 90:290] = True
TOP = TABLE.copy()
TABLE[160:300, 100:106] = True
TABLE[160:300, 270:276] = True


def test_legs_are_thin_and_the_top_is_not() -> None:
    thin = thin_parts(TABLE)
    assert not (thin & TOP)[:150].any()
    assert (thin & ~TOP).sum() == pytest.approx((TABLE & ~TOP).sum(), rel=0.1)


def test_recall_is_of_the_thin_parts_alone() -> None:
    assert thin_recall(TABLE * np.uint8(255), TABLE) == 1
    assert thin_recall(TOP * np.uint8(255), TABLE) == pytest.approx(0, abs=0.1)
    one_leg = TABLE.copy()
    one_leg[160:, 200:] = False
    assert thin_recall(one_leg * np.uint8(255), TABLE) == pytest.approx(0.5, abs=0.05)
    assert isnan(thin_recall(TOP * np.uint8(255), TOP)), "corners are no thin parts"


def test_a_part_that_the_photo_cuts_off_is_not_thin() -> None:
    cut_off = np.zeros((384, 384), np.bool_)
    cut_off[:, :5] = True
    assert not thin_parts(cut_off).any()
