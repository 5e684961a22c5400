"""From logits to objects: each once, without specks, best first."""

import numpy as np
import pytest

from segmentation.engines.registry import Logits
from segmentation.inference.postprocess import find_instances
from segmentation.inference.preprocess import Geometry
from tests.segmentation.scenes import (
    DOG,
    LABELS,
    OBJECT,
    PERSON,
    SURE,
    block,
    class_logits,
    geometry,
    logits_of,
    mask,
    segmentation,
)


def test_two_people_side_by_side_stay_two() -> None:
    left, right = block(2, 4, 9, 18), block(9, 4, 16, 18)
    found = find_instances(logits_of((PERSON, left), (PERSON, right)), LABELS, geometry(), 0.5)
    assert [instance.label for instance in found.instances] == [PERSON, PERSON]
    assert [instance.box_xyxy for instance in found.instances] == [
        (20, 40, 90, 180),
        (90, 40, 160, 180),
    ]
    assert [instance.area for instance in found.instances] == pytest.approx([0.245, 0.245])


def test_people_who_overlap_stay_two() -> None:
    one, other = block(2, 2, 10, 12), block(5, 2, 13, 12)
    assert len(segmentation((PERSON, one), (PERSON, other)).instances) == 2


@pytest.mark.parametrize("label", [PERSON, DOG])
def test_an_object_found_twice_is_one_with_the_better_label(label: object) -> None:
    twice = segmentation((PERSON, block(2, 2, 12, 12)), (label, block(2, 2, 12, 11)))  # type: ignore[arg-type]
    assert [instance.label for instance in twice.instances] == [PERSON]
    assert twice.instances[0].box_xyxy == (20, 20, 120, 120)


def test_the_score_is_class_probability_times_mean_mask_probability() -> None:
    mask_logits = np.full((20, 20), -SURE, np.float32)
    mask_logits[:5, :10], mask_logits[5:10, :10] = 1, 3
    classes = np.array([[2, 0, 0, 1]], np.float32)
    found = find_instances(Logits(classes, mask_logits[None]), LABELS, geometry(), 0)
    class_probability = np.exp(2) / (np.exp(2) + 1 + 1 + np.exp(1))
    mask_probability = (1 / (1 + np.exp(-1)) + 1 / (1 + np.exp(-3))) / 2
    assert found.instances[0].score == pytest.approx(class_probability * mask_probability, 1e-5)


def test_no_object_takes_its_share_of_the_probability() -> None:
    """A query that is sure of nothing has a low score, whatever its best label is."""
    classes = np.array([[1, 0, 0, SURE]], np.float32)
    logits = Logits(classes, block(2, 2, 12, 12)[None])
    assert find_instances(logits, LABELS, geometry(), 0.01).instances == ()


def test_best_comes_first_and_the_threshold_is_the_least() -> None:
    found = find_instances(
        Logits(
            np.array([class_logits(PERSON, 1), class_logits(DOG, 9), class_logits(OBJECT, 3)]),
            np.array([block(0, 0, 5, 5), block(6, 6, 12, 12), block(13, 13, 19, 19)]),
        ),
        LABELS,
        geometry(),
        0.2,
    )
    assert [(instance.id, instance.label) for instance in found.instances] == [
        (1, DOG),
        (2, OBJECT),
        (3, PERSON),
    ]
    scores = [instance.score for instance in found.instances]
    assert scores == sorted(scores, reverse=True)
    above = found.above(scores[1])
    assert above.instances == found.instances[:2]
    assert found.above(scores[1], besides=[3]).instances == found.instances
    assert found.above(scores[0], besides=[3]).instances == found.instances[::2]
    assert found.above(0).instances == found.instances
    assert found.above(1.1).instances == ()


def test_specks_are_dropped() -> None:
    speck, small = block(0, 0, 1, 1, (50, 50)), block(9, 9, 11, 10, (50, 50))
    logits = logits_of((DOG, speck), (DOG, small))
    found = find_instances(logits, LABELS, geometry((50, 50)), 0.5)
    assert [instance.box_xyxy for instance in found.instances] == [(90, 90, 110, 100)]


def test_crumbs_are_removed_and_limbs_stay() -> None:
    crumb, limb = (0, 0), (slice(15, 19), slice(15, 19))
    logits = block(2, 2, 12, 12)
    logits[crumb] = logits[limb] = SURE
    found = segmentation((DOG, logits))
    cleaned = found.mask_logits([1])
    assert cleaned[crumb] < 0
    assert (cleaned[limb] > 0).all()
    assert found.instances[0].box_xyxy == (20, 20, 190, 190)
    assert found.instances[0].area == pytest.approx((100 + 16) / 400)


def test_what_lies_in_the_padding_does_not_count() -> None:
    """The photo takes the upper half of the input; the mask reaches below it."""
    half = Geometry((100, 200), (40, 80), (80, 80), 4)
    found = find_instances(logits_of((DOG, block(5, 5, 15, 20))), LABELS, half, 0.5)
    assert found.instances[0].box_xyxy == (50, 50, 150, 100)
    assert found.masks_queries_logits.shape == (1, 10, 20)
    only_padding = logits_of((DOG, block(5, 10, 15, 20)))
    assert find_instances(only_padding, LABELS, half, 0.0).instances == ()


@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_nothing_found_is_an_empty_value(threshold: float) -> None:
    nothing = logits_of((DOG, np.full((20, 20), -SURE, np.float32)))
    found = find_instances(nothing, LABELS, geometry(), threshold)
    assert found.instances == ()
    assert found.masks_queries_logits.shape == (0, 20, 20)
    assert found.at((50, 50), 0) == ()
    assert (found.mask_logits([]) < -20).all()
    assert found.above(0.3).instances == ()


def test_enormous_logits_stay_finite() -> None:
    """As a half-precision device may return; float16 ends at 65504."""
    found = find_instances(logits_of((DOG, block(2, 2, 12, 12) * 1e6)), LABELS, geometry(), 0.5)
    logits = found.mask_logits([1])
    assert np.isfinite(logits).all()
    assert found.instances[0].score == pytest.approx(1, abs=1e-4)
    assert ((logits > 0) == (block(2, 2, 12, 12) > 0)).all()


def test_masks_are_joined_by_the_most_certain() -> None:
    found = segmentation((DOG, block(0, 0, 8, 8)), (PERSON, block(10, 10, 18, 18)))
    joined = found.mask_logits([1, 2]) > 0
    assert joined.sum() == 128
    assert (joined == ((block(0, 0, 8, 8) > 0) | (block(10, 10, 18, 18) > 0))).all()


SCENE = segmentation(
    (PERSON, block(2, 2, 16, 18)),
    (DOG, block(6, 8, 10, 12)),
    (OBJECT, block(18, 0, 20, 2)),
)


@pytest.mark.parametrize(
    ("photo_xy", "ids"),
    [
        ((30, 30), (1,)),
        ((80, 100), (2, 1)),  # the dog lies before the person
        ((195, 5), (3,)),
        ((15, 100), (1,)),  # one cell beside the person
        ((5, 100), ()),  # two cells beside
        ((105, 100), (1,)),  # on the person, one cell beside the dog
        ((190, 190), ()),
        ((999, -999), (3,)),  # kept inside the photo
    ],
)
def test_a_click_takes_what_is_within_a_cell(
    photo_xy: tuple[int, int], ids: tuple[int, ...]
) -> None:
    assert SCENE.at(photo_xy, 0) == ids


def test_a_click_takes_the_whole_before_an_unsure_part() -> None:
    whole, part = (DOG, block(4, 6, 12, 14)), block(6, 8, 10, 12)
    assert segmentation(whole, (OBJECT, part * 0.04)).at((80, 100), 0) == (1, 2)
    assert segmentation(whole, (OBJECT, part)).at((80, 100), 0) == (2, 1)


@pytest.mark.parametrize(
    ("photo_xy", "ids"),
    [
        ((80, 100), (1,)),  # the guess lies there as well
        ((150, 100), (2,)),  # on the guess alone
        ((130, 100), (1,)),  # on the guess, one cell beside what is sure
        ((130, 60), (1,)),  # on neither
        ((175, 100), (2,)),  # one cell beside the guess
        ((190, 190), ()),
    ],
)
def test_a_click_takes_a_guess_only_where_nothing_is_sure(
    photo_xy: tuple[int, int], ids: tuple[int, ...]
) -> None:
    found = segmentation((DOG, block(4, 6, 13, 14)), (OBJECT, block(6, 8, 17, 12) * 0.04))
    sure = found.instances[0].score
    assert found.at(photo_xy, sure) == ids


def test_a_click_at_the_corner_of_the_photo_counts() -> None:
    found = segmentation((PERSON, mask("#..\n...\n...")))
    assert found.at((0, 0), 0) == (1,)
    assert found.at((29, 29), 0) == ()
    assert found.at((15, 15), 0) == (1,)
