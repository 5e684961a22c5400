"""Training photos made small enough to carry to another machine."""

from pathlib import Path

import numpy as np

from convert.compact.__main__ import main
from convert.compact.data import IGNORED, OPAQUE, Sample, decode, read_samples
from convert.compact.pack import LONGEST_SIDE, pack_sample, parts
from tests.convert.compact.drawn_photos import encoded


def test_packed_photos_train_like_the_originals(training_data: Path, tmp_path: Path) -> None:
    assert main(["pack", "--data", str(training_data), "-o", str(tmp_path)]) == 0
    originals, packed = read_samples([training_data]), read_samples([tmp_path / "part0"])
    for original, copy in zip(originals, packed, strict=True):
        assert (copy.source, copy.labels) == (original.source, original.labels)
        photo, packed_photo = decode(original), decode(copy)
        assert photo.ids is not None
        np.testing.assert_array_equal(packed_photo.ids, photo.ids)
        assert np.abs(packed_photo.rgb.astype(int) - photo.rgb).mean() < 4


def test_a_large_photo_is_reduced_and_keeps_its_ignored_pixels() -> None:
    ids = np.zeros((600, 1000), np.uint8)
    ids[100:500, 200:800] = 1
    ids[:50] = IGNORED
    photo = encoded(np.zeros((600, 1000, 3), np.uint8))
    alpha = np.where(ids == 1, np.uint8(OPAQUE), ids)
    packed = decode(pack_sample(Sample("drawn", "1", photo, encoded(ids), (6,), encoded(alpha))))
    assert max(packed.rgb.shape) == LONGEST_SIDE
    for reduced, original, inside in ((packed.ids, ids, 1), (packed.alpha, alpha, OPAQUE)):
        assert reduced is not None
        assert reduced.shape == packed.rgb.shape[:2]
        for value in (inside, IGNORED):
            assert np.isclose((reduced == value).mean(), (original == value).mean(), atol=0.01)


def test_parts_are_filled_in_order_up_to_their_size() -> None:
    samples = [Sample("drawn", "1", bytes(600), bytes(10), (index,)) for index in range(5)]
    # Two blocks of content and a header for each photo; one block and a header for its ids.
    sizes = [len(part) for part in parts(samples, 2 * 5 * 512)]
    assert sizes == [2, 2, 1]
    assert [sample for part in parts(samples, 2 * 5 * 512) for sample in part] == samples


def test_packed_opacity_is_rounded_and_its_ends_stay() -> None:
    alpha = np.array([[0, 5, 100, OPAQUE, IGNORED]], np.uint8).repeat(4, axis=0)
    photo = encoded(np.zeros((4, 5, 3), np.uint8))
    packed = decode(pack_sample(Sample("drawn", "1", photo, None, alpha=encoded(alpha))))
    assert packed.alpha is not None
    assert packed.alpha[0].tolist() == [0, 0, 96, OPAQUE, IGNORED]
