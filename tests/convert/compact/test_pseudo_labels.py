"""Which saliency maps are trusted, and the labels of their masks."""

import cv2
import numpy as np
import pytest

from convert.compact.pseudo_labels import LabelledInstance, is_rotated, label_mask, pseudo_ids
from segmentation.arrays import UInt8


def saliency_map(share: float, value: int = 255) -> UInt8:
    """A map with a value in a share of its columns, from the left."""
    saliency = np.zeros((40, 100), np.uint8)
    saliency[:, : round(share * 100)] = value
    return saliency


@pytest.mark.parametrize(
    ("saliency", "reason"),
    [
        pytest.param(saliency_map(0.01), "too small", id="small"),
        pytest.param(saliency_map(0.0), "too small", id="empty"),
        pytest.param(saliency_map(0.95), "nearly the whole photo", id="full"),
        pytest.param(saliency_map(0.3, 120), "uncertain", id="grey"),
        pytest.param(
            np.hstack([saliency_map(0.5), saliency_map(0.3)]), "several objects", id="two_parts"
        ),
    ],
)
def test_a_map_that_cannot_be_trusted_has_a_reason(saliency: UInt8, reason: str) -> None:
    answer = pseudo_ids(saliency)
    assert isinstance(answer, str)
    assert reason in answer


def test_a_photo_rotated_on_black_differs_from_a_dark_one() -> None:
    grey = np.full((60, 80, 3), 90, np.uint8)
    rotation = cv2.getRotationMatrix2D((40, 30), 25, 0.8)
    assert is_rotated(np.asarray(cv2.warpAffine(grey, rotation, (80, 60)), np.uint8))
    assert not is_rotated(grey)
    evening = grey.copy()
    evening[:20] = 0
    assert not is_rotated(evening), "a dark sky"


def test_a_trusted_map_has_an_ignored_border_and_no_small_pieces() -> None:
    saliency = saliency_map(0.5)
    saliency[:, 50] = 128
    saliency[5, 80] = 255
    ids = pseudo_ids(saliency)
    assert not isinstance(ids, str)
    assert ids[5, [10, 49, 50, 51, 80]].tolist() == [1, 1, 255, 0, 0]


MASK = saliency_map(0.5) > 0
LEFT_HALF = saliency_map(0.25) > 0
RIGHT_HALF = MASK & ~LEFT_HALF


@pytest.mark.parametrize(
    ("instances", "label"),
    [
        pytest.param([LabelledInstance("dog", 0.9, MASK)], "dog", id="certain_animal"),
        pytest.param([LabelledInstance("person", 0.6, MASK)], None, id="uncertain_person"),
        pytest.param([], "object", id="nothing_found"),
        pytest.param([LabelledInstance("object", 0.6, LEFT_HALF)], "object", id="part"),
        pytest.param([LabelledInstance("person", 0.9, ~MASK)], "object", id="person_elsewhere"),
        pytest.param([LabelledInstance("person", 0.9, LEFT_HALF)], None, id="person_in_a_part"),
        pytest.param(
            [LabelledInstance("cat", 0.9, LEFT_HALF), LabelledInstance("cat", 0.9, RIGHT_HALF)],
            None,
            id="two_animals",
        ),
    ],
)
def test_the_label_of_a_mask(instances: list[LabelledInstance], label: str | None) -> None:
    assert label_mask(MASK, instances) == label
