"""Objects chosen by rule, label or id, and the choice of the subject."""

from typing import Any

import numpy as np
import pytest

from segmentation.errors import ChoiceError
from segmentation.inference.select import Objects, check_objects, select
from tests.segmentation.scenes import DOG, LABELS, PERSON, block, segmentation

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
        ("Dog, PERSON", (1, 2, 3)),
        (" ALL ", (1, 2, 3)),
        ("object", ()),
        ("at:0.1,0.1", (1,)),
        ("at: 0.1,0.1; 0.6,0.4 ;", (1, 2)),
        ("at：0.1，0.1；0.6，0.4", (1, 2)),
        ("at:0.95,0.99", ()),
        ("at:1,1", ()),
    ],
)
def test_labels_ids_and_rules_choose_instances(objects: str, ids: tuple[int, ...]) -> None:
    check_objects(objects, LABELS)
    assert select(SCENE, objects) == ids


@pytest.mark.parametrize(
    ("objects", "ids"),
    [([3, 1], (1, 3)), ((2,), (2,)), ({np.int64(2)}, (2,)), ([], ()), (range(1, 3), (1, 2))],
)
def test_ids_may_be_numbers(objects: Objects, ids: tuple[int, ...]) -> None:
    assert select(SCENE, objects) == ids


@pytest.mark.parametrize("objects", ["subject", "主体", "Subject, 1"])
def test_the_whole_subject_is_chosen_by_name(objects: str) -> None:
    pieces = (DOG, block(0, 0, 6, 6)), (PERSON, block(8, 0, 18, 18))
    apart = segmentation(*pieces, subject=block(0, 0, 18, 18))
    same = segmentation(*pieces, subject=block(8, 0, 18, 17))
    also = (1,) if "1" in objects else ()
    assert select(apart, objects) == (*also, 3)
    assert select(same, objects) == (*also, 2)


@pytest.mark.parametrize("objects", [1, [1.0], ["dog"], None])
def test_what_is_neither_text_nor_ids_is_named(objects: Any) -> None:
    with pytest.raises(ChoiceError, match="a list of whole numbers such as"):
        select(SCENE, objects)


def test_a_number_that_was_not_found_is_refused() -> None:
    with pytest.raises(ChoiceError, match="no object 4; 3 were found"):
        select(SCENE, [1, 4])


@pytest.mark.parametrize("objects", ["none", "all", "largest", "auto", "dog"])
def test_an_empty_segmentation_gives_an_empty_choice(objects: str) -> None:
    assert select(EMPTY, objects) == ()


@pytest.mark.parametrize("objects", ["4", "0", "1,4", "dog,9"])
def test_an_id_without_an_instance_is_refused(objects: str) -> None:
    with pytest.raises(ChoiceError, match=r"no object \d; 3 were found"):
        select(SCENE, objects)


def test_text_that_is_too_long_is_refused() -> None:
    for check in (lambda: check_objects("1" * 4001, LABELS), lambda: select(SCENE, "1" * 4001)):
        with pytest.raises(ChoiceError, match="at most 4000 characters"):
            check()


@pytest.mark.parametrize("objects", ["cat", "", "dog,cat", "-1", "1.5", "auto,dog", "dog,", "①a"])
def test_an_unknown_label_is_refused(objects: str) -> None:
    with pytest.raises(ChoiceError, match="person, dog, object"):
        check_objects(objects, LABELS)


def test_an_instance_below_the_threshold_is_not_chosen() -> None:
    shown = SCENE.above(SCENE.instances[1].score)
    assert select(shown, "all") == (1, 2)
    with pytest.raises(ChoiceError):
        select(shown, "3")


@pytest.mark.parametrize(
    "objects",
    [
        "at:",
        "at:0.5",
        "at:0.5,x",
        "at:0.5,1.5",
        "at:-0.1,0",
        "at:nan,0",
        "at:1,1,1",
        "at:0,0;dog",
        "at:" + "0.5,0.5;" * 1000,
    ],
)
def test_points_that_cannot_be_read_are_refused(objects: str) -> None:
    for use in (lambda: check_objects(objects, LABELS), lambda: select(SCENE, objects)):
        with pytest.raises(ChoiceError, match="has no readable points"):
            use()
