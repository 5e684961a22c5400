"""Crops with the bundled model's masks beside the true ones."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.compact.data import IGNORED, Sample, encode_image
from convert.compact.refiner.crops import is_held_out, make_crops, read_or_make_crops
from segmentation import Segmenter, find_model, read_photo
from tests.paths import EXAMPLES


@pytest.fixture(scope="module")
def segmenter() -> Iterator[Segmenter]:
    segmenter = Segmenter(find_model("compact"))
    yield segmenter
    segmenter.close()


@pytest.fixture(scope="module")
def sample(segmenter: Segmenter) -> Sample:
    """A real photo; the ids are the model's own mask of the cat, with an undecided row."""
    photo = read_photo(EXAMPLES / "chelsea.png")
    segmentation, _ = segmenter.segment(photo)
    mask = segmentation.mask_logits([1]) > 0
    ids = np.asarray(Image.fromarray(mask.astype(np.uint8)).resize(photo.hw[::-1]))
    ids = ids.copy()
    ids[photo.hw[0] // 2] = IGNORED
    return Sample(
        "cats", "chelsea", encode_image(photo.rgb, "webp"), encode_image(ids, "png"), (1,)
    )


def test_a_crop_shows_an_annotated_object_with_the_models_mask(
    sample: Sample, segmenter: Segmenter, tmp_path: Path
) -> None:
    (crop,) = read_or_make_crops(tmp_path / "crops", sample, segmenter)
    assert set(np.unique(crop.target)) == {0, 1, IGNORED}
    assert crop.rgb.shape == (*crop.target.shape, 3)
    rows = np.arange(crop.mask_logits.shape[0]) * crop.target.shape[0] // crop.mask_logits.shape[0]
    columns = (
        np.arange(crop.mask_logits.shape[1]) * crop.target.shape[1] // crop.mask_logits.shape[1]
    )
    assert ((crop.target[np.ix_(rows, columns)] == 1) == (crop.mask_logits > 0)).mean() > 0.9
    (again,) = read_or_make_crops(tmp_path / "crops", sample, segmenter)
    for name in ("rgb", "mask_logits", "target"):
        np.testing.assert_array_equal(getattr(again, name), getattr(crop, name))


def test_objects_that_the_model_does_not_find_have_no_crop(
    sample: Sample, segmenter: Segmenter
) -> None:
    assert sample.ids is not None
    with Image.open(io.BytesIO(sample.ids)) as image:
        corner = np.zeros((image.height, image.width), np.uint8)
    corner[:60, :60] = 1
    elsewhere = Sample("cats", "corner", sample.photo, encode_image(corner, "png"), (1,))
    assert not list(make_crops(elsewhere, segmenter))
    assert not list(make_crops(Sample("cats", "none", sample.photo, None), segmenter))


def test_about_a_tenth_of_the_photos_is_kept_apart() -> None:
    kept = [is_held_out(Sample("cats", str(index), b"", None)) for index in range(1000)]
    assert 70 < sum(kept) < 130
