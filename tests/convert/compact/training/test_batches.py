"""The sequence of training batches."""

from pathlib import Path

import numpy as np
import torch

from convert.compact.data import read_samples
from convert.compact.training.batches import LATE_SIZES, BatchDataset, batches_from


def test_a_batch_depends_on_the_seed_and_the_index_only(training_data: Path) -> None:
    samples = read_samples([training_data])
    first, again, other_seed, other_index = (
        BatchDataset(samples, seed, 4, 64)[index, False]
        for seed, index in ((0, 5), (0, 5), (1, 5), (0, 6))
    )
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.masks, again.masks)
    for different in (other_seed, other_index):
        same_shape = different.pixels.shape == first.pixels.shape
        assert not (same_shape and torch.equal(different.pixels, first.pixels))


def test_late_batches_have_the_sizes_of_the_product_and_larger_ones(training_data: Path) -> None:
    dataset = BatchDataset(read_samples([training_data]), 0, 1)
    early, late = (
        {tuple(dataset[index, is_late].pixels.shape[2:]) for index in range(12)}
        for is_late in (False, True)
    )
    assert late <= set(LATE_SIZES)
    assert not early <= set(LATE_SIZES)
    assert {max(size_hw) for size_hw in late} == {384, 448, 512}
    pixel_values = dataset[0, True].pixel_values
    assert -1 <= pixel_values.min() < -0.3
    assert 0.3 < pixel_values.max() <= 1


def test_larger_photos_are_fewer_in_a_batch(training_data: Path) -> None:
    dataset = BatchDataset(read_samples([training_data]), 0, 12, 64)
    batches = [dataset[index, is_late] for index in range(6) for is_late in (False, True)]
    areas = [batch.pixels[0, 0].numel() for batch in batches]
    assert max(areas) > 2 * min(areas)
    for batch, area in zip(batches, areas, strict=True):
        assert abs(len(batch.counts) * area - 12 * (320 / 6) ** 2) <= area / 2


def test_late_photos_have_fewer_pasted_instances(training_data: Path) -> None:
    dataset = BatchDataset(read_samples([training_data]), 0, 40, 64)
    early, late = (
        float(
            np.mean([count > 1 for index in range(4) for count in dataset[index, is_late].counts])
        )
        for is_late in (False, True)
    )
    assert early > 0.25, "of 0.45, some would hide another instance"
    assert 0 < late < early / 2


def test_the_instances_of_a_photo_stay_together(training_data: Path) -> None:
    batch = BatchDataset(read_samples([training_data]), 0, 8, 64)[0, False]
    assert len(batch.counts) == len(batch.pixels)
    for photo, masks, labels in zip(
        batch.pixel_values, batch.masks_by_photo, batch.labels_by_photo, strict=True
    ):
        assert len(masks) == len(labels)
        for mask in masks:
            assert photo[:, mask].mean() > photo.mean(), "a square is brighter than its photo"


def test_each_batch_asks_whether_it_is_late(training_data: Path) -> None:
    dataset = BatchDataset(read_samples([training_data]), 0, 1)
    answers = iter([False, True, *[False] * 20])
    batches = batches_from(dataset, 7, lambda: next(answers), workers=2)
    for index, is_late in ((7, False), (8, True)):
        batch, expected = next(batches), dataset[index, is_late]
        assert batch.index == index
        assert torch.equal(batch.pixels, expected.pixels)
