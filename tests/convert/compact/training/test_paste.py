"""Instances and people that are pasted in front of a photo."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from convert.compact.data import IGNORED, DecodedSample
from convert.compact.training.crop import AugmentedPhoto
from convert.compact.training.paste import (
    MIN_SHARE_VISIBLE,
    PERSON,
    CutOutPerson,
    cut_out_person,
    paste_beside,
    paste_instance,
    place_beside,
)
from segmentation.arrays import Bool

GREY, WHITE = 90, 250
# Someone with a head, arms and legs.
FIGURE = np.zeros((60, 24), np.bool_)
FIGURE[:14, 8:16] = True
FIGURE[14:24] = True
FIGURE[24:60, 4:10] = FIGURE[24:60, 14:20] = True


def test_a_pasted_instance_is_in_front() -> None:
    back = np.ones((1, 64, 64), np.bool_)
    front = np.zeros((1, 64, 64), np.bool_)
    front[0, 16:48, 16:48] = True
    photo = AugmentedPhoto(np.zeros((64, 64, 3), np.uint8), back, (0,))
    other = AugmentedPhoto(np.full((64, 64, 3), 200, np.uint8), front, (6,))
    pasted = paste_instance(photo, other, np.random.default_rng(0))
    assert pasted.labels == (0, 6)
    assert not (pasted.masks[0] & pasted.masks[1]).any()
    assert (pasted.rgb[..., 0][pasted.masks[1]] >= 100).all()


def test_nothing_is_pasted_where_instances_are_not_annotated_and_pasting_changes_the_subject() -> (
    None
):
    masks = np.zeros((1, 64, 64), np.bool_)
    masks[0, 16:48, 16:48] = True
    rgb, alpha = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8)
    other = AugmentedPhoto(rgb + 200, masks, (6,))
    empty = np.zeros((0, 64, 64), np.bool_)
    unannotated = AugmentedPhoto(rgb, empty, (), is_annotated=False, alpha=alpha)
    assert paste_instance(unannotated, other, np.random.default_rng(0)) is unannotated
    annotated = AugmentedPhoto(rgb, empty, (), alpha=alpha)
    pasted = paste_instance(annotated, other, np.random.default_rng(0))
    assert pasted.labels == (6,)
    assert pasted.alpha is None


def drawn(text: str) -> Bool:
    return np.array([[character == "#" for character in row] for row in text.split()])


def photo_of(mask: Bool, label: int = PERSON) -> AugmentedPhoto:
    return AugmentedPhoto(np.full((*mask.shape, 3), GREY, np.uint8), mask[None], (label,))


def standing(left: int, *, last: int = 90, height: int = 60) -> Bool:
    """A photo of 100 x 160 pixels with the figure."""
    size_wh = 24 * height // 60, height
    figure = cv2.resize(FIGURE.astype(np.uint8), size_wh, interpolation=cv2.INTER_NEAREST)
    mask = np.zeros((100, 160), np.bool_)
    mask[last - height : last, left : left + size_wh[0]] = figure[: 100 - last + height]
    return mask


def person(*, is_cut_below: bool = False) -> CutOutPerson:
    return CutOutPerson(np.full((60, 24, 3), WHITE, np.uint8), FIGURE, is_cut_below)


def pasted_photos(photo: AugmentedPhoto, other: CutOutPerson) -> Iterator[AugmentedPhoto]:
    for seed in range(24):
        yield paste_beside(photo, other, np.random.default_rng(seed))


def test_masks_touch_at_the_row_where_they_are_closest() -> None:
    partner = drawn("#....... ###..... #.......")
    mask = drawn("..## .### ####")
    assert place_beside(partner, mask, 0, -0.1, is_left=False) == 2
    assert place_beside(partner, mask, 1, -0.1, is_left=False) == 1
    assert place_beside(partner, mask, 0, 0.5, is_left=False) == 1
    partner = partner[:, ::-1]
    assert place_beside(partner, mask, 0, -0.1, is_left=True) == 1


def test_a_person_is_pasted_in_front_of_another_at_their_side() -> None:
    photo = photo_of(standing(70))
    (before,) = photo.masks
    ((_, top, _, height),) = (cv2.boundingRect(mask.astype(np.uint8)) for mask in photo.masks)
    sides, hidden = set(), []
    for result in pasted_photos(photo, person()):
        assert result.labels == (PERSON, PERSON)
        behind, front = result.masks
        assert not (behind & front).any()
        assert np.array_equal(behind, before & ~front)
        assert (cv2.dilate(front.astype(np.uint8), np.ones((3, 3))) > 0)[before].any(), "they touch"
        assert behind.sum() >= MIN_SHARE_VISIBLE * before.sum()
        assert (result.rgb[front] > (GREY + WHITE) / 2 - 1).all()
        _, own_top, _, own_height = cv2.boundingRect(front.astype(np.uint8))
        assert own_height == pytest.approx(height, rel=0.2)
        assert 0 <= own_top + own_height - (top + height) <= 0.08 * height
        sides.add(np.nonzero(front)[1].mean() > np.nonzero(before)[1].mean())
        hidden.append(1 - behind.sum() / before.sum())
    assert sides == {False, True}
    assert min(hidden) == 0, "some only touch"
    assert max(hidden) > 0.1


@pytest.mark.parametrize(
    ("mask", "label"),
    [
        (standing(70), PERSON + 1),
        (standing(70, height=30), PERSON),
        (standing(70, last=100), PERSON),
        (standing(70, last=62, height=62), PERSON),
        (np.rot90(standing(70)[:, 60:160]), PERSON),
    ],
    ids=["no person", "too small", "cut off below", "cut off above", "lying"],
)
def test_nobody_is_pasted_beside_what_is_no_standing_person(mask: Bool, label: int) -> None:
    photo = photo_of(mask, label)
    assert all(result is photo for result in pasted_photos(photo, person()))


def test_who_is_cut_off_below_is_pasted_beside_someone_who_is() -> None:
    photo = photo_of(standing(70, last=110, height=72))
    for result in pasted_photos(photo, person(is_cut_below=True)):
        assert result.masks[1, -1].any()


def test_a_small_person_is_not_enlarged_until_they_are_blurred() -> None:
    photo = photo_of(standing(70))
    small = CutOutPerson(np.zeros((30, 12, 3), np.uint8), FIGURE[::2, ::2], is_cut_below=False)
    assert all(result is photo for result in pasted_photos(photo, small))


def decoded(ids: Bool) -> DecodedSample:
    ids = ids.astype(np.uint8)
    return DecodedSample(np.repeat(ids[..., None] * 100, 3, 2), ids, None)


def test_only_whole_people_are_cut_out() -> None:
    rng = np.random.default_rng(0)
    found = cut_out_person(decoded(standing(70)), (PERSON,), rng)
    assert found
    assert np.array_equal(found.mask, FIGURE)
    assert np.array_equal(found.rgb[..., 0] == 100, FIGURE)
    assert not found.is_cut_below
    bust = cut_out_person(decoded(standing(70, last=110)), (PERSON,), rng)
    assert bust
    assert bust.is_cut_below
    assert cut_out_person(decoded(standing(70)), (PERSON + 1,), rng) is None
    assert cut_out_person(decoded(standing(0)), (PERSON,), rng) is None, "at the left frame"


def test_people_who_touch_something_else_are_not_cut_out() -> None:
    rng = np.random.default_rng(0)
    both = decoded(standing(70))
    assert both.ids is not None
    both.ids[50:60, 94:120] = 2
    both.ids[0, 0] = IGNORED
    assert cut_out_person(both, (PERSON, 6), rng) is None
