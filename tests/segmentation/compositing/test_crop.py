"""The frame of a crop: all of the subject, with a margin."""

import numpy as np
import pytest

from segmentation.arrays import BoxXYXY, SizeHW, UInt8
from segmentation.compositing.crop import CROPS, Crop, Outset, crop_box, crop_image, subject_box
from segmentation.errors import ChoiceError


def alpha_with(box_xyxy: BoxXYXY, size_hw: SizeHW = (200, 200)) -> UInt8:
    alpha = np.zeros(size_hw, np.uint8)
    left, top, right, bottom = box_xyxy
    alpha[top:bottom, left:right] = 255
    return alpha


@pytest.mark.parametrize(
    ("crop", "box", "expected"),
    [
        ("subject", (50, 60, 150, 140), (47, 57, 153, 143)),
        ("square", (50, 60, 150, 140), (42, 42, 158, 158)),
        ("portrait", (50, 60, 150, 140), (42, 22, 158, 177)),
        ("portrait", (90, 50, 110, 150), (56, 42, 143, 158)),
        # Beyond the photo, since the subject does not touch its end.
        ("subject", (1, 1, 101, 199), (-5, -5, 107, 205)),
        ("square", (80, 2, 120, 198), (-14, -14, 214, 214)),
        # Up to the end of the photo, where the subject touches it.
        ("subject", (0, 0, 200, 200), (0, 0, 200, 200)),
        ("subject", (0, 50, 100, 200), (0, 45, 105, 200)),
        ("square", (50, 100, 150, 200), (42, 84, 158, 200)),
        ("square", (0, 0, 50, 50), (0, 0, 54, 54)),
        ("portrait", (50, 100, 150, 200), (42, 45, 158, 200)),
        # A subject from end to end: the frame grows at both ends.
        ("square", (0, 50, 200, 150), (0, 0, 200, 200)),
        ("square", (80, 0, 120, 200), (0, 0, 200, 200)),
    ],
)
def test_a_crop_has_its_margin_and_aspect_ratio(
    crop: Crop, box: BoxXYXY, expected: BoxXYXY
) -> None:
    result = crop_box(alpha_with(box), crop)
    assert np.abs(np.subtract(result, expected)).max() <= 1, result


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("box", [(50, 60, 150, 140), (0, 3, 20, 190), (30, 199, 40, 200)])
def test_a_crop_contains_the_subject_and_its_effects(crop: Crop, box: BoxXYXY) -> None:
    left, top, right, bottom = crop_box(alpha_with(box), crop, Outset(3, 5, 20, 30))
    assert left <= (box[0] - 3 if box[0] else 0)
    assert top <= (box[1] - 5 if box[1] else 0)
    assert right >= (box[2] + 20 if box[2] < 200 else 200)
    assert bottom >= (box[3] + 30 if box[3] < 200 else 200)
    if crop == "square":
        assert right - left == bottom - top
    if crop == "portrait":
        assert right - left == pytest.approx((bottom - top) * 3 / 4, abs=1)


def test_a_square_is_centred_on_the_subject_whatever_its_shadow() -> None:
    left, top, right, bottom = crop_box(
        alpha_with((80, 70, 120, 130)), "square", Outset(0, 0, 9, 9)
    )
    assert (left + right, top + bottom) == (200, 200)


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("value", [0, 10])
def test_without_a_subject_the_whole_photo_stays(crop: Crop, value: int) -> None:
    alpha = np.full((30, 40), value, np.uint8)
    assert crop_box(alpha, crop) == (0, 0, 40, 30)
    assert subject_box(alpha) is None


def test_nearly_transparent_pixels_do_not_belong_to_the_subject() -> None:
    alpha = alpha_with((50, 60, 150, 140))
    alpha[5, 195] = 10
    assert subject_box(alpha) == (50, 60, 150, 140)


def test_a_crop_of_too_many_pixels_is_refused() -> None:
    with pytest.raises(ChoiceError, match="20000 x 20000 pixels"):
        crop_box(np.full((16, 20_000), 255, np.uint8), "square")


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 0, 3, 2), [[1, 2, 3], [4, 5, 6]]),
        ((1, 1, 2, 2), [[5]]),
        ((-1, 1, 2, 3), [[0, 4, 5], [0, 0, 0]]),
        ((2, -1, 4, 1), [[0, 0], [3, 0]]),
        ((5, 5, 6, 7), [[0], [0]]),
        ((-3, -3, -1, -2), [[0, 0]]),
    ],
)
def test_a_cropped_image_is_zero_beyond_the_original(
    box: BoxXYXY, expected: list[list[int]]
) -> None:
    image = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    np.testing.assert_array_equal(crop_image(image, box), expected)
    np.testing.assert_array_equal(crop_image(np.dstack([image] * 3), box)[..., 2], expected)
