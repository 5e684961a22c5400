"""What the annotations of a photo say."""

from pathlib import Path

import numpy as np
import pytest

from convert.measure.evaluation.labelled_photos import LabelledMask, LabelledPhoto


@pytest.mark.parametrize(
    ("labels", "shows_crowd"),
    [
        ([], False),
        (["person"] * 3 + ["dog"], False),
        (["person"] * 4, True),
        (["person(crowd)"], True),
    ],
)
def test_a_crowd_is_many_of_one_label_or_annotated(labels: list[str], shows_crowd: bool) -> None:
    masks = tuple(LabelledMask(label, np.ones((2, 2), bool)) for label in labels)
    assert LabelledPhoto("ours", Path("ours_photo.jpg"), (), masks).shows_crowd == shows_crowd
