"""A photo, the opacity of what was chosen in it, and a background become one image."""

import re
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.errors import ChoiceError
from segmentation.matte import foreground
from segmentation.photo import Photo

UInt8 = npt.NDArray[np.uint8]

# Blur of the photo's own background, as a share of its longest side: a lens wide open.
BLUR_SHARE = 0.02
# Opacity up to this is dust to a cropping eye.
CROP_LEAST_ALPHA = 10


@dataclass(frozen=True, slots=True)
class Transparent:
    """No background: the result has an alpha channel."""


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour, as 8-bit red, green, blue."""

    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Blurred:
    """The photo's own background, out of focus."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Another photo, scaled to cover the frame and cut at the sides that stick out."""

    photo: Photo


Background = Transparent | Colour | Blurred | Picture


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


def compose(photo: Photo, alpha: UInt8, background: Background) -> UInt8:
    """Put the chosen objects on a background, at the photo's own size.

    Args:
        photo: where they come from.
        alpha: uint8 (H, W), their opacity (see `alpha_of`).
        background: what to put behind them.

    Returns:
        uint8 (H, W, 4) with straight alpha for a transparent background, else (H, W, 3).
    """
    colours = foreground(photo.rgb, alpha)
    match background:
        case Transparent():
            return np.asarray(cv2.merge([colours, alpha]), np.uint8)
        case Colour(rgb):
            behind = np.full_like(colours, rgb)
        case Blurred():
            behind = _blurred(photo.rgb, alpha)
        case Picture(other):
            behind = _cover(other.rgb, photo.hw)
    return _over(colours, alpha, behind)


def crop_to_subject(image: UInt8, alpha: UInt8, margin: float = 0.03) -> UInt8:
    """The part of an image around what is opaque, with a margin, or all of it if nothing is.

    Args:
        image: uint8 (H, W) or (H, W, C).
        alpha: uint8 (H, W).
        margin: on each side, as a share of the subject's longer side.
    """
    left, top, width, height = cv2.boundingRect((alpha > CROP_LEAST_ALPHA).astype(np.uint8))
    if not width:
        return image
    space = round(margin * max(width, height))
    return image[
        max(top - space, 0) : top + height + space, max(left - space, 0) : left + width + space
    ]


def _over(colours: UInt8, alpha: UInt8, behind: UInt8) -> UInt8:
    cv2.copyTo(colours, (alpha == 255).astype(np.uint8), behind)
    mixed = np.nonzero((alpha > 0) & (alpha < 255))
    share = alpha[mixed][:, None].astype(np.float32) / 255
    blended = colours[mixed] * share + behind[mixed] * (1 - share)
    behind[mixed] = np.rint(blended).astype(np.uint8)
    return behind


def _blurred(rgb: UInt8, alpha: UInt8) -> UInt8:
    """The photo out of focus, its background spread in under the objects so that none glows."""
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
    return np.asarray(cv2.resize(levels, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _cover(rgb: UInt8, size_hw: tuple[int, int]) -> UInt8:
    height, width = size_hw
    scale = max(height / rgb.shape[0], width / rgb.shape[1])
    # Cut first: a panorama behind a portrait must not be enlarged whole.
    cut_h, cut_w = min(rgb.shape[0], round(height / scale)), min(rgb.shape[1], round(width / scale))
    top, left = (rgb.shape[0] - cut_h) // 2, (rgb.shape[1] - cut_w) // 2
    cut = rgb[top : top + max(cut_h, 1), left : left + max(cut_w, 1)]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.array(cv2.resize(cut, (width, height), interpolation=interpolation), np.uint8)
