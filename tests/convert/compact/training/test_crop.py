"""Crops of training photos."""

import numpy as np
import pytest

from convert.compact.data import IGNORED, OPAQUE, DecodedSample
from convert.compact.training.crop import crop_and_mirror, random_crop
from segmentation.arrays import BoxXYXY, SizeHW, UInt8
from segmentation.inference.metrics import iou


@pytest.mark.parametrize("box_xyxy", [(0, 0, 80, 60), (10, 10, 70, 60), (-16, -8, 64, 52)])
@pytest.mark.parametrize("size_hw", [(64, 64), (96, 160)])
def test_masks_follow_their_photo(box_xyxy: BoxXYXY, size_hw: SizeHW) -> None:
    ids = np.zeros((60, 80), np.uint8)
    ids[20:40, 20:40] = 1
    rgb = np.full((60, 80, 3), 100, np.uint8)
    rgb[ids == 1] = 0, 255, 0
    centres_x = set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        photo = crop_and_mirror(DecodedSample(rgb, ids, None), (3,), box_xyxy, size_hw, rng)
        assert photo.labels == (3,)
        # The colour outside the photo is random, and hardly this one.
        green = np.abs(photo.rgb.astype(int) - (0, 255, 0)).max(axis=2) < 100
        assert iou(green, photo.masks[0]) > 0.85
        centres_x.add(float(np.nonzero(photo.masks[0])[1].mean().round(1)))
    assert len(centres_x) == 2  # plain and mirrored


def crops_of(source: str, ids: UInt8, size_hw: SizeHW, whole: float) -> list[BoxXYXY]:
    """Twenty crops of a black photo."""
    photo = DecodedSample(np.zeros((*ids.shape, 3), np.uint8), ids, None)
    rngs = map(np.random.default_rng, range(20))
    return [random_crop(source, photo, size_hw, whole, rng) for rng in rngs]


def test_a_photo_with_a_single_annotated_person_is_cropped_around_them() -> None:
    ids = np.zeros((400, 600), np.uint8)
    ids[100:300, 450:520] = 1
    for left, top, right, bottom in crops_of("cocop", ids, (64, 64), 0.5):
        inside = ids[max(top, 0) : bottom, max(left, 0) : right] > 0
        assert inside.sum() > 0.9 * (ids > 0).sum()
        assert bottom - top < 360


def test_a_tiny_instance_is_not_enlarged_until_it_is_blurred() -> None:
    ids = np.zeros((400, 600), np.uint8)
    ids[200:210, 300:306] = 1
    for left, top, right, bottom in crops_of("cocop", ids, (64, 96), 0.5):
        assert min(right - left, bottom - top) >= 127


def test_crops_of_nearly_whole_photos_stay_inside_and_start_at_different_places() -> None:
    boxes = crops_of("voc", np.zeros((400, 600), np.uint8), (64, 64), 1.0)
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= 600
        assert 0 <= top < bottom <= 400
        assert (right - left) * (bottom - top) > 0.6 * 600 * 400
    assert len({left for left, *_ in boxes}) > 5


def test_an_instance_is_dropped_if_a_crop_keeps_little_of_it() -> None:
    ids = np.zeros((60, 80), np.uint8)
    ids[:, :40] = 1
    rgb = np.zeros((60, 80, 3), np.uint8)
    rng = np.random.default_rng(0)
    photo = crop_and_mirror(DecodedSample(rgb, ids, None), (0,), (37, 0, 80, 60), (64, 64), rng)
    assert photo.labels == ()
    assert photo.masks.shape == (0, 64, 64)


def test_the_subject_follows_its_photo_and_keeps_its_undecided_pixels() -> None:
    alpha = np.zeros((60, 80), np.uint8)
    alpha[20:40, 20:40] = OPAQUE
    alpha[20:40, 40:44] = IGNORED
    rgb = np.full((60, 80, 3), 100, np.uint8)
    rgb[alpha == OPAQUE] = 0, 255, 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        decoded = DecodedSample(rgb, None, alpha)
        photo = crop_and_mirror(decoded, (), (-16, -8, 64, 52), (96, 128), rng)
        assert photo.alpha is not None
        assert not photo.is_annotated
        green = np.abs(photo.rgb.astype(int) - (0, 255, 0)).max(axis=2) < 100
        assert iou(green, photo.alpha == OPAQUE) > 0.85
        assert set(np.unique(photo.alpha)) == {0, OPAQUE, IGNORED}


def test_a_crop_that_shows_little_of_the_subject_has_no_subject() -> None:
    alpha = np.zeros((60, 80), np.uint8)
    alpha[:, :40] = OPAQUE
    decoded = DecodedSample(np.zeros((60, 80, 3), np.uint8), None, alpha)
    rng = np.random.default_rng(0)
    assert crop_and_mirror(decoded, (), (20, 0, 80, 60), (64, 64), rng).alpha is None
    assert crop_and_mirror(decoded, (), (10, 0, 80, 60), (64, 64), rng).alpha is not None
