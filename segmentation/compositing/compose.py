"""A photo, the opacity of what was chosen in it, and a background become one image."""

from math import ceil, floor

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, UInt8
from segmentation.compositing.backgrounds import (
    Background,
    Blurred,
    Colour,
    Gradient,
    Picture,
    Scene,
    Transparent,
    blurred,
    fitted,
    gradient,
)
from segmentation.compositing.crop import Crop, crop_box, cut, longer_side, subject_box
from segmentation.compositing.effects import Effects, reach_of, with_effects
from segmentation.compositing.matting import foreground
from segmentation.errors import ChoiceError
from segmentation.image.blend import Layer, over
from segmentation.image.photo import Photo

# Rows that are computed in floating point at a time.
STRIP = 256


def compose(
    photo: Photo,
    alpha: UInt8,
    background: Background,
    effects: Effects = (),
    crop: Crop | None = None,
) -> UInt8:
    """Put the chosen objects on a background: at the photo's own size, cropped, or in a scene.

    Args:
        photo: where they come from.
        alpha: uint8 (H, W), their opacity (see `compute_alpha`).
        background: what to put behind them; only a Scene brings its own size.
        effects: what to draw between, from the objects outwards.
        crop: the frame; where it reaches beyond the photo, the background goes on.

    Returns:
        uint8 (h, w, 4) with straight alpha for a transparent background, else (h, w, 3).

    Raises:
        ChoiceError: a crop of a scene, or one too large.
    """
    frame = _frame(alpha, background, effects, crop)
    colours = foreground(photo.rgb, alpha)
    if photo.alpha is not None:
        # What the file itself covers in part has its own colour already: nothing shines through.
        np.copyto(colours, photo.rgb, where=(photo.alpha < 255)[..., None])
    layer = Layer(colours, alpha)
    if isinstance(background, Scene):
        layer = _placed(layer, background)
    elif crop:
        layer = Layer(cut(layer.colours, frame), cut(layer.alpha, frame))
    layer = with_effects(layer, effects)
    hw = layer.alpha.shape[0], layer.alpha.shape[1]
    match background:
        case Transparent():
            return np.asarray(cv2.merge([layer.colours, layer.alpha]), np.uint8)
        case Colour(rgb):
            behind = np.full_like(layer.colours, rgb)
        case Gradient(top_rgb, bottom_rgb):
            behind = gradient(top_rgb, bottom_rgb, hw)
        case Blurred():
            behind = blurred(photo.on_white, alpha, frame)
        case Picture(other, fit):
            behind = fitted(other.on_white, hw, fit)
        case Scene(other):
            behind = other.on_white.copy()
    return over(layer, behind)


def composed_mask(
    alpha: UInt8, background: Background, effects: Effects = (), crop: Crop | None = None
) -> UInt8:
    """Opacity of the objects alone, uint8 (h, w), in the frame that `compose` gives them."""
    if isinstance(background, Scene):
        return _placed(Layer(np.dstack([alpha] * 3), alpha), background).alpha
    return cut(alpha, _frame(alpha, background, effects, crop))


def _frame(alpha: UInt8, background: Background, effects: Effects, crop: Crop | None) -> BoxXYXY:
    if crop is None:
        return 0, 0, alpha.shape[1], alpha.shape[0]
    if isinstance(background, Scene):
        raise ChoiceError(
            "Objects placed in another photo take its frame. Leave the crop or the place out.",
            "放入另一张照片的物体使用那张照片的画面，请去掉裁剪或放置选项。",
        )
    return crop_box(alpha, crop, reach_of(effects, longer_side(alpha)))


def _placed(layer: Layer, scene: Scene) -> Layer:
    """The objects scaled and moved to their place in a scene, on a layer of its size."""
    height, width = scene.photo.hw
    box = subject_box(layer.alpha)
    if box is None:
        nothing = np.zeros((height, width), np.uint8)
        return Layer(np.zeros((height, width, 3), np.uint8), nothing)
    left, top, right, bottom = box
    scale = scene.scale * min(height / (bottom - top), width / (right - left))
    # Where the box's own left top comes to lie; only what falls into the frame is ever enlarged.
    x = scene.position_xy[0] * width - (right - left) * scale / 2
    y = scene.position_xy[1] * height - (bottom - top) * scale / 2
    first_x, first_y = (max(0, floor(-start / scale) - 1) for start in (x, y))
    last_x = min(right - left, ceil((width - x) / scale) + 1)
    last_y = min(bottom - top, ceil((height - y) / scale) + 1)
    seen = left + first_x, top + first_y, left + last_x, top + last_y
    scaled = _scaled(Layer(cut(layer.colours, seen), cut(layer.alpha, seen)), scale)
    there_x, there_y = round(x + first_x * scale), round(y + first_y * scale)
    frame = -there_x, -there_y, width - there_x, height - there_y
    return Layer(cut(scaled.colours, frame), cut(scaled.alpha, frame))


def _scaled(layer: Layer, scale: float) -> Layer:
    """A layer in another size, every colour weighted by its opacity, so that no rim appears."""
    weighted = np.empty((*layer.alpha.shape, 4), np.uint16)
    np.multiply(layer.colours, layer.alpha[..., None], out=weighted[..., :3], dtype=np.uint16)
    np.multiply(layer.alpha, 255, out=weighted[..., 3], dtype=np.uint16)
    height, width = (max(1, round(side * scale)) for side in layer.alpha.shape)
    # Linear when enlarging: cubic swings below zero beside an edge, which has no colour to divide.
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(weighted, (width, height), interpolation=interpolation))
    colours, alpha = np.empty((height, width, 3), np.uint8), np.empty((height, width), np.uint8)
    for start in range(0, height, STRIP):  # floats of a whole photo would be gigabytes
        strip = slice(start, start + STRIP)
        part = scaled[strip].astype(np.float32)
        mixed = part[..., :3] * 255 / np.maximum(part[..., 3:], 1)
        colours[strip] = np.rint(np.minimum(mixed, 255))
        alpha[strip] = np.rint(part[..., 3] / 255)
    return Layer(colours, alpha)
