"""The frame of an exact size: around the subject, or around head and shoulders."""

import numpy as np
import pytest

from segmentation.arrays import BoxXYXY
from segmentation.compositing.backgrounds import Colour, Scene, Transparent
from segmentation.compositing.compose import compose, composed_mask
from segmentation.compositing.crop import Outset, aspect_box
from segmentation.compositing.effects import Shadow
from segmentation.compositing.sizing.frame import (
    HEAD_NOTICES,
    LARGE_HEAD,
    NO_HEAD,
    UNSURE_HEAD,
    Frame,
    find_frame,
    head_box,
    move_box,
)
from segmentation.compositing.sizing.head import Head
from segmentation.compositing.sizing.size import ExactSize, FrameMove, HeadPlacement, LongestSide
from segmentation.errors import ChoiceError
from tests.segmentation.compositing.images import noise, photo
from tests.segmentation.compositing.sizing.test_head import PORTRAIT, SCALE, alpha
from tests.segmentation.compositing.test_crop import alpha_with

ID = ExactSize((413, 295), head=HeadPlacement(0.6, 0.1))


@pytest.mark.parametrize(
    ("box", "aspect", "margin", "expected"),
    [
        ((50, 60, 150, 140), 1, 0, (50, 50, 150, 150)),
        ((50, 60, 150, 140), 1, 0.1, (38, 38, 162, 162)),
        ((50, 60, 150, 140), 0.5, 0.1, (38, -25, 162, 225)),
        ((50, 60, 150, 140), 2, 0, (20, 60, 180, 140)),
        # Where the subject touches the end of the photo, the frame ends there too.
        ((50, 100, 150, 200), 1, 0.2, (17, 34, 183, 200)),
        ((0, 100, 100, 200), 1, 0.2, (0, 75, 125, 200)),
    ],
)
def test_a_frame_has_its_aspect_ratio_and_margin(
    box: BoxXYXY, aspect: float, margin: float, expected: BoxXYXY
) -> None:
    result = aspect_box(alpha_with(box), aspect, margin)
    assert np.abs(np.subtract(result, expected)).max() <= 1, result


def test_a_frame_has_room_for_effects() -> None:
    box = aspect_box(alpha_with((80, 80, 120, 120)), 1, 0, Outset(0, 0, 9, 30))
    assert box == (50, 50, 150, 150)


def test_a_frame_of_too_many_pixels_is_refused() -> None:
    with pytest.raises(ChoiceError, match="closer to the subject's"):
        aspect_box(np.full((16, 20_000), 255, np.uint8), 1, 0)


def test_the_head_has_its_place_in_the_frame() -> None:
    person = np.full((1000, 800), 255, np.uint8)
    frame, as_asked = head_box(person, Head(200, 500, 400), HeadPlacement(0.6, 0.1), 0.8)
    assert as_asked
    # 300 pixels are 60 % of 500; a tenth of that is above the head.
    assert frame == (200, 150, 600, 650)


def test_a_frame_does_not_go_below_the_end_of_the_body() -> None:
    person = np.full((600, 800), 255, np.uint8)
    frame, as_asked = head_box(person, Head(200, 560, 400), HeadPlacement(0.6, 0.2), 0.5)
    assert not as_asked
    assert frame == (275, 100, 525, 600)


def test_head_and_shoulders_are_framed_and_doubt_is_said() -> None:
    person = np.pad(alpha(PORTRAIT), ((0, 200), (0, 0)), mode="edge")
    frame = find_frame(person, Transparent(), size=ID)
    assert frame.size_hw == (413, 295)
    assert frame.box_xyxy[1] / SCALE == pytest.approx(1 - 10 / 0.6 * 0.1, abs=0.4)
    assert not {*frame.notices} & {*HEAD_NOTICES}
    lying = alpha_with((20, 80, 180, 120))
    frame = find_frame(lying, Transparent(), size=ID)
    assert NO_HEAD in frame.notices
    left, top, right, bottom = frame.box_xyxy
    assert (left + right, top + bottom) == pytest.approx((200, 200), abs=1)


def test_a_wide_bust_without_a_known_head_fills_the_height_of_the_frame() -> None:
    # A head that leans on an arm, above a table: no outline of head and shoulders.
    bust = np.maximum(alpha_with((0, 120, 200, 200)), alpha_with((40, 40, 100, 120)))
    frame = find_frame(bust, Transparent(), size=ID)
    left, top, right, bottom = frame.box_xyxy
    assert bottom == 200
    assert (40 - top) / (bottom - top) == pytest.approx(0.1, abs=0.01)
    assert (left + right) / 2 == pytest.approx(70, abs=1), "around what is at the top"
    assert (right - left) / (bottom - top) == pytest.approx(295 / 413, abs=0.01)
    assert NO_HEAD in frame.notices


def test_a_guess_is_framed_and_said() -> None:
    # The photo may cut off the top of this head.
    frame = find_frame(alpha(PORTRAIT)[SCALE:], Transparent(), size=ID)
    assert UNSURE_HEAD in frame.notices
    assert frame.box_xyxy[1] / SCALE == pytest.approx(-10 / 0.6 * 0.1, abs=0.6)


def test_a_photo_that_ends_below_the_chin_is_said() -> None:
    assert LARGE_HEAD in find_frame(alpha(PORTRAIT)[: 15 * SCALE], Transparent(), size=ID).notices


def test_image_and_mask_have_the_size_and_the_background_goes_on() -> None:
    subject = alpha_with((80, 2, 120, 198))
    size = ExactSize((50, 100), margin=0.1)
    result = compose(photo(noise(200, 200)), subject, Colour((9, 8, 7)), (Shadow(),), size=size)
    assert result.shape == (50, 100, 3)
    assert (result[:, [0, -1]] == (9, 8, 7)).all()
    mask = composed_mask(subject, Colour((9, 8, 7)), (Shadow(),), size=size)
    assert mask.shape == (50, 100)
    assert mask[25, 50] == 255
    assert not mask[:, 0].any()


def test_the_longest_side_scales_photo_crop_and_scene() -> None:
    subject, source = alpha_with((50, 60, 150, 140)), photo(noise(200, 200))
    size = LongestSide(100)
    assert compose(source, subject, Transparent(), size=size).shape == (100, 100, 4)
    cropped = compose(source, subject, Transparent(), (), "portrait", size)
    assert cropped.shape == (100, 75, 4)
    scene = Scene(photo(noise(30, 60)))
    assert compose(source, subject, scene, size=size).shape == (50, 100, 3)
    assert composed_mask(subject, scene, size=size).shape == (50, 100)


def test_a_scene_has_no_exact_size() -> None:
    with pytest.raises(ChoiceError, match="Leave out the crop, the exact size"):
        find_frame(alpha_with((50, 60, 150, 140)), Scene(photo(noise(30, 60))), size=ID)


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (FrameMove(), (100, 100, 300, 200)),
        # The subject is twice as large, so the frame is half as large, about the same middle.
        (FrameMove(zoom=2), (150, 125, 250, 175)),
        # The subject goes to the right and up, so the frame goes to the left and down.
        (FrameMove(shift_xy=(0.1, -0.2)), (80, 120, 280, 220)),
        (FrameMove(0.5, (0.25, 0)), (-100, 50, 300, 250)),
    ],
)
def test_a_frame_is_moved_by_hand(move: FrameMove, expected: BoxXYXY) -> None:
    assert move_box((100, 100, 300, 200), move) == expected
    size = ExactSize((20, 40), margin=0, move=move)
    assert find_frame(alpha_with((100, 100, 300, 200), (400, 400)), Transparent(), size=size) == (
        Frame(expected, (20, 40))
    )


def test_a_frame_moved_too_far_is_refused() -> None:
    with pytest.raises(ChoiceError, match=r"shift from -0\.5 to 0\.5"):
        FrameMove(shift_xy=(0, 0.6))
    with pytest.raises(ChoiceError, match="closer to the subject's"):
        move_box((0, 0, 8000, 8000), FrameMove(zoom=0.5))
