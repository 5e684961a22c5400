"""Which objects a wish names, and which one is the subject."""

import pytest

from segmentation.errors import ChoiceError
from segmentation.inference.select import check_wish, select, subject
from tests.segmentation.scenes import DOG, LABELS, OBJECT, PERSON, SURE, block, segmentation

SCENE = segmentation(
    (DOG, block(0, 0, 6, 6)),
    (PERSON, block(8, 0, 18, 18)),
    (DOG, block(0, 12, 5, 17)),
)
EMPTY = segmentation()


@pytest.mark.parametrize(
    ("objects", "ids"),
    [
        ("none", ()),
        ("all", (1, 2, 3)),
        ("largest", (2,)),
        ("auto", (2,)),
        ("dog", (1, 3)),
        ("狗", (1, 3)),
        ("dog,人", (1, 2, 3)),
        ("person, 3", (2, 3)),
        ("3,1", (1, 3)),
        ("3，1", (1, 3)),
        ("人、3", (2, 3)),
        ("１", (1,)),
        ("01", (1,)),
        ("2,2", (2,)),
        ("object", ()),
    ],
)
def test_a_wish_names_instances(objects: str, ids: tuple[int, ...]) -> None:
    check_wish(objects, LABELS)
    assert select(SCENE, objects) == ids


@pytest.mark.parametrize("objects", ["none", "all", "largest", "auto", "dog"])
def test_where_nothing_was_found_nothing_is_chosen(objects: str) -> None:
    assert select(EMPTY, objects) == ()


@pytest.mark.parametrize("objects", ["4", "0", "1,4", "dog,9"])
def test_a_number_that_was_not_found_is_refused(objects: str) -> None:
    with pytest.raises(ChoiceError, match=r"no object \d; 3 were found"):
        select(SCENE, objects)


@pytest.mark.parametrize("objects", ["cat", "", "dog,cat", "-1", "1.5", "auto,dog", "dog,", "①a"])
def test_a_wish_no_photo_could_fulfil_is_refused(objects: str) -> None:
    with pytest.raises(ChoiceError, match="person, dog, object"):
        check_wish(objects, LABELS)


def test_a_hidden_instance_is_not_chosen() -> None:
    shown = SCENE.above(SCENE.instances[1].score)
    assert select(shown, "all") == (1, 2)
    with pytest.raises(ChoiceError):
        select(shown, "3")


def test_the_living_are_favoured_over_things_of_their_size() -> None:
    found = segmentation((OBJECT, block(0, 0, 10, 10)), (DOG, block(10, 10, 20, 20)))
    assert subject(found) == (2,)


def test_a_thing_much_larger_is_the_subject_all_the_same() -> None:
    found = segmentation((OBJECT, block(0, 0, 16, 16)), (DOG, block(17, 17, 19, 19)))
    assert subject(found) == (1,)


def test_what_lies_in_and_against_the_subject_is_part_of_it() -> None:
    whole, part = block(1, 1, 19, 19), block(6, 3, 14, 18)
    assert subject(segmentation((OBJECT, whole), (OBJECT, part))) == (1, 2)
    around = whole.copy()
    around[2:19, 5:15] = -SURE  # a gap all around the part
    assert subject(segmentation((OBJECT, around), (OBJECT, part))) == (1,)
    half, beside = block(1, 1, 12, 19), block(12, 3, 19, 15)
    assert subject(segmentation((OBJECT, half), (OBJECT, beside))) == (1,)


def test_a_rider_does_not_take_the_horse_of_another_kind_along() -> None:
    found = segmentation((PERSON, block(2, 2, 18, 18)), (DOG, block(4, 8, 16, 17)))
    assert subject(found) == (1,)
