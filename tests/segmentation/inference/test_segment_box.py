"""Objects found in a rectangle of a photo, in the photo's coordinates."""

import numpy as np
import pytest

from segmentation.cutout import compute_alpha
from segmentation.errors import ChoiceError
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.inference.metrics import iou
from segmentation.inference.segment_box import (
    object_under_line,
    objects_in_box,
    place_in_photo,
    segment_box,
    segment_trace,
)
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import select
from segmentation.model_card import find_model
from tests.paths import EXAMPLES
from tests.segmentation.scenes import DOG, PERSON, block, segmentation


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(find_model("compact"))


def test_objects_of_a_crop_lie_where_the_crop_lies_in_the_photo() -> None:
    """A crop of 200 x 200 pixels and 20 x 20 cells in a photo of 400 x 600."""
    scene = segmentation((PERSON, block(2, 3, 8, 9)), (DOG, block(12, 12, 18, 18)))
    placed = place_in_photo(scene, (300, 100, 500, 300), (400, 600))
    assert placed.geometry.photo_hw == (400, 600)
    assert placed.geometry.mask_hw == (40, 60)
    person, dog = placed.instances
    assert (person.id, dog.id) == (1, 2)
    assert person.box_xyxy == (320, 130, 380, 190)
    assert person.area == pytest.approx(36 / (40 * 60))
    inside = placed.mask_logits([1]) > 0
    assert inside[13:19, 32:38].all()
    assert inside.sum() == 36
    assert placed.at((350, 150), 0.1) == (1,)
    assert placed.at((450, 250), 0.1) == (2,)


def test_an_object_at_the_side_of_the_crop_ends_there() -> None:
    scene = segmentation((PERSON, block(0, 0, 20, 20)))
    inside = place_in_photo(scene, (300, 100, 500, 300), (400, 600)).mask_logits([1]) > 0
    assert inside[10:30, 30:50].all()
    assert inside.sum() == 400


def test_a_crop_without_objects_stays_empty() -> None:
    placed = place_in_photo(segmentation(), (0, 0, 100, 100), (400, 600))
    assert placed.instances == ()
    assert placed.masks_queries_logits.shape[0] == 0
    assert placed.at((10, 10), 0) == ()


def test_the_mask_grid_of_a_small_crop_is_limited() -> None:
    scene = segmentation((PERSON, block(2, 3, 8, 9)))
    placed = place_in_photo(scene, (0, 0, 20, 20), (4000, 6000))
    assert max(placed.geometry.mask_hw) == 512


def test_the_object_that_fills_a_box_comes_before_a_more_certain_part_of_it() -> None:
    """Boxes of pixels, ten for each cell; the object beside the box is left out."""
    part, whole, beside = block(4, 4, 9, 9), block(2, 2, 11, 11), block(9, 2, 19, 11)
    scene = segmentation((DOG, part), (DOG, beside), (DOG, whole))
    assert [item.id for item in objects_in_box(scene, (20, 20, 110, 110)).instances] == [3, 1]
    assert [item.id for item in objects_in_box(scene, (40, 40, 90, 90)).instances] == [1]


def test_the_object_along_all_of_a_line_comes_before_a_more_certain_part_of_it() -> None:
    part, whole = block(4, 4, 9, 9), block(2, 2, 18, 11)
    scene = segmentation((DOG, part), (DOG, whole))
    lines = np.array([[(45, 60), (85, 60)], [(45, 60), (165, 60)], [(45, 150), (165, 150)]])
    found = [object_under_line(scene, line.astype(np.float32)) for line in lines]
    assert [[item.id for item in scene.instances] for scene in found] == [[1], [2], []]


@pytest.mark.parametrize("drawn", ["box", "line"])
def test_a_closer_look_shows_an_object_that_is_too_small_in_the_photo(
    segmenter: Segmenter, drawn: str
) -> None:
    """A flower in the corner of a large grey photo."""
    flower = read_photo(EXAMPLES / "flower.jpg")
    height, width = flower.hw
    canvas = np.full((height * 9, width * 9, 3), 128, np.uint8)
    top, left = height * 7, width * 6
    canvas[top : top + height, left : left + width] = flower.rgb
    photo = Photo(canvas, None, "small", ())
    if drawn == "box":
        found = segment_box(segmenter, photo, (left, top, left + width, top + height))
    else:
        shares = (0.35, 0.4), (0.5, 0.55), (0.6, 0.4)
        line = [(left + x * width, top + y * height) for x, y in shares]
        found = segment_trace(segmenter, photo, line)
        assert len(found.instances) == 1
    assert found.geometry.photo_hw == photo.hw
    assert found.instances
    alone, _ = segmenter.segment(flower)
    expected = compute_alpha(flower, alone, select(alone, "largest")) > 127
    ids = found.at((left + width / 2, top + height / 2), 0.1)[:1]
    alpha = compute_alpha(photo, found, ids) > 127
    assert iou(alpha[top : top + height, left : left + width], expected) > 0.8
    assert not alpha[: top - height].any()


def test_objects_beside_the_rectangle_are_left_out(segmenter: Segmenter) -> None:
    photo = read_photo(EXAMPLES / "two_dogs.jpg")
    whole, _ = segmenter.segment(photo)
    dogs = [instance for instance in whole.instances if instance.label.en == "dog"][:2]
    assert len(dogs) == 2
    for dog in dogs:
        found = segment_box(segmenter, photo, dog.box_xyxy)
        left, top, right, bottom = dog.box_xyxy
        assert found.instances
        best = found.instances[0].box_xyxy
        overlap_w = min(best[2], right) - max(best[0], left)
        overlap_h = min(best[3], bottom) - max(best[1], top)
        assert overlap_w * overlap_h > 0.7 * (right - left) * (bottom - top)


def test_a_line_over_nothing_means_no_object(segmenter: Segmenter) -> None:
    photo = Photo(np.full((400, 400, 3), 128, np.uint8), None, "grey", ())
    found = segment_trace(segmenter, photo, [(-90, 395), (20, 1e9)])
    assert found.instances == ()
    assert found.masks_queries_logits.shape[0] == 0


@pytest.mark.parametrize("box_xyxy", [(10, 10, 20, 300), (-50, 10, 10, 300), (300, 300, 10, 10)])
def test_a_rectangle_that_is_too_small_is_refused(
    segmenter: Segmenter, box_xyxy: tuple[int, int, int, int]
) -> None:
    photo = Photo(np.full((400, 400, 3), 128, np.uint8), None, "grey", ())
    with pytest.raises(ChoiceError, match="Draw a larger one"):
        segment_box(segmenter, photo, box_xyxy)
