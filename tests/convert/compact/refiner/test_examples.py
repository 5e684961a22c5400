"""Training examples of the mask refiner."""

import numpy as np
import pytest

from convert.compact.data import IGNORED
from convert.compact.refiner.crops import ObjectCrop
from convert.compact.refiner.examples import (
    SIZES_HW,
    damage,
    make_example,
    nearest_size,
    pixel_weights,
    soft_truth,
)
from segmentation.arrays import Float32
from segmentation.inference.metrics import iou


def disc_with_handle(side: int = 192) -> Float32:
    rows, columns = np.mgrid[:side, :side] / side
    disc = (rows - 0.5) ** 2 + (columns - 0.4) ** 2 < 0.25**2
    handle = (abs(rows - 0.5) < 0.02) & (columns > 0.6) & (columns < 0.9)
    return (disc | handle).astype(np.float32)


def crop_of(mask: Float32) -> ObjectCrop:
    rgb = np.repeat(np.where(mask > 0, 200, 40).astype(np.uint8)[..., None], 3, axis=2)
    return ObjectCrop(
        rgb, np.where(mask[::2, ::2] > 0, 5, -5).astype(np.float16), mask.astype(np.uint8)
    )


@pytest.mark.parametrize("seed", range(6))
def test_photo_mask_and_truth_of_an_example_show_the_same_place(seed: int) -> None:
    example = make_example(crop_of(disc_with_handle()), np.random.default_rng(seed))
    inside = example.truth[0] > 0.5
    assert example.photo.shape == (3, *SIZES_HW[0])
    bright = example.photo.mean(axis=0) > example.photo.mean()
    assert iou(bright, inside) > 0.7
    assert iou(example.mask_logits[0] > 0, inside) > 0.6


def test_an_example_depends_on_the_seed_alone() -> None:
    crop = crop_of(disc_with_handle())
    first, again, other = (make_example(crop, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.photo, again.photo)
    np.testing.assert_array_equal(first.mask_logits, again.mask_logits)
    assert not np.array_equal(first.photo, other.photo)


def test_the_size_of_an_example_has_the_aspect_ratio_of_its_crop() -> None:
    assert [SIZES_HW[nearest_size(hw)] for hw in ((80, 82), (300, 130), (90, 120))] == [
        (256, 256),
        (256, 128),
        (192, 256),
    ]


def test_undecided_pixels_have_no_weight_and_do_not_count() -> None:
    target = np.zeros((8, 8), np.uint8)
    target[:, 4:] = 1
    target[:, 3:5] = IGNORED
    share, decided = soft_truth(target, (16, 16))
    np.testing.assert_array_equal(np.unique(share[decided]), [0, 1])
    assert not decided[:, 7:9].any()
    assert decided[:, :5].all()


def test_outlines_weigh_more_and_thin_parts_most() -> None:
    weights = pixel_weights(disc_with_handle(256))
    far, outline, handle = weights[5, 5], weights[128, 39], weights[124, 200]
    assert far < outline < handle


def test_damage_takes_thin_parts_and_keeps_the_object() -> None:
    mask = disc_with_handle()
    damaged = [damage(mask, np.random.default_rng(seed)) for seed in range(12)]
    small = mask[::2, ::2] > 0
    overlaps = [iou(logits > 0, small) for logits in damaged]
    assert min(overlaps) > 0.5
    assert max(overlaps) < 1
    handle = [float((logits[46:50, 70:84] > 0).mean()) for logits in damaged]
    assert sum(kept < 0.2 for kept in handle) >= 3
