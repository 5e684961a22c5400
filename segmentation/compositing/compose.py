"""One image from a photo, the opacity of the chosen objects, and a background."""

import numpy as np

from segmentation.arrays import UInt8
from segmentation.compositing.backgrounds import Background
from segmentation.compositing.crop import Crop, crop_image
from segmentation.compositing.effects import Effects, draw_effects
from segmentation.compositing.matting.foreground import foreground
from segmentation.compositing.sizing.frame import Frame, find_frame
from segmentation.compositing.sizing.size import OutputSize, scale_image
from segmentation.image.blend import Layer, over, to_rgba
from segmentation.image.photo import Photo


def compose(
    photo: Photo,
    alpha: UInt8,
    background: Background,
    effects: Effects = (),
    crop: Crop | None = None,
    size: OutputSize | None = None,
) -> UInt8:
    """Put the chosen objects on a background.

    Args:
        photo: where the objects come from.
        alpha: uint8 (H, W), their opacity (see `compute_alpha`).
        background: what is behind them; with a `Scene`, the result has the scene's size.
        effects: drawn between objects and background, from the objects outwards.
        crop: format of a frame around the objects; None keeps the photo's frame. Where the frame
            reaches beyond the photo, the background continues.
        size: of the result in pixels; None keeps the frame's. An exact one has a frame of its own,
            and takes no crop.

    Returns:
        uint8 (h, w, 4) with straight alpha for a transparent background, else uint8 (h, w, 3).

    Raises:
        ChoiceError: a scene cannot be cropped, or the crop would be too large.
    """
    frame = find_frame(alpha, background, effects, crop, size)
    return compose_in_frame(photo, alpha, background, effects, frame)


def compose_in_frame(
    photo: Photo, alpha: UInt8, background: Background, effects: Effects, frame: Frame
) -> UInt8:
    """Put the chosen objects on a background, in the frame of `find_frame`; see `compose`.

    Args:
        photo, background, effects: as for `compose`.
        alpha: uint8 (H, W), in the photo's frame.
        frame: as `find_frame` returns it for the same arguments.

    Returns:
        uint8 (h, w, 3 or 4), with (h, w) in `frame.size_hw`.
    """
    colours = foreground(photo.rgb, alpha)
    if photo.alpha is not None:
        # Pixels that are partly transparent in the file have the object's pure colour already.
        np.copyto(colours, photo.rgb, where=(photo.alpha < 255)[..., None])
    layer = background.place(Layer(colours, alpha))
    box = frame.box_xyxy
    if box != (0, 0, alpha.shape[1], alpha.shape[0]):
        layer = Layer(crop_image(layer.colours, box), crop_image(layer.alpha, box))
    layer = draw_effects(layer, effects)
    behind = background.render(photo, alpha, box)
    image = to_rgba(layer) if behind is None else over(layer, behind)
    return scale_image(image, frame.size_hw)


def composed_mask(
    alpha: UInt8,
    background: Background,
    effects: Effects = (),
    crop: Crop | None = None,
    size: OutputSize | None = None,
) -> UInt8:
    """Compute the opacity of the objects alone, in the frame and size that `compose` gives them.

    Args:
        alpha: uint8 (H, W), in the photo's frame.
        background, effects, crop, size: as for `compose`.

    Returns:
        uint8 (h, w).

    Raises:
        ChoiceError: as `compose`.
    """
    return mask_in_frame(alpha, background, find_frame(alpha, background, effects, crop, size))


def mask_in_frame(alpha: UInt8, background: Background, frame: Frame) -> UInt8:
    """Compute the opacity of the objects in the frame of `find_frame`; see `composed_mask`.

    Args:
        alpha: uint8 (H, W), in the photo's frame.
        background: as for `compose`.
        frame: as `find_frame` returns it for the same arguments.

    Returns:
        uint8 (h, w) in `frame.size_hw`.
    """
    if background.has_own_frame:
        alpha = background.place(Layer(np.dstack([alpha] * 3), alpha)).alpha
    else:
        alpha = crop_image(alpha, frame.box_xyxy)
    return scale_image(alpha, frame.size_hw)
