"""The size of a result in pixels, and scaling to it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import SizeHW, UInt8
from segmentation.errors import ChoiceError
from segmentation.i18n import Text

UInt16 = npt.NDArray[np.uint16]

MILLIMETRES_PER_INCH = 25.4
# For sizes in millimetres or inches: the density at which photos are printed.
DEFAULT_DPI = 300
MIN_DPI, MAX_DPI = 30, 1200
# A square of the longest side has 49 megapixels, nearly as many as the largest photo.
MIN_SIDE, MAX_SIDE = 16, 7_000
MAX_MARGIN = 0.4
DEFAULT_MARGIN = 0.08
MIN_ZOOM, MAX_ZOOM = 0.5, 2.0
MAX_SHIFT = 0.5
# A result enlarged by less than this is as sharp as the photo.
NOTABLE_ENLARGEMENT = 1.05
# Rows that are computed at a time.
STRIP_ROWS = 256


@dataclass(frozen=True, slots=True)
class HeadPlacement:
    """Where a format of ID photos wants the head, as shares of the result's height.

    Attributes:
        height: from the chin to the top of the head.
        top_margin: above the head.
    """

    height: float
    top_margin: float


@dataclass(frozen=True, slots=True)
class FrameMove:
    """A correction of a frame by hand.

    Attributes:
        zoom: size of the subject in the frame, as a factor.
        shift_xy: of the subject in the frame, to the right and down, as shares of the frame.

    Raises:
        ChoiceError: zoom or shift is out of range.
    """

    zoom: float = 1.0
    shift_xy: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        in_range = all(-MAX_SHIFT <= shift <= MAX_SHIFT for shift in self.shift_xy)
        if not (MIN_ZOOM <= self.zoom <= MAX_ZOOM and in_range):
            raise ChoiceError(
                f"The zoom of a frame goes from {MIN_ZOOM:g} to {MAX_ZOOM:g}, and its shift from "
                f"{-MAX_SHIFT:g} to {MAX_SHIFT:g}.",
                f"画面缩放范围为 {MIN_ZOOM:g} 到 {MAX_ZOOM:g}，"
                f"移动范围为 {-MAX_SHIFT:g} 到 {MAX_SHIFT:g}。",
            )


@dataclass(frozen=True, slots=True)
class LongestSide:
    """A size with a fixed longer side; the aspect ratio stays.

    Attributes:
        side: in pixels.

    Raises:
        ChoiceError: the side is out of range.
    """

    side: int

    def __post_init__(self) -> None:
        _check_side(self.side)


@dataclass(frozen=True, slots=True)
class ExactSize:
    """A fixed width and height. The frame has their aspect ratio, around the subject.

    Attributes:
        size_hw: height and width in pixels.
        margin: least space on each side of the subject, as a share of the frame's width or height.
        head: frames a person's head and shoulders instead, if the head is found.
        move: corrects the frame by hand.

    Raises:
        ChoiceError: a side or the margin is out of range.
    """

    size_hw: SizeHW
    margin: float = DEFAULT_MARGIN
    head: HeadPlacement | None = None
    move: FrameMove = FrameMove()

    def __post_init__(self) -> None:
        for side in self.size_hw:
            _check_side(side)
        if not 0 <= self.margin <= MAX_MARGIN:
            raise ChoiceError(
                f"The margin goes from 0 % to {MAX_MARGIN:.0%} of the frame.",
                f"留边范围为画面的 0% 到 {MAX_MARGIN:.0%}。",
            )


OutputSize = LongestSide | ExactSize


def scaled_hw(size: OutputSize, frame_hw: SizeHW) -> SizeHW:
    """Return height and width of the result, from those of a frame of the photo."""
    match size:
        case LongestSide(side):
            scale = side / max(frame_hw)
            return max(1, round(frame_hw[0] * scale)), max(1, round(frame_hw[1] * scale))
        case ExactSize(size_hw):
            return size_hw


def check_dpi(dpi: float) -> None:
    """Check the dots per inch of a result.

    Raises:
        ChoiceError: they are out of range.
    """
    if not MIN_DPI <= dpi <= MAX_DPI:
        raise ChoiceError(
            f"dpi goes from {MIN_DPI} to {MAX_DPI}.", f"dpi 范围为 {MIN_DPI} 到 {MAX_DPI}。"
        )


def check_frame(size: OutputSize | None, sheet: bool, cropped: bool) -> None:
    """Check that a size goes together with a crop and a sheet.

    Raises:
        ChoiceError: an exact size comes with a crop, or a sheet without an exact size.
    """
    exact = isinstance(size, ExactSize)
    if exact and cropped:
        raise ChoiceError(
            "An exact size has a frame of its own. Leave out the crop.",
            "指定尺寸时画面由尺寸决定，请去掉裁剪。",
        )
    if sheet and not exact:
        raise ChoiceError(
            "A sheet needs the exact size of a photo, such as 295x413.",
            "排版需要指定照片的尺寸，例如 295x413。",
        )


def parse_size(text: str, dpi: float = DEFAULT_DPI) -> SizeHW:
    """Read a size written as WIDTHxHEIGHT, in pixels, or with mm or in after it.

    Args:
        text: such as 295x413, 35x45mm or 2x2in.
        dpi: of sizes in millimetres or inches.

    Returns:
        Height and width in pixels.

    Raises:
        ChoiceError: the text has another form.
    """
    number = r"(\d{1,5}(?:\.\d+)?)"
    match = re.fullmatch(rf"{number}\s*[x×*]\s*{number}\s*(px|mm|in)?", text.strip().lower())
    if match is None:
        raise ChoiceError(
            f"{text[:20]!r} is not a size. Write it like 295x413, 35x45mm or 2x2in.",
            f"{text[:20]!r} 不是尺寸，请写成 295x413、35x45mm 或 2x2in 的形式。",
        )
    per_unit = {"mm": dpi / MILLIMETRES_PER_INCH, "in": dpi}.get(match[3], 1.0)
    width, height = (round(float(side) * per_unit) for side in match.group(1, 2))
    return height, width


def enlargement_notices(frame_hw: SizeHW, size_hw: SizeHW) -> tuple[Text, ...]:
    """Say that a frame of the photo has fewer pixels than the result, if it has."""
    scale = max(size_hw[0] / frame_hw[0], size_hw[1] / frame_hw[1])
    if scale < NOTABLE_ENLARGEMENT:
        return ()
    return (
        Text(
            f"The photo was enlarged {scale:.1f} times for this size and is less sharp. Use a "
            "larger photo, or a smaller size.",
            f"照片放大了 {scale:.1f} 倍才达到这个尺寸，清晰度会下降。"
            "请换用更大的照片或更小的尺寸。",
        ),
    )


def scale_image(image: UInt8, size_hw: SizeHW) -> UInt8:
    """Scale an image. Means are taken of light, not of sRGB values, and weighted by opacity.

    Mean sRGB values would darken fine detail (Poynton, "Gamma FAQ", "linear-light").

    Args:
        image: uint8 (H, W) mask, (H, W, 3) RGB or (H, W, 4) RGBA with straight alpha.
        size_hw: height and width of the result.

    Returns:
        uint8 of the same channels; `image` itself if it has that size already.
    """
    if image.shape[:2] == size_hw:
        return image
    if image.ndim == 2:
        return np.asarray(_resize(image, size_hw), np.uint8)
    light, from_light = _to_light(), _from_light()
    if image.shape[2] == 3:
        return np.asarray(from_light[_resize(light[image], size_hw)], np.uint8)
    weighted = np.empty((*image.shape[:2], 3), np.uint16)
    for rows in _strips(image):
        alpha = image[rows, :, 3:].astype(np.uint32)
        weighted[rows] = (light[image[rows, :, :3]] * alpha + 127) // 255
    scaled = _resize(weighted, size_hw)
    scaled_alpha = _resize(image[..., 3].astype(np.uint16) * 257, size_hw)
    result = np.empty((*size_hw, 4), np.uint8)
    for rows in _strips(result):
        weight = scaled_alpha[rows].astype(np.float32)[..., None]
        unweighted = np.minimum(scaled[rows] / np.maximum(weight, np.float32(1)), 1)
        result[rows, :, :3] = from_light[np.rint(unweighted * 65535).astype(np.uint16)]
        result[rows, :, 3:] = np.rint(weight / 257)
    return result


def _strips(image: UInt8) -> Iterator[slice]:
    """Yield the rows of an image a few at a time: floats of all of it would take gigabytes."""
    for start in range(0, image.shape[0], STRIP_ROWS):
        yield slice(start, start + STRIP_ROWS)


def _resize(image: UInt8 | UInt16, size_hw: SizeHW) -> npt.NDArray[Any]:
    height, width = size_hw
    smaller = height * width < image.shape[0] * image.shape[1]
    # Linear when enlarging: cubic overshoots at edges.
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation))


def _to_light() -> UInt16:
    """The light of each 8-bit sRGB value, uint16 (256,); IEC 61966-2-1."""
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.rint(light * 65535), np.uint16)


def _from_light() -> UInt8:
    """The 8-bit sRGB value of each 16-bit light, uint8 (65536,); IEC 61966-2-1."""
    light = np.arange(65536) / 65535
    value = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(value * 255), np.uint8)


def _check_side(side: int) -> None:
    if not MIN_SIDE <= side <= MAX_SIDE:
        raise ChoiceError(
            f"A side of a result has {MIN_SIDE} to {MAX_SIDE} pixels, not {side}.",
            f"结果的每边须为 {MIN_SIDE} 到 {MAX_SIDE} 像素，不能是 {side}。",
        )
