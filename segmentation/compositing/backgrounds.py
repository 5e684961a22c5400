"""What stands behind the chosen objects."""

import re
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, UInt8
from segmentation.errors import ChoiceError
from segmentation.image.photo import Photo

Fit = Literal["cover", "contain"]

# Blur of the photo's own background, as a share of its longest side: a lens wide open.
BLUR_SHARE = 0.02
# Longest side of the copy of a picture that fills the space it leaves in the frame.
FILL_SIDE = 24
# Its blur in its own pixels: without it they would show as blocks.
FILL_SIGMA = 2


@dataclass(frozen=True, slots=True)
class Transparent:
    """No background: the result has an alpha channel."""


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour, as 8-bit red, green, blue."""

    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Gradient:
    """One colour at the top, another at the bottom, even steps of 8-bit values between."""

    top_rgb: tuple[int, int, int]
    bottom_rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Blurred:
    """The photo's own background, out of focus."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Another photo in the frame of the first.

    Attributes:
        photo: the other photo.
        fit: "cover" fills the frame and cuts the sides that stick out; "contain" shows all of it,
            and fills what is left with its own colours, far out of focus.
    """

    photo: Photo
    fit: Fit = "cover"


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Another photo in which the objects are placed: the result has that photo's size.

    Attributes:
        photo: the other photo.
        scale: size of the objects; at 1 they just fit into it.
        position_xy: where their middle lies, as shares of its width and height.

    Raises:
        ChoiceError: a scale beyond 0..3, or a position beyond 0..1.
    """

    photo: Photo
    scale: float = 0.7
    position_xy: tuple[float, float] = (0.5, 0.6)

    def __post_init__(self) -> None:
        if not (0 < self.scale <= 3 and all(0 <= share <= 1 for share in self.position_xy)):
            raise ChoiceError(
                "Objects are placed by a scale above 0, up to 3, and a position from 0 to 1.",
                "放置物体时，缩放须大于 0 且不超过 3，位置须在 0 到 1 之间。",
            )


Background = Transparent | Colour | Gradient | Blurred | Picture | Scene


def parse_colour(text: str) -> Colour:
    """The colour written as #RRGGBB or #RGB, or as the rgb(a) form that browsers send.

    Raises:
        ChoiceError: it is neither.
    """
    text = text.strip()
    if re.fullmatch(r"#([0-9a-fA-F]{3}){1,2}", text):
        digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
        red, green, blue = (int(digits[i : i + 2], 16) for i in (0, 2, 4))
        return Colour((red, green, blue))
    number = r"(\d+(?:\.\d+)?)"
    if match := re.fullmatch(rf"rgba?\({number}, *{number}, *{number}(?:, *{number})?\)", text):
        red, green, blue = (min(255, round(float(value))) for value in match.groups()[:3])
        return Colour((red, green, blue))
    raise ChoiceError(
        f"{text[:20]} is not a colour. Write it like #FFFFFF.",
        f"{text[:20]} 不是颜色。请写成 #FFFFFF 的形式。",
    )


def parse_background(text: str) -> Background | None:
    """The background that words name: transparent, blur, #RRGGBB or gradient:#RRGGBB,#RRGGBB.

    Returns:
        None if they name none of these; they may name a photo, where that is allowed.

    Raises:
        ChoiceError: a colour is none.
    """
    match text:
        case "transparent":
            return Transparent()
        case "blur":
            return Blurred()
        case _ if text.startswith("#"):
            return parse_colour(text)
        case _ if text.startswith("gradient:"):
            return _parse_gradient(text.removeprefix("gradient:"))
        case _:
            return None


def parse_backdrop(photo: Photo, fit: Fit, place: str | None) -> Background:
    """The background that another photo makes.

    Args:
        photo: the other photo.
        fit: how it fills the frame, if the objects are not placed in it.
        place: SCALE,X,Y puts the objects into it.

    Raises:
        ChoiceError: a place is not three numbers, or beyond what `Scene` allows.
    """
    if place is None:
        return Picture(photo, fit)
    try:
        scale, x, y = (float(number) for number in place.split(","))
    except ValueError as error:
        raise ChoiceError(
            "A place is three numbers: scale, x and y, such as 0.5,0.3,0.7.",
            "位置需要三个数：缩放、横、纵，例如 0.5,0.3,0.7。",
        ) from error
    return Scene(photo, scale, (x, y))


def gradient(
    top_rgb: tuple[int, int, int], bottom_rgb: tuple[int, int, int], hw: tuple[int, int]
) -> UInt8:
    """A vertical gradient uint8 (H, W, 3)."""
    rows = np.rint(np.linspace(top_rgb, bottom_rgb, hw[0])).astype(np.uint8)
    return np.repeat(rows[:, None], hw[1], axis=1)


def blurred(rgb: UInt8, alpha: UInt8, box_xyxy: BoxXYXY) -> UInt8:
    """A box of the photo out of focus, its background spread in under the objects so none glows.

    Args:
        rgb: uint8 (H, W, 3).
        alpha: uint8 (H, W), the objects' opacity.
        box_xyxy: in its pixels; beyond the photo's end the background is mirrored.
    """
    height, width = alpha.shape
    sigma = BLUR_SHARE * max(height, width)
    # A blur this wide shows nothing finer than sigma: a copy with sigma of 4 pixels is enough.
    scale = min(1.0, 4 / sigma)
    small_wh = max(1, round(width * scale)), max(1, round(height * scale))
    image = cv2.resize(rgb, small_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
    # Only what no object touches: a pixel of both would spread the object's colour as a glow.
    covered = cv2.resize(alpha, small_wh, interpolation=cv2.INTER_AREA)
    weight = (covered == 0).astype(np.float32)[..., None]
    small_sigma = sigma * scale
    total = cv2.GaussianBlur(np.dstack([image * weight, weight]), (0, 0), small_sigma)
    # Deep inside a large object no background is in reach; the blurred photo stands in there.
    fallback = cv2.GaussianBlur(image, (0, 0), small_sigma)
    known = total[..., 3:]
    spread = (total[..., :3] + 1e-3 * fallback) / (known + 1e-3)
    levels = np.rint(np.clip(spread, 0, 255)).astype(np.uint8)
    return _enlarged_box(levels, (height, width), box_xyxy)


def fitted(rgb: UInt8, hw: tuple[int, int], fit: Fit) -> UInt8:
    """A picture in the middle of a frame of another size (see `Picture`), uint8 (H, W, 3)."""
    if fit == "cover":
        return _cover(rgb, hw)
    shrink = FILL_SIDE / max(hw)
    small_hw = max(1, round(hw[0] * shrink)), max(1, round(hw[1] * shrink))
    small = cv2.GaussianBlur(_cover(rgb, small_hw), (0, 0), FILL_SIGMA)
    filled = cv2.resize(small, hw[::-1], interpolation=cv2.INTER_CUBIC)
    scale = min(hw[0] / rgb.shape[0], hw[1] / rgb.shape[1])
    height, width = (
        max(1, min(round(s * scale), most)) for s, most in zip(rgb.shape, hw, strict=False)
    )
    top, left = (hw[0] - height) // 2, (hw[1] - width) // 2
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    shown = cv2.resize(rgb, (width, height), interpolation=interpolation)
    filled[top : top + height, left : left + width] = shown
    return np.asarray(filled, np.uint8)


def _parse_gradient(text: str) -> Gradient:
    top, comma, bottom = text.partition(",")
    if not comma:
        raise ChoiceError(
            "A gradient has two colours: gradient:#FFFFFF,#88AACC.",
            "渐变需要两种颜色：gradient:#FFFFFF,#88AACC。",
        )
    return Gradient(parse_colour(top).rgb, parse_colour(bottom).rgb)


def _enlarged_box(small: UInt8, full_hw: tuple[int, int], box_xyxy: BoxXYXY) -> UInt8:
    left, top, right, bottom = box_xyxy
    height, width = full_hw
    if box_xyxy == (0, 0, width, height):
        grown = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(grown, np.uint8)
    step_x, step_y = small.shape[1] / width, small.shape[0] / height
    to_small = np.array(
        [
            [step_x, 0, (left + 0.5) * step_x - 0.5],
            [0, step_y, (top + 0.5) * step_y - 0.5],
        ]
    )
    moved = cv2.warpAffine(
        small,
        to_small,
        (right - left, bottom - top),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(moved, np.uint8)


def _cover(rgb: UInt8, size_hw: tuple[int, int]) -> UInt8:
    height, width = size_hw
    scale = max(height / rgb.shape[0], width / rgb.shape[1])
    # Cut first: a panorama behind a portrait must not be enlarged whole.
    cut_h, cut_w = min(rgb.shape[0], round(height / scale)), min(rgb.shape[1], round(width / scale))
    top, left = (rgb.shape[0] - cut_h) // 2, (rgb.shape[1] - cut_w) // 2
    part = rgb[top : top + max(cut_h, 1), left : left + max(cut_w, 1)]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.array(cv2.resize(part, (width, height), interpolation=interpolation), np.uint8)
