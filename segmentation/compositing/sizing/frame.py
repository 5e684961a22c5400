"""The part of the photo that a result shows: the photo's frame, a crop, or an exact size."""

from dataclasses import dataclass

import numpy as np

from segmentation.arrays import BoxXYXY, SizeHW, UInt8
from segmentation.compositing.backgrounds import Background
from segmentation.compositing.crop import (
    Crop,
    aspect_box,
    check_box,
    crop_box,
    subject_box,
    subject_size,
)
from segmentation.compositing.effects import Effects, effects_outset
from segmentation.compositing.sizing.head import Head, find_head
from segmentation.compositing.sizing.size import (
    ExactSize,
    FrameMove,
    HeadPlacement,
    OutputSize,
    enlargement_notices,
    scaled_hw,
)
from segmentation.errors import ChoiceError
from segmentation.i18n import Text

# A head larger than its format asks for by less than this is accepted.
NOTABLE_HEAD = 1.03

NO_HEAD = Text(
    "Head and shoulders could not be recognised, so the frame follows the subject's outline "
    "instead. Check the result, or use a photo from the front with the shoulders in it.",
    "未能识别头部和肩膀，已改按主体轮廓取景。请检查结果，或换一张包含肩部的正面照片。",
)
UNSURE_HEAD = Text(
    "Head and shoulders are not clearly outlined, so their place is an estimate. Check the result.",
    "头部和肩膀的轮廓不够清晰，画面位置为估计结果，请检查。",
)
LARGE_HEAD = Text(
    "The photo shows too little below the head for this format, so the head is larger than the "
    "format asks for. Use a photo that shows more of the chest.",
    "照片在头部以下的部分太少，头部会比该规格要求的大。请换用露出更多上半身的照片。",
)
HEAD_NOTICES = (NO_HEAD, UNSURE_HEAD, LARGE_HEAD)


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of a result.

    Attributes:
        box_xyxy: in pixels of the photo; it may reach beyond the photo.
        size_hw: height and width of the result, to which the box is scaled.
        notices: what a person should know about the frame.
    """

    box_xyxy: BoxXYXY
    size_hw: SizeHW
    notices: tuple[Text, ...] = ()


def follows_subject(crop: Crop | None, size: OutputSize | None) -> bool:
    """Whether the frame of a result depends on where the subject lies."""
    return crop is not None or isinstance(size, ExactSize)


def whole_frame(photo_hw: SizeHW, background: Background, size: OutputSize | None) -> Frame:
    """The frame of a result that shows all of the photo, or a background with its own frame.

    Args:
        photo_hw: height and width of the photo.
        background, size: as for `compose`.
    """
    box = 0, 0, photo_hw[1], photo_hw[0]
    return _scale_frame(box, background.own_frame_hw or photo_hw, size, ())


def find_frame(
    alpha: UInt8,
    background: Background,
    effects: Effects = (),
    crop: Crop | None = None,
    size: OutputSize | None = None,
) -> Frame:
    """Find the frame of a result; arguments and errors as of `compose`.

    Without crop and exact size it is that of `whole_frame`.
    """
    if background.has_own_frame and follows_subject(crop, size):
        raise ChoiceError(
            "Objects placed in another photo use its frame. Leave out the crop, the exact size or "
            "the place.",
            "放入另一张照片的物体使用那张照片的画面，请去掉裁剪、指定尺寸或放置选项。",
        )
    notices: tuple[Text, ...] = ()
    if isinstance(size, ExactSize):
        box, notices = _exact_box(alpha, effects, size)
        box = move_box(box, size.move)
    elif crop:
        box = crop_box(alpha, crop, effects_outset(effects, subject_size(alpha)))
    else:
        return whole_frame((alpha.shape[0], alpha.shape[1]), background, size)
    return _scale_frame(box, (box[3] - box[1], box[2] - box[0]), size, notices)


def head_box(
    alpha: UInt8, head: Head, placement: HeadPlacement, aspect: float
) -> tuple[BoxXYXY, bool]:
    """Frame head and shoulders.

    Where the photo ends below the shoulders, the frame ends there too: the body would float.

    Args:
        alpha: uint8 (H, W).
        head: found in it.
        placement: where the head belongs in the frame.
        aspect: of the frame, width over height.

    Returns:
        The frame, which may reach beyond the photo at the top and the sides; and whether the head
        has the size that it should have.
    """
    wanted = head.height / placement.height
    box = subject_box(alpha)
    below = (box[3] if box else alpha.shape[0]) - head.top
    height = min(wanted, below / (1 - placement.top_margin))
    top = round(head.top - placement.top_margin * height)
    left = round(head.centre_x - height * aspect / 2)
    frame = left, top, left + round(height * aspect), top + round(height)
    return frame, wanted <= NOTABLE_HEAD * height


def move_box(box_xyxy: BoxXYXY, move: FrameMove) -> BoxXYXY:
    """Move and scale a frame about its middle, as a person asks for; its aspect ratio stays.

    Returns:
        The frame, which may reach beyond the photo on all sides.

    Raises:
        ChoiceError: the frame would be too large.
    """
    if move == FrameMove():
        return box_xyxy
    left, top, right, bottom = box_xyxy
    width, height = (right - left) / move.zoom, (bottom - top) / move.zoom
    start_x = round((left + right) / 2 - (0.5 + move.shift_xy[0]) * width)
    start_y = round((top + bottom) / 2 - (0.5 + move.shift_xy[1]) * height)
    box = start_x, start_y, start_x + max(1, round(width)), start_y + max(1, round(height))
    check_box(box)
    return box


def _scale_frame(
    box_xyxy: BoxXYXY, frame_hw: SizeHW, size: OutputSize | None, notices: tuple[Text, ...]
) -> Frame:
    """Join a box with the size to which a frame of `frame_hw` is scaled."""
    if size is None:
        return Frame(box_xyxy, frame_hw, notices)
    size_hw = scaled_hw(size, frame_hw)
    return Frame(box_xyxy, size_hw, (*notices, *enlargement_notices(frame_hw, size_hw)))


def _exact_box(alpha: UInt8, effects: Effects, size: ExactSize) -> tuple[BoxXYXY, tuple[Text, ...]]:
    aspect = size.size_hw[1] / size.size_hw[0]
    head = find_head(alpha) if size.head else None
    if size.head and head:
        box, as_asked = head_box(alpha, head, size.head, aspect)
        notices = () if head.is_certain else (UNSURE_HEAD,)
        return box, notices if as_asked else (*notices, LARGE_HEAD)
    outset = effects_outset(effects, subject_size(alpha))
    bust = _bust_box(alpha, size.head, aspect) if size.head else None
    around = bust or aspect_box(alpha, aspect, size.margin, outset)
    return around, (NO_HEAD,) if size.head else ()


def _bust_box(alpha: UInt8, placement: HeadPlacement, aspect: float) -> BoxXYXY | None:
    """Frame a person without a known head whom the photo shows down to its lower end.

    The frame of all of a wide subject would be half empty. This one reaches from above the subject
    to the end of the photo, around the middle of the subject's upper third.

    Returns:
        None if the subject ends before the photo, or is narrower than this frame.
    """
    left, top, right, bottom = subject_box(alpha) or (0, 0, 0, 0)
    height = (bottom - top) / (1 - placement.top_margin)
    if bottom < alpha.shape[0] or right - left <= height * aspect:
        return None
    upper = alpha[top : top + max(1, (bottom - top) // 3)].sum(axis=0, dtype=np.float64)
    middle = float(np.average(np.arange(len(upper)) + 0.5, weights=upper))
    start = round(middle - height * aspect / 2)
    return start, bottom - round(height), start + round(height * aspect), bottom
