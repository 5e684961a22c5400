"""The size of a result in pixels, and scaling to it."""

import re
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.arrays import Float32, SizeHW, UInt8
from segmentation.errors import ChoiceError
from segmentation.i18n import Text

UInt16 = npt.NDArray[np.uint16]

MILLIMETRES_PER_INCH = 25.4
# For sizes in millimetres or inches: the density at which photos are printed.
DEFAULT_DPI = 300
MIN_DPI, MAX_DPI = 30, 1200
MIN_SIDE, MAX_SIDE = 16, 10_000
MAX_MARGIN = 0.4
DEFAULT_MARGIN = 0.08
# A result enlarged by less than this is as sharp as the photo.
NOTABLE_ENLARGEMENT = 1.05


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

    Raises:
        ChoiceError: a side or the margin is out of range.
    """

    size_hw: SizeHW
    margin: float = DEFAULT_MARGIN
    head: HeadPlacement | None = None

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
    light = _to_light()[image[..., :3]]
    if image.shape[2] == 3:
        return _from_light(_resize(light, size_hw).astype(np.float32) / np.float32(65535))
    alpha = image[..., 3]
    # A product of 16 and 8 bits does not fit into 16 bits; cv2 divides before it rounds.
    weighted = np.asarray(
        cv2.multiply(light, cv2.merge([alpha] * 3), scale=1 / 255, dtype=cv2.CV_16U), np.uint16
    )
    scaled_alpha = _resize(alpha.astype(np.uint16) * 257, size_hw).astype(np.float32)
    weights = np.maximum(scaled_alpha, np.float32(1))[..., None]
    colours = np.asarray(_resize(weighted, size_hw) / weights, np.float32)
    rounded_alpha = np.rint(scaled_alpha / 257).astype(np.uint8)
    return np.dstack([_from_light(colours), rounded_alpha])


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


def _from_light(light: Float32) -> UInt8:
    """The 8-bit sRGB values of light, 0..1, of any shape; IEC 61966-2-1."""
    light = np.clip(light, 0, 1)
    value = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(value * 255), np.uint8)


def _check_side(side: int) -> None:
    if not MIN_SIDE <= side <= MAX_SIDE:
        raise ChoiceError(
            f"A side of a result has {MIN_SIDE} to {MAX_SIDE} pixels, not {side}.",
            f"结果的每边须为 {MIN_SIDE} 到 {MAX_SIDE} 像素，不能是 {side}。",
        )
