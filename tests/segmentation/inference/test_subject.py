"""The choice of the subject, with and without a subject query."""

import numpy as np

from segmentation.arrays import Float32
from segmentation.inference.subject import select_subject
from tests.segmentation.scenes import DOG, OBJECT, PERSON, SURE, block, segmentation


def test_a_living_subject_is_preferred_to_a_thing_of_the_same_size() -> None:
    scene = segmentation((OBJECT, block(0, 0, 10, 10)), (DOG, block(10, 10, 20, 20)))
    assert select_subject(scene) == (2,)


def test_a_much_larger_thing_is_preferred_to_a_living_subject() -> None:
    scene = segmentation((OBJECT, block(0, 0, 16, 16)), (DOG, block(17, 17, 19, 19)))
    assert select_subject(scene) == (1,)


def test_an_instance_in_and_against_the_subject_is_a_part_of_it() -> None:
    whole, part = block(1, 1, 19, 19), block(6, 3, 14, 18)
    assert select_subject(segmentation((OBJECT, whole), (OBJECT, part))) == (1, 2)
    around = whole.copy()
    around[2:19, 5:15] = -SURE  # a gap around the part
    assert select_subject(segmentation((OBJECT, around), (OBJECT, part))) == (1,)
    half, beside = block(1, 1, 12, 19), block(12, 3, 19, 15)
    assert select_subject(segmentation((OBJECT, half), (OBJECT, beside))) == (1,)


def test_an_instance_with_another_label_is_not_a_part() -> None:
    scene = segmentation((PERSON, block(2, 2, 18, 18)), (DOG, block(4, 8, 16, 17)))
    assert select_subject(scene) == (1,)


def ring() -> Float32:
    """Logits of a bowl whose content, cells 6 to 14, is not part of it."""
    logits = block(2, 2, 18, 18)
    logits[6:14, 6:14] = -SURE
    return logits


def test_an_object_in_a_hole_of_a_thing_belongs_to_it() -> None:
    scene = segmentation((OBJECT, ring()), (OBJECT, block(8, 8, 12, 12)))
    assert select_subject(scene) == (1, 2)


def test_a_living_being_in_a_hole_or_around_one_is_apart() -> None:
    assert select_subject(segmentation((OBJECT, ring()), (DOG, block(9, 9, 11, 11)))) == (1,)
    assert select_subject(segmentation((PERSON, ring()), (OBJECT, block(8, 8, 12, 12)))) == (1,)


def test_an_object_in_a_bay_or_across_the_rim_is_apart() -> None:
    bay = ring()
    bay[9:11, 14:18] = -SURE  # opens the hole to the outside
    assert select_subject(segmentation((OBJECT, bay), (OBJECT, block(8, 8, 12, 12)))) == (1,)
    across = block(12, 9, 20, 11)
    assert select_subject(segmentation((OBJECT, ring()), (OBJECT, across))) == (1,)


WHOLE = block(2, 2, 18, 18)
LEFT, RIGHT = block(2, 2, 9, 18), block(11, 2, 18, 18)
ELSEWHERE = block(0, 18, 4, 20)


def test_one_thing_that_was_found_in_pieces_is_whole() -> None:
    scene = segmentation((OBJECT, LEFT), (OBJECT, RIGHT), (OBJECT, ELSEWHERE), subject=WHOLE)
    chosen = select_subject(scene)
    assert chosen == (1, 2, 4)
    assert ((scene.mask_logits(chosen) > 0) == (WHOLE > 0)).all()


def test_a_living_subject_stays_single() -> None:
    scene = segmentation((PERSON, LEFT), (OBJECT, RIGHT), subject=WHOLE)
    assert select_subject(scene) == (1,)
    assert scene.subject_id == 3


def test_a_subject_with_several_people_leaves_the_choice_to_the_objects() -> None:
    people = (PERSON, block(2, 2, 5, 5)), (PERSON, block(6, 2, 9, 5))
    scene = segmentation((OBJECT, block(2, 6, 18, 18)), *people, subject=WHOLE)
    assert scene.subject_id == 1
    assert select_subject(scene) == (1,)


def test_a_subject_without_the_most_prominent_object_is_not_believed() -> None:
    scene = segmentation((OBJECT, WHOLE), (OBJECT, ELSEWHERE), subject=block(0, 17, 5, 20))
    assert scene.subject_id == 3
    assert select_subject(scene) == (1,)


def test_a_subject_that_is_not_shown_chooses_nothing() -> None:
    unsure = np.where(WHOLE > 0, np.float32(0.1), -SURE)
    scene = segmentation((OBJECT, LEFT), subject=unsure)
    assert select_subject(scene) == (1, 2)
    assert select_subject(scene.above(0.9)) == (1,)


def test_a_subject_query_that_finds_nothing_leaves_the_choice_to_the_objects() -> None:
    nothing = np.full_like(WHOLE, -SURE)
    assert select_subject(segmentation((OBJECT, LEFT), subject=nothing)) == (1,)
    assert select_subject(segmentation(subject=nothing)) == ()
    assert select_subject(segmentation(subject=WHOLE)) == (1,)
