"""A second inference on the mirrored crop around chosen objects."""

from typing import cast

import cv2
import numpy as np
import pytest

from segmentation.arrays import Float16, Float32, UInt8
from segmentation.errors import InferenceFailed
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import average_looks, crop_around, refine, try_refine
from segmentation.inference.segmenter import Segmenter
from segmentation.model_card import find_model
from tests.paths import EXAMPLES
from tests.segmentation.scenes import DOG, PERSON, SURE, block, segmentation

SCENE = segmentation((PERSON, block(2, 2, 8, 8)), (DOG, block(12, 12, 16, 18)))


def photo_of(rgb: UInt8, alpha: UInt8 | None = None) -> Photo:
    return Photo(rgb, alpha, "photo", ())


GREY = photo_of(np.full((200, 200, 3), 128, np.uint8))


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(find_model("compact"))


def test_the_crop_is_the_padded_box_of_the_chosen_instances() -> None:
    assert crop_around(SCENE, [1]) == (14, 14, 86, 86)
    assert crop_around(SCENE, [2]) == (114, 114, 166, 186)


def test_without_instances_there_is_no_crop() -> None:
    assert crop_around(SCENE, ()) is None


def test_the_crop_ends_where_the_photo_ends() -> None:
    corner = segmentation((PERSON, block(14, 15, 20, 20)))
    assert crop_around(corner, [1]) == (134, 144, 200, 200)


def test_an_object_that_is_not_found_again_is_not_refined(segmenter: Segmenter) -> None:
    # In two corners, unlike anything that the model could find in plain grey.
    corners = np.maximum(block(2, 2, 4, 4), block(16, 16, 18, 18))
    assert refine(segmenter, GREY, segmentation((DOG, corners)), [1]) is None


class FixedSegmenter:
    """Finds the same instances in every photo."""

    def __init__(self, instances: Segmentation) -> None:
        self.instances = instances

    def segment(self, _: Photo, threshold: float) -> tuple[Segmentation, None]:
        return self.instances.above(threshold), None


def average_with(second: Segmentation, first: Segmentation) -> Float32:
    """Average instance 1 with a given result of the second inference: the mask logits."""
    averaged = average_looks(cast(Segmenter, FixedSegmenter(second)), GREY, first, [1])
    assert averaged is not None
    return averaged[1]


def average_block(*second_masks: Float32) -> Float32:
    """The same for an object whose first mask is the middle 16 x 16 cells of the crop."""
    first = segmentation((DOG, block(4, 4, 16, 16)))
    return average_with(segmentation(*((DOG, mask) for mask in second_masks)), first)


def test_the_best_scored_mask_of_the_object_counts_not_the_most_similar() -> None:
    best_scored, most_similar = block(2, 2, 18, 13), block(2, 2, 18, 18)
    mask_logits = average_block(best_scored, most_similar)
    assert mask_logits[8, 10] == SURE
    assert mask_logits[15, 10] == 0, "one inference says yes, the other no"


def test_a_better_scored_mask_of_another_object_does_not_count() -> None:
    part, whole = block(2, 2, 18, 9), block(2, 2, 18, 18)
    mask_logits = average_block(part, whole)
    assert (mask_logits[3:17, 3:17] > 0).all()


def test_a_whole_subject_is_averaged_with_that_of_the_crop() -> None:
    object_mask, whole = block(2, 2, 18, 13), block(2, 2, 18, 18)
    second = segmentation((DOG, object_mask), subject=whole)
    first_mask = block(4, 4, 16, 16)
    assert (average_with(second, segmentation(subject=first_mask))[3:17, 3:17] > 0).all()
    # An object that the query shows as well stays an object.
    first = segmentation((DOG, first_mask), subject=first_mask)
    assert average_with(second, first)[15, 10] == 0, "the best-scored mask counts"


def test_an_average_has_no_fragments() -> None:
    """A loose piece is large enough to stay in the second mask, but not in the average."""
    inside = np.maximum(block(4, 4, 16, 10), block(4, 10, 6, 16)) > 0
    first = segmentation((DOG, np.where(inside, SURE, -2).astype(np.float32)))
    with_piece = np.maximum(block(2, 2, 18, 10), block(6, 12, 7, 19)) / 2
    second = segmentation((DOG, with_piece))
    assert second.mask_logits([1])[14, 6] > 0
    mask_logits = average_with(second, first)
    assert (mask_logits[4:8, 4:16] > 0).all()
    assert (mask_logits[12:19, 10:18] < 0).all(), "the crop was mirrored, so the piece is here"


def refine_with_correction(
    corrected: Float32, monkeypatch: pytest.MonkeyPatch, strength: float = 1
) -> Float16:
    """Refine an object, block(2, 2, 18, 18) of its crop, with a given correction."""
    monkeypatch.setattr("segmentation.inference.refine.correct_mask", lambda *_: corrected)
    first, second = (
        segmentation((DOG, mask * strength)) for mask in (block(4, 4, 16, 16), block(2, 2, 18, 18))
    )
    refinement = refine(cast(Segmenter, FixedSegmenter(second)), GREY, first, [1])
    assert refinement is not None
    return refinement.mask_logits


def test_a_refinement_has_no_fragments(monkeypatch: pytest.MonkeyPatch) -> None:
    size_hw = 40, 40
    with_piece = np.maximum(block(4, 4, 36, 20, size_hw), block(30, 30, 32, 32, size_hw))
    mask_logits = refine_with_correction(with_piece, monkeypatch)
    assert (mask_logits[4:20, 4:36] > 0).all()
    assert (mask_logits[29:33, 29:33] < 0).all()


def test_logits_beyond_half_precision_stay_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    mask_logits = refine_with_correction(block(2, 2, 18, 18) * 1e5, monkeypatch, strength=1e5)
    assert np.isfinite(mask_logits).all()


def test_a_correction_that_the_crop_cuts_off_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    mask_logits = refine_with_correction(block(4, 4, 40, 36, (40, 40)), monkeypatch)
    np.testing.assert_array_equal(mask_logits > 0, block(2, 2, 18, 18) > 0)


class WhiteSegmenter:
    """Finds the white part of a photo."""

    def segment(self, photo: Photo, threshold: float) -> tuple[Segmentation, None]:
        small = cv2.resize(photo.rgb[..., 0], (20, 20), interpolation=cv2.INTER_AREA)
        white = np.where(small > 127, SURE, -SURE).astype(np.float32)
        return segmentation((DOG, white)).above(threshold), None


def test_an_object_beyond_the_crop_gets_a_wider_crop() -> None:
    rgb = np.zeros((200, 200, 3), np.uint8)
    rgb[40:160, 40:170] = 255
    first = segmentation((DOG, block(4, 4, 12, 16) / 4))
    segmenter = cast(Segmenter, WhiteSegmenter())
    averaged = average_looks(segmenter, photo_of(rgb), first, [1])
    assert averaged is not None
    (left, _, right, _), mask_logits = averaged
    assert right == 120 + 60, "half of its height beyond the first mask"
    columns = np.flatnonzero(mask_logits[10] > 0) * (right - left) / 20 + left
    assert columns.max() == pytest.approx(170, abs=(right - left) / 20)
    refinement = refine(segmenter, photo_of(rgb), first, [1])
    assert refinement is not None
    assert refinement.box_xyxy[2] == right
    assert refinement.mask_logits.shape[0] > mask_logits.shape[0], "the correction has more detail"


@pytest.mark.parametrize("end", [185, 195])
def test_an_object_beyond_the_wider_crop_is_not_refined(end: int) -> None:
    rgb = np.zeros((200, 200, 3), np.uint8)
    rgb[40:160, 40:end] = 255
    first = segmentation((DOG, block(4, 4, 12, 16) / 4))
    assert refine(cast(Segmenter, WhiteSegmenter()), photo_of(rgb), first, [1]) is None


class FailingSegmenter:
    """Fails on every photo."""

    def segment(self, _: Photo, threshold: float) -> None:
        raise InferenceFailed(f"failed at {threshold}", "失败")


def test_a_failed_inference_is_a_notice_for_try_refine() -> None:
    failing = cast(Segmenter, FailingSegmenter())
    refinement, (notice,) = try_refine(failing, GREY, SCENE, [1])
    assert (refinement, notice.en) == (None, "failed at 0")
    with pytest.raises(InferenceFailed):
        refine(failing, GREY, SCENE, [1])


def test_the_model_sees_partly_transparent_photos_on_white(segmenter: Segmenter) -> None:
    opaque = read_photo(EXAMPLES / "chelsea.png")
    faint = photo_of(opaque.rgb, np.full(opaque.hw, 128, np.uint8))
    pale = photo_of(faint.on_white)
    np.testing.assert_allclose(faint.on_white, opaque.rgb / 2 + 127.5, atol=1.5)
    scene, expected = (segmenter.segment(photo)[0] for photo in (faint, pale))
    np.testing.assert_array_equal(scene.masks_queries_logits, expected.masks_queries_logits)
