from typing import cast

import cv2
import numpy as np
import pytest

from segmentation import Photo, Segmenter, find_model, make_alpha, read_photo, select
from segmentation.arrays import Bool, Float16, Float32, UInt8
from segmentation.compositing.matting import Edge
from segmentation.cutout import compute_alpha
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement, crop_around, refine
from tests.paths import EXAMPLES
from tests.segmentation.scenes import DOG, PERSON, SURE, block, segmentation

SCENE = segmentation((PERSON, block(2, 2, 8, 8)), (DOG, block(12, 12, 16, 18)))


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(find_model("compact"))


def test_the_crop_is_the_padded_box_of_all_that_is_chosen() -> None:
    assert crop_around(SCENE, [1]) == (14, 14, 86, 86)
    assert crop_around(SCENE, [2]) == (114, 114, 166, 186)


def test_nothing_has_no_crop() -> None:
    assert crop_around(SCENE, ()) is None


def test_the_crop_ends_where_the_photo_ends() -> None:
    corner = segmentation((PERSON, block(14, 15, 20, 20)))
    assert crop_around(corner, [1]) == (134, 144, 200, 200)


def photo_of(rgb: UInt8, alpha: UInt8 | None = None) -> Photo:
    return Photo(rgb, alpha, "photo", ())


def test_what_is_transparent_in_the_photo_stays_so() -> None:
    rgb, own = np.full((200, 200, 3), 128, np.uint8), np.full((200, 200), 255, np.uint8)
    own[:50], own[50:60] = 0, 51
    alpha = compute_alpha(photo_of(rgb, own), SCENE, [1])
    assert not alpha[:50].any()
    assert alpha[55, 50] == 51
    assert alpha[65, 50] == 255


def look(ids: tuple[int, ...], inside: bool) -> Refinement:
    value = 12 if inside else -12
    return Refinement(SCENE, ids, (100, 100, 180, 200), np.full((10, 8), value, np.float16), 0)


def test_alpha_comes_from_a_look_at_just_these_instances() -> None:
    grey = photo_of(np.full((200, 200, 3), 128, np.uint8))
    alpha = compute_alpha(grey, SCENE, [2], look((2,), inside=True))
    assert (alpha[100:200, 100:180] == 255).all()
    assert alpha.sum() == 255 * 100 * 80
    first = make_alpha(grey.rgb, SCENE.mask_logits([1]))
    assert (compute_alpha(grey, SCENE, [1], look((2,), inside=True)) == first).all()


def test_alpha_does_not_come_from_a_look_at_another_photo() -> None:
    grey = photo_of(np.full((200, 200, 3), 128, np.uint8))
    same_ids = segmentation((PERSON, block(2, 2, 8, 8)), (DOG, block(2, 12, 6, 18)))
    alpha = compute_alpha(grey, same_ids, [2], look((2,), inside=True))
    assert (alpha == make_alpha(grey.rgb, same_ids.mask_logits([2]))).all()


def test_a_reduced_copy_gets_the_same_look() -> None:
    small = photo_of(np.full((100, 100, 3), 128, np.uint8))
    alpha = compute_alpha(small, SCENE, [2], look((2,), inside=True))
    assert (alpha[50:100, 50:90] == 255).all()
    assert alpha.sum() == 255 * 50 * 40


def test_a_small_object_is_seen_again_where_it_was(segmenter: Segmenter) -> None:
    photo = read_photo(EXAMPLES / "spiral_stairs.jpg")
    found, _ = segmenter.segment(photo)
    ids = select(found, "1")
    closer = refine(segmenter, photo, found, ids)
    assert closer is not None
    assert closer.is_at(found, ids)
    once, twice = (compute_alpha(photo, found, ids, seen) > 127 for seen in (None, closer))
    assert np.count_nonzero(once & twice) > 0.7 * np.count_nonzero(once | twice)
    _, top, _, bottom = closer.box_xyxy
    cells_before = found.geometry.mask_hw[0] * (bottom - top) / photo.hw[0]
    assert closer.mask_logits.shape[0] > 1.2 * cells_before, "it is seen in more detail"


def test_a_photo_and_its_mirror_image_get_mirrored_looks(segmenter: Segmenter) -> None:
    photo = read_photo(EXAMPLES / "flower.jpg")
    mirror = Photo(np.ascontiguousarray(photo.rgb[:, ::-1]), None, "mirror", ())
    seen: list[Bool] = []
    for each in (photo, mirror):
        found, _ = segmenter.segment(each)
        closer = refine(segmenter, each, found, [1])
        assert closer is not None
        seen.append(compute_alpha(each, found, [1], closer) > 127)
    there, back = seen[0], seen[1][:, ::-1]
    assert np.count_nonzero(there & back) > 0.9 * np.count_nonzero(there | back)


def test_what_is_not_seen_again_keeps_its_first_look(segmenter: Segmenter) -> None:
    flat = Photo(np.full((200, 200, 3), 128, np.uint8), None, "flat", ())
    # In two corners, like nothing the model would guess at in plain grey.
    corners = np.maximum(block(2, 2, 4, 4), block(16, 16, 18, 18))
    assert refine(segmenter, flat, segmentation((DOG, corners)), [1]) is None


class Seeing:
    """A segmenter that finds the same in everything it is shown."""

    def __init__(self, found: Segmentation) -> None:
        self.found = found

    def segment(self, _: Photo, threshold: float) -> tuple[Segmentation, None]:
        return self.found.above(threshold), None


def mask_logits_of_a_second_look(*again: Float32, strength: float = 1) -> Float16:
    """At an object that the first look saw in the middle 16 x 16 cells of the crop."""
    first = segmentation((DOG, block(4, 4, 16, 16) * strength))
    grey = photo_of(np.full((200, 200, 3), 128, np.uint8))
    second = Seeing(segmentation(*((DOG, mask) for mask in again)))
    look = refine(cast(Segmenter, second), grey, first, [1])
    assert look is not None
    return look.mask_logits


def test_of_two_masks_of_the_object_the_surer_counts_not_the_more_similar() -> None:
    surer, more_similar = block(2, 2, 18, 13), block(2, 2, 18, 18)
    seen = mask_logits_of_a_second_look(surer, more_similar)
    assert seen[8, 10] == SURE
    assert seen[15, 10] == 0, "one look says yes, the other no"


def test_a_surer_mask_of_something_else_does_not_count() -> None:
    part, whole = block(2, 2, 18, 9), block(2, 2, 18, 18)
    seen = mask_logits_of_a_second_look(part, whole)
    assert (seen[3:17, 3:17] > 0).all()


def test_no_crumbs_come_with_the_second_look() -> None:
    """It may see a piece elsewhere that is no crumb beside what it sees of the object."""
    inside = np.maximum(block(4, 4, 16, 10), block(4, 10, 6, 16)) > 0
    first = segmentation((DOG, np.where(inside, SURE, -2).astype(np.float32)))
    with_piece = np.maximum(block(2, 2, 18, 10), block(6, 12, 7, 19)) / 2
    grey = photo_of(np.full((200, 200, 3), 128, np.uint8))
    second = segmentation((DOG, with_piece))
    assert second.mask_logits([1])[14, 6] > 0
    look = refine(cast(Segmenter, Seeing(second)), grey, first, [1])
    assert look is not None
    assert (look.mask_logits[4:8, 4:16] > 0).all()
    assert (look.mask_logits[12:19, 10:18] < 0).all(), "mirrored back, for the look was"


class SeeingWhite:
    """A segmenter that finds what is white."""

    def segment(self, photo: Photo, threshold: float) -> tuple[Segmentation, None]:
        small = cv2.resize(photo.rgb[..., 0], (20, 20), interpolation=cv2.INTER_AREA)
        white = np.where(small > 127, SURE, -SURE).astype(np.float32)
        return segmentation((DOG, white)).above(threshold), None


def test_an_object_that_goes_on_beyond_the_crop_is_not_cut_straight() -> None:
    rgb = np.zeros((200, 200, 3), np.uint8)
    rgb[40:160, 40:170] = 255
    less_sure = block(4, 4, 12, 16) / 4
    first = segmentation((DOG, less_sure))
    look = refine(cast(Segmenter, SeeingWhite()), photo_of(rgb), first, [1])
    assert look is not None
    left, _, right, _ = look.box_xyxy
    assert right == 120 + 60, "half of its height beyond where the first look saw it end"
    seen = np.flatnonzero(look.mask_logits[10] > 0) * (right - left) / 20 + left
    assert seen.max() == pytest.approx(170, abs=(right - left) / 20)


@pytest.mark.parametrize("end", [185, 195])
def test_an_object_that_goes_on_beyond_the_wide_crop_too_keeps_its_first_look(end: int) -> None:
    rgb = np.zeros((200, 200, 3), np.uint8)
    rgb[40:160, 40:end] = 255
    first = segmentation((DOG, block(4, 4, 12, 16) / 4))
    assert refine(cast(Segmenter, SeeingWhite()), photo_of(rgb), first, [1]) is None


@pytest.mark.parametrize(("grow", "wider"), [(-20, -8), (10, 4), (20, 8)])
def test_the_edge_grows_by_a_share_of_the_photo_at_either_look(grow: float, wider: int) -> None:
    """By thousandths of 200 pixels, on both sides."""
    grey = photo_of(np.full((200, 200, 3), 128, np.uint8))
    found = segmentation((DOG, block(8, 8, 12, 12)))
    seen = block(2, 2, 22, 22, (24, 24)).astype(np.float16)
    for closer in (None, Refinement(found, (1,), (76, 76, 124, 124), seen, 0)):
        as_it_is, grown = (
            np.count_nonzero(compute_alpha(grey, found, [1], closer, edge)[100] > 127)
            for edge in (Edge(), Edge(grow=grow))
        )
        assert grown - as_it_is == wider


def test_what_no_half_float_holds_does_not_overflow() -> None:
    mighty = mask_logits_of_a_second_look(block(2, 2, 18, 18) * 1e5, strength=1e5)
    assert np.isfinite(mighty).all()


def test_the_model_sees_what_is_half_transparent_on_white(segmenter: Segmenter) -> None:
    opaque = read_photo(EXAMPLES / "chelsea.png")
    alpha = np.full(opaque.hw, 128, np.uint8)
    faint = photo_of(opaque.rgb, alpha)
    pale = photo_of(faint.on_white)
    np.testing.assert_allclose(faint.on_white, opaque.rgb / 2 + 127.5, atol=1.5)
    seen, expected = (segmenter.segment(each)[0] for each in (faint, pale))
    np.testing.assert_array_equal(seen.masks_queries_logits, expected.masks_queries_logits)
