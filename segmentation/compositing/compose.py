"""One image from a photo, the opacity of the chosen objects, and a background."""

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, UInt8
from segmentation.compositing.backgrounds import Background
from segmentation.compositing.crop import Crop, crop_box, crop_image, subject_size
from segmentation.compositing.effects import Effects, draw_effects, effects_outset
from segmentation.compositing.foreground import foreground
from segmentation.errors import ChoiceError
from segmentation.image.blend import Layer, over
from segmentation.image.photo import Photo


def compose(
    photo: Photo,
    alpha: UInt8,
    background: Background,
    effects: Effects = (),
    crop: Crop | None = None,
) -> UInt8:
    """Put the chosen objects on a background.

    Args:
        photo: where the objects come from.
        alpha: uint8 (H, W), their opacity (see `compute_alpha`).
        background: what is behind them; with a `Scene`, the result has the scene's size.
        effects: drawn between objects and background, from the objects outwards.
        crop: format of a frame around the objects; None keeps the photo's frame. Where the frame
            reaches beyond the photo, the background continues.

    Returns:
        uint8 (h, w, 4) with straight alpha for a transparent background, else uint8 (h, w, 3).

    Raises:
        ChoiceError: a scene cannot be cropped, or the crop would be too large.
    """
    frame = _frame(alpha, background, effects, crop)
    colours = foreground(photo.rgb, alpha)
    if photo.alpha is not None:
        # Pixels that are partly transparent in the file have the object's pure colour already.
        np.copyto(colours, photo.rgb, where=(photo.alpha < 255)[..., None])
    layer = background.place(Layer(colours, alpha))
    if crop:
        layer = Layer(crop_image(layer.colours, frame), crop_image(layer.alpha, frame))
    layer = draw_effects(layer, effects)
    behind = background.render(photo, alpha, frame)
    if behind is None:
        return np.asarray(cv2.merge([layer.colours, layer.alpha]), np.uint8)
    return over(layer, behind)


def composed_mask(
    alpha: UInt8, background: Background, effects: Effects = (), crop: Crop | None = None
) -> UInt8:
    """Compute the opacity of the objects alone, in the frame that `compose` gives them.

    Args:
        alpha: uint8 (H, W), in the photo's frame.
        background, effects, crop: as for `compose`.

    Returns:
        uint8 (h, w).

    Raises:
        ChoiceError: the crop would be too large.
    """
    if background.has_own_frame:
        return background.place(Layer(np.dstack([alpha] * 3), alpha)).alpha
    return crop_image(alpha, _frame(alpha, background, effects, crop))


def _frame(alpha: UInt8, background: Background, effects: Effects, crop: Crop | None) -> BoxXYXY:
    """The part of the photo that the result shows."""
    if crop is None:
        return 0, 0, alpha.shape[1], alpha.shape[0]
    if background.has_own_frame:
        raise ChoiceError(
            "Objects placed in another photo use its frame. Leave out the crop or the place.",
            "放入另一张照片的物体使用那张照片的画面，请去掉裁剪或放置选项。",
        )
    return crop_box(alpha, crop, effects_outset(effects, subject_size(alpha)))
