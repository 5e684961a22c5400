"""From logits to instances: no duplicates, no specks, best first."""

import numpy as np
import pytest

from segmentation.engines.registry import Logits
from segmentation.inference.postprocess import find_instances, match_instances
from segmentation.inference.preprocess import Geometry
from segmentation.model_card import SUBJECT
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


def test_two_people_side_by_side_are_two_instances() -> None:
    left, right = block(2, 4, 9, 18), block(9, 4, 16, 18)
    result = find_instances(logits_of((PERSON, left), (PERSON, right)), LABELS, geometry(), 0.5)
    assert [instance.label for instance in result.instances] == [PERSON, PERSON]
    assert [instance.box_xyxy for instance in result.instances] == [
        (20, 40, 90, 180),
        (90, 40, 160, 180),
    ]
    assert [instance.area for instance in result.instances] == pytest.approx([0.245, 0.245])


def test_two_people_who_overlap_are_two_instances() -> None:
    left, right = block(2, 2, 10, 12), block(5, 2, 13, 12)
    assert len(segmentation((PERSON, left), (PERSON, right)).instances) == 2


@pytest.mark.parametrize("label", [PERSON, DOG])
def test_duplicates_become_one_instance_with_the_better_label(label: object) -> None:
    twice = segmentation((PERSON, block(2, 2, 12, 12)), (label, block(2, 2, 12, 11)))  # type: ignore[arg-type]
    assert [instance.label for instance in twice.instances] == [PERSON]
    assert twice.instances[0].box_xyxy == (20, 20, 120, 120)


def test_the_score_is_class_probability_times_mean_mask_probability() -> None:
    mask_logits = np.full((20, 20), -SURE, np.float32)
    mask_logits[:5, :10], mask_logits[5:10, :10] = 1, 3
    classes = np.array([[2, 0, 0, 1]], np.float32)
    result = find_instances(Logits(classes, mask_logits[None]), LABELS, geometry(), 0)
    class_probability = np.exp(2) / (np.exp(2) + 1 + 1 + np.exp(1))
    mask_probability = (1 / (1 + np.exp(-1)) + 1 / (1 + np.exp(-3))) / 2
    assert result.instances[0].score == pytest.approx(class_probability * mask_probability, 1e-5)


def test_the_no_object_class_lowers_the_score() -> None:
    """A query that is certain of "no object" has a low score, whatever its best label is."""
    classes = np.array([[1, 0, 0, SURE]], np.float32)
    logits = Logits(classes, block(2, 2, 12, 12)[None])
    assert find_instances(logits, LABELS, geometry(), 0.01).instances == ()


def test_instances_are_sorted_by_score_down_to_the_threshold() -> None:
    result = find_instances(
        Logits(
            np.array([class_logits(PERSON, 1), class_logits(DOG, 9), class_logits(OBJECT, 3)]),
            np.array([block(0, 0, 5, 5), block(6, 6, 12, 12), block(13, 13, 19, 19)]),
        ),
        LABELS,
        geometry(),
        0.2,
    )
    assert [(instance.id, instance.label) for instance in result.instances] == [
        (1, DOG),
        (2, OBJECT),
        (3, PERSON),
    ]
    scores = [instance.score for instance in result.instances]
    assert scores == sorted(scores, reverse=True)
    above = result.above(scores[1])
    assert above.instances == result.instances[:2]
    assert result.above(scores[1], also=[3]).instances == result.instances
    assert result.above(scores[0], also=[3]).instances == result.instances[::2]
    assert result.above(0).instances == result.instances
    assert result.above(1.1).instances == ()


def test_specks_are_not_instances() -> None:
    speck, small = block(0, 0, 1, 1, (50, 50)), block(9, 9, 11, 10, (50, 50))
    logits = logits_of((DOG, speck), (DOG, small))
    result = find_instances(logits, LABELS, geometry((50, 50)), 0.5)
    assert [instance.box_xyxy for instance in result.instances] == [(90, 90, 110, 100)]


def test_fragments_are_removed_and_limbs_stay() -> None:
    fragment, limb = (0, 0), (slice(15, 19), slice(15, 19))
    logits = block(2, 2, 12, 12)
    logits[fragment] = logits[limb] = SURE
    result = segmentation((DOG, logits))
    cleaned = result.mask_logits([1])
    assert cleaned[fragment] < 0
    assert (cleaned[limb] > 0).all()
    assert result.instances[0].box_xyxy == (20, 20, 190, 190)
    assert result.instances[0].area == pytest.approx((100 + 16) / 400)


def test_a_distant_piece_belongs_to_an_object_only_if_the_model_is_sure() -> None:
    mask_logits = np.maximum(block(0, 0, 8, 8), block(16, 16, 19, 19))
    sure = find_instances(logits_of((DOG, mask_logits)), LABELS, geometry(), 0.3)
    unsure = find_instances(
        Logits(np.array([class_logits(DOG, 2)], np.float32), mask_logits[None]),
        LABELS,
        geometry(),
        0.3,
    )
    assert sure.instances[0].box_xyxy == (0, 0, 190, 190)
    assert 0.35 < unsure.instances[0].score < 0.9
    assert unsure.instances[0].box_xyxy == (0, 0, 80, 80)
    assert unsure.instances[0].area == pytest.approx(64 / 400)


def test_masks_in_the_padding_do_not_count() -> None:
    """The photo takes the upper half of the input; the mask reaches below it."""
    half = Geometry((100, 200), (40, 80), (80, 80), 4)
    result = find_instances(logits_of((DOG, block(5, 5, 15, 20))), LABELS, half, 0.5)
    assert result.instances[0].box_xyxy == (50, 50, 150, 100)
    assert result.masks_queries_logits.shape == (1, 10, 20)
    only_padding = logits_of((DOG, block(5, 10, 15, 20)))
    assert find_instances(only_padding, LABELS, half, 0.0).instances == ()


@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_without_an_object_the_segmentation_is_empty(threshold: float) -> None:
    nothing = logits_of((DOG, np.full((20, 20), -SURE, np.float32)))
    result = find_instances(nothing, LABELS, geometry(), threshold)
    assert result.instances == ()
    assert result.masks_queries_logits.shape == (0, 20, 20)
    assert result.at((50, 50), 0) == ()
    assert (result.mask_logits([]) < -20).all()
    assert result.above(0.3).instances == ()


def test_logits_beyond_half_precision_stay_finite() -> None:
    """Masks are kept as float16, which ends at 65504."""
    result = find_instances(logits_of((DOG, block(2, 2, 12, 12) * 1e6)), LABELS, geometry(), 0.5)
    logits = result.mask_logits([1])
    assert np.isfinite(logits).all()
    assert result.instances[0].score == pytest.approx(1, abs=1e-4)
    assert ((logits > 0) == (block(2, 2, 12, 12) > 0)).all()


def test_masks_are_joined_by_their_maximum() -> None:
    result = segmentation((DOG, block(0, 0, 8, 8)), (PERSON, block(10, 10, 18, 18)))
    joined = result.mask_logits([1, 2]) > 0
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
        ((80, 100), (2, 1)),  # the dog is in front of the person
        ((195, 5), (3,)),
        ((15, 100), (1,)),  # one cell beside the person
        ((5, 100), ()),  # two cells beside
        ((105, 100), (1,)),  # on the person, one cell beside the dog
        ((190, 190), ()),
        ((999, -999), (3,)),  # clamped to the photo
    ],
)
def test_a_point_finds_instances_within_a_cell(
    photo_xy: tuple[int, int], ids: tuple[int, ...]
) -> None:
    assert SCENE.at(photo_xy, 0) == ids


def test_a_point_finds_the_whole_before_an_uncertain_part() -> None:
    whole, part = (DOG, block(4, 6, 12, 14)), block(6, 8, 10, 12)
    assert segmentation(whole, (OBJECT, part * 0.04)).at((80, 100), 0) == (1, 2)
    assert segmentation(whole, (OBJECT, part)).at((80, 100), 0) == (2, 1)


@pytest.mark.parametrize(
    ("photo_xy", "ids"),
    [
        ((80, 100), (1,)),  # both are there
        ((150, 100), (2,)),  # only the uncertain one
        ((130, 100), (1,)),  # on the uncertain one, one cell beside the certain one
        ((130, 60), (1,)),  # on neither
        ((175, 100), (2,)),  # one cell beside the uncertain one
        ((190, 190), ()),
    ],
)
def test_a_point_finds_an_uncertain_instance_only_without_a_certain_one(
    photo_xy: tuple[int, int], ids: tuple[int, ...]
) -> None:
    result = segmentation((DOG, block(4, 6, 13, 14)), (OBJECT, block(6, 8, 17, 12) * 0.04))
    assert result.at(photo_xy, threshold=result.instances[0].score) == ids


def test_a_point_in_the_corner_of_the_photo_counts() -> None:
    result = segmentation((PERSON, mask("#..\n...\n...")))
    assert result.at((0, 0), 0) == (1,)
    assert result.at((29, 29), 0) == ()
    assert result.at((15, 15), 0) == (1,)


FIRST = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18)))
# The same two in the other order on a finer grid, and a third that touches neither.
FINER = segmentation(
    (OBJECT, block(0, 0, 4, 2, (40, 40))),
    (DOG, block(24, 21, 38, 36, (40, 40))),
    (PERSON, block(4, 4, 21, 36, (40, 40))),
)


def test_instances_are_matched_across_mask_sizes() -> None:
    assert match_instances(FIRST, (1,), FINER) == (3,)
    assert match_instances(FIRST, (2, 1), FINER) == (2, 3)
    assert match_instances(FIRST, (1, 2), FIRST) == (1, 2)
    assert match_instances(FIRST, (), FINER) == ()


def test_an_instance_without_a_counterpart_is_not_matched() -> None:
    assert match_instances(FINER, (1,), FIRST) == ()
    assert match_instances(FIRST, (1,), segmentation()) == ()
    assert match_instances(FIRST, (1, 2), FINER.above(FINER.instances[1].score)) == (2,)


def test_a_match_has_the_minimum_iou_and_is_the_best_one() -> None:
    # IoU of 0.375 and 0.5 with the first mask.
    other = segmentation((DOG, block(2, 2, 5, 18)), (DOG, block(6, 2, 10, 18)))
    assert match_instances(FIRST, (1,), other, min_iou=0.1) == (2,)
    assert match_instances(FIRST, (1,), other, min_iou=0.5) == (2,)
    assert match_instances(FIRST, (1,), other, min_iou=0.51) == ()


def test_a_subject_that_no_instance_shows_is_one_more_and_comes_last() -> None:
    left, whole = block(2, 2, 9, 18), block(2, 2, 18, 18)
    result = segmentation((PERSON, left), subject=whole)
    assert [instance.label for instance in result.instances] == [PERSON, SUBJECT]
    assert result.subject_id == 2
    assert result.instances[1].box_xyxy == (20, 20, 180, 180)
    np.testing.assert_array_equal(result.mask_logits([2]) > 0, whole > 0)


def test_a_subject_that_an_instance_shows_is_that_instance() -> None:
    result = segmentation(
        (DOG, block(15, 15, 19, 19)), (PERSON, block(2, 2, 14, 14)), subject=block(2, 2, 14, 13)
    )
    assert len(result.instances) == 2
    assert result.subject_id == 2


def test_a_click_means_the_whole_subject_only_where_it_shows_nothing_else() -> None:
    result = segmentation((PERSON, block(2, 2, 9, 18)), subject=block(2, 2, 18, 18))
    assert result.at((50, 100), 0.5) == (1, 2)
    assert result.at((150, 100), 0.5) == (2,)
