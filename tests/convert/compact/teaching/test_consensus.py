"""Which saliency maps are trusted, and the opacity that they give together."""

import cv2
import numpy as np
import pytest

from convert.compact.data import IGNORED, OPAQUE
from convert.compact.teaching.consensus import consensus, cuts_an_instance, is_rotated
from segmentation.arrays import UInt8


def saliency_map(share: float, value: int = 255) -> UInt8:
    """A map with a value in a share of its columns, from the left."""
    saliency = np.zeros((40, 100), np.uint8)
    saliency[:, : round(share * 100)] = value
    return saliency


@pytest.mark.parametrize(
    ("maps", "reason"),
    [
        pytest.param([saliency_map(0.01)], "too small", id="small"),
        pytest.param([saliency_map(0.0)], "too small", id="empty"),
        pytest.param([saliency_map(0.95)], "nearly the whole photo", id="full"),
        pytest.param([saliency_map(0.3, 120)], "uncertain", id="grey"),
        pytest.param([saliency_map(0.3), saliency_map(0.5)], "disagree", id="two_subjects"),
    ],
)
def test_maps_that_cannot_be_trusted_have_a_reason(maps: list[UInt8], reason: str) -> None:
    answer = consensus(maps)
    assert isinstance(answer, str)
    assert reason in answer


def test_maps_are_averaged_and_undecided_where_they_differ() -> None:
    wide, narrow = saliency_map(0.5), saliency_map(0.45)
    wide[:, 10], narrow[:, 10] = 255, 195
    alpha = consensus([wide, narrow])
    assert not isinstance(alpha, str)
    assert alpha[5, [0, 10, 47, 60]].tolist() == [OPAQUE, 224, IGNORED, 0]


def test_a_photo_rotated_on_black_differs_from_a_dark_one() -> None:
    grey = np.full((60, 80, 3), 90, np.uint8)
    rotation = cv2.getRotationMatrix2D((40, 30), 25, 0.8)
    assert is_rotated(np.asarray(cv2.warpAffine(grey, rotation, (80, 60)), np.uint8))
    assert not is_rotated(grey)
    evening = grey.copy()
    evening[:20] = 0
    assert not is_rotated(evening), "a dark sky"


@pytest.mark.parametrize(
    ("columns", "cuts"),
    [
        pytest.param((0, 50), False, id="inside"),
        pytest.param((0, 60), False, id="nearly_inside"),
        pytest.param((60, 90), False, id="outside"),
        pytest.param((30, 80), True, id="half_inside"),
    ],
)
def test_a_subject_that_ends_within_an_instance_is_noticed(
    columns: tuple[int, int], cuts: bool
) -> None:
    alpha = consensus([saliency_map(0.5)])
    assert not isinstance(alpha, str)
    ids = np.zeros(alpha.shape, np.uint8)
    ids[:, slice(*columns)] = 1
    ids[:, 95:] = IGNORED
    assert cuts_an_instance(alpha, ids) == cuts
