"""The opacity of chosen instances, with and without a refinement."""

import numpy as np
import pytest

from segmentation.arrays import Bool, UInt8
from segmentation.compositing.matting.alpha import Edge, make_alpha
from segmentation.cutout import compute_alpha
from segmentation.image.photo import Photo
from segmentation.image.read import read_photo
from segmentation.inference.refine import Refinement, refine
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import select
from segmentation.model_card import find_model
from tests.paths import EXAMPLES
from tests.segmentation.scenes import DOG, PERSON, block, segmentation

SCENE = segmentation((PERSON, block(2, 2, 8, 8)), (DOG, block(12, 12, 16, 18)))
# Of the dog; its mask fills a crop larger than the first mask.
REFINEMENT = Refinement(SCENE, (2,), (100, 100, 180, 200), np.full((10, 8), 12, np.float16), 0)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(find_model("compact"))


def grey_photo(side: int, alpha: UInt8 | None = None) -> Photo:
    return Photo(np.full((side, side, 3), 128, np.uint8), alpha, "photo", ())


def test_transparent_parts_of_the_photo_stay_transparent() -> None:
    file_alpha = np.full((200, 200), 255, np.uint8)
    file_alpha[:50], file_alpha[50:60] = 0, 51
    alpha = compute_alpha(grey_photo(200, file_alpha), SCENE, [1])
    assert not alpha[:50].any()
    assert alpha[55, 50] == 51
    assert alpha[65, 50] == 255


def test_alpha_uses_a_refinement_of_exactly_these_instances() -> None:
    photo = grey_photo(200)
    alpha = compute_alpha(photo, SCENE, [2], REFINEMENT)
    assert (alpha[100:200, 100:180] == 255).all()
    assert alpha.sum() == 255 * 100 * 80
    first = make_alpha(photo.rgb, SCENE.mask_logits([1]))
    assert (compute_alpha(photo, SCENE, [1], REFINEMENT) == first).all()


def test_alpha_ignores_a_refinement_of_another_segmentation() -> None:
    photo = grey_photo(200)
    same_ids = segmentation((PERSON, block(2, 2, 8, 8)), (DOG, block(2, 12, 6, 18)))
    alpha = compute_alpha(photo, same_ids, [2], REFINEMENT)
    assert (alpha == make_alpha(photo.rgb, same_ids.mask_logits([2]))).all()


def test_a_refinement_also_applies_to_a_reduced_copy() -> None:
    alpha = compute_alpha(grey_photo(100), SCENE, [2], REFINEMENT)
    assert (alpha[50:100, 50:90] == 255).all()
    assert alpha.sum() == 255 * 50 * 40


@pytest.mark.parametrize(("grow", "wider"), [(-20, -8), (10, 4), (20, 8)])
def test_grow_is_a_share_of_the_photo_with_and_without_a_refinement(
    grow: float, wider: int
) -> None:
    """In thousandths of 200 pixels, on both sides."""
    scene = segmentation((DOG, block(8, 8, 12, 12)))
    mask_logits = block(2, 2, 22, 22, (24, 24)).astype(np.float16)
    for refinement in (None, Refinement(scene, (1,), (76, 76, 124, 124), mask_logits, 0)):
        plain, grown = (
            np.count_nonzero(
                compute_alpha(grey_photo(200), scene, [1], refinement, edge)[100] > 127
            )
            for edge in (Edge(), Edge(grow=grow))
        )
        assert grown - plain == wider


def test_a_refined_object_stays_where_it_was(segmenter: Segmenter) -> None:
    photo = read_photo(EXAMPLES / "spiral_stairs.jpg")
    scene, _ = segmenter.segment(photo)
    ids = select(scene, "1")
    refinement = refine(segmenter, photo, scene, ids)
    assert refinement is not None
    assert refinement.matches(scene, ids)
    first, refined = (compute_alpha(photo, scene, ids, used) > 127 for used in (None, refinement))
    assert np.count_nonzero(first & refined) > 0.7 * np.count_nonzero(first | refined)
    _, top, _, bottom = refinement.box_xyxy
    first_cells = scene.geometry.mask_hw[0] * (bottom - top) / photo.hw[0]
    assert refinement.mask_logits.shape[0] > 1.2 * first_cells, "the mask has more detail"


def test_a_photo_and_its_mirror_image_get_mirrored_refinements(segmenter: Segmenter) -> None:
    photo = read_photo(EXAMPLES / "flower.jpg")
    mirror = Photo(np.ascontiguousarray(photo.rgb[:, ::-1]), None, "mirror", ())
    masks: list[Bool] = []
    for image in (photo, mirror):
        scene, _ = segmenter.segment(image)
        refinement = refine(segmenter, image, scene, [1])
        assert refinement is not None
        masks.append(compute_alpha(image, scene, [1], refinement) > 127)
    mask, mirrored = masks[0], masks[1][:, ::-1]
    assert np.count_nonzero(mask & mirrored) > 0.9 * np.count_nonzero(mask | mirrored)
