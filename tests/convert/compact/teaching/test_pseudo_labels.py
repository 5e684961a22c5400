"""Instance ids of subjects, and their labels."""

import numpy as np
import pytest

from convert.compact.data import IGNORED, OPAQUE
from convert.compact.teaching.pseudo_labels import LabelledInstance, label_mask, pseudo_ids
from segmentation.arrays import UInt8


def subject(share: float) -> UInt8:
    """The opacity of a subject that covers a share of the columns, from the left."""
    alpha = np.zeros((40, 100), np.uint8)
    alpha[:, : round(share * 100)] = OPAQUE
    return alpha


def test_a_subject_of_two_large_pieces_is_not_one_instance() -> None:
    assert pseudo_ids(np.hstack([subject(0.5), subject(0.3)])) is None


def test_an_instance_has_an_ignored_border_and_no_small_pieces() -> None:
    alpha = subject(0.5)
    alpha[:, 50] = 128
    alpha[5, 80] = OPAQUE
    ids = pseudo_ids(alpha)
    assert ids is not None
    assert ids[5, [10, 49, 50, 51, 80]].tolist() == [1, 1, IGNORED, 0, 0]


MASK = subject(0.5) > 0
LEFT_HALF = subject(0.25) > 0
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
