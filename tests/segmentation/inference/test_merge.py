"""Objects found elsewhere in the same photo join those that are known."""

from dataclasses import replace

import numpy as np

from segmentation.inference.merge import MAX_INSTANCES, merge
from tests.segmentation.scenes import DOG, PERSON, block, geometry, segmentation

SCENE = segmentation((PERSON, block(2, 2, 10, 18)), (DOG, block(12, 10, 19, 18)))
# On a grid twice as fine: the dog again, and a ball that only this one has.
FINE = replace(
    segmentation((DOG, block(24, 20, 38, 36, (40, 40))), (DOG, block(30, 2, 36, 8, (40, 40)))),
    geometry=geometry((40, 40), SCENE.geometry.photo_hw),
)


def test_new_objects_get_the_next_ids_and_known_ones_stay() -> None:
    merged, added = merge(SCENE, FINE, SCENE)
    assert added == (3,)
    assert [instance.id for instance in merged.instances] == [1, 2, 3]
    assert merged.instances[:2] == SCENE.instances
    assert merged.geometry.mask_hw == (40, 40)
    assert merged.geometry.photo_hw == SCENE.geometry.photo_hw
    assert merged.at((165, 25), 0) == (3,)
    assert merged.at((60, 100), 0) == (1,)
    assert merged.at((150, 140), 0) == (2,)


def test_the_whole_subject_stays_the_same() -> None:
    scene = segmentation((PERSON, block(2, 2, 10, 18)), subject=block(2, 2, 18, 18))
    merged, added = merge(scene, FINE, scene)
    assert (merged.subject_id, added) == (2, (3, 4))


def test_an_object_that_is_not_shown_is_found_again() -> None:
    shown = replace(SCENE, instances=SCENE.instances[:1])
    merged, added = merge(SCENE, FINE, shown)
    assert added == (3, 4)
    assert sorted(merged.at((150, 140), 0)) == [2, 3]


def test_without_new_objects_nothing_changes() -> None:
    assert merge(SCENE, replace(FINE, instances=FINE.instances[:1]), SCENE) == (SCENE, ())
    assert merge(SCENE, segmentation(), SCENE) == (SCENE, ())


def test_the_grid_and_the_number_of_objects_are_bounded() -> None:
    large = segmentation((DOG, block(500, 2, 600, 90, (1000, 1000))))
    large = replace(large, geometry=geometry((1000, 1000), SCENE.geometry.photo_hw))
    merged, added = merge(SCENE, large, SCENE)
    assert (merged.geometry.mask_hw, added) == ((256, 256), (3,))
    assert merged.at((110, 10), 0) == (3,)
    many = replace(
        SCENE,
        instances=tuple(replace(SCENE.instances[0], id=id_) for id_ in range(1, MAX_INSTANCES + 1)),
        masks_queries_logits=np.repeat(SCENE.masks_queries_logits[:1], MAX_INSTANCES, axis=0),
    )
    assert merge(many, FINE, SCENE) == (many, ())
