"""Images for behind the objects: gradients, blurred photos, and photos fitted into a frame."""

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, SizeHW, UInt8

# Standard deviation of the blur, as a share of the photo's longest side: like a wide-open lens.
BLUR_SHARE = 0.02
# The blur is computed on a copy on which its standard deviation is this many pixels: nothing finer
# remains visible.
BLUR_SIGMA = 4
# Longest side of the tiny copy that fills the space around a contained image.
FILL_SIDE = 24
# Blur of that copy, in its own pixels; without it, they would show as blocks.
FILL_SIGMA = 2


def gradient_image(
    top_rgb: tuple[int, int, int], bottom_rgb: tuple[int, int, int], size_hw: SizeHW
) -> UInt8:
    """Draw a vertical gradient, in even steps of 8-bit values.

    Returns:
        uint8 (H, W, 3).
    """
    rows = np.rint(np.linspace(top_rgb, bottom_rgb, size_hw[0])).astype(np.uint8)
    return np.repeat(rows[:, None], size_hw[1], axis=1)


def blurred_image(rgb: UInt8, alpha: UInt8, box_xyxy: BoxXYXY) -> UInt8:
    """Blur a photo's background, and continue it behind the objects so that they do not glow.

    Args:
        rgb: uint8 (H, W, 3).
        alpha: uint8 (H, W), the objects' opacity.
        box_xyxy: the part to draw, in pixels of the photo; beyond the photo it is mirrored.

    Returns:
        uint8 (h, w, 3), of the box's size.
    """
    height, width = alpha.shape
    sigma = BLUR_SHARE * max(height, width)
    scale = min(1.0, BLUR_SIGMA / sigma)
    small_wh = max(1, round(width * scale)), max(1, round(height * scale))
    image = cv2.resize(rgb, small_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
    # Only pixels without any object: mixed ones would spread the object's colour as a glow.
    covered = cv2.resize(alpha, small_wh, interpolation=cv2.INTER_AREA)
    weight = (covered == 0).astype(np.float32)[..., None]
    small_sigma = sigma * scale
    total = cv2.GaussianBlur(np.dstack([image * weight, weight]), (0, 0), small_sigma)
    # Deep inside a large object no background is near; the blurred photo stands in for it.
    fallback = cv2.GaussianBlur(image, (0, 0), small_sigma)
    blurred = (total[..., :3] + 1e-3 * fallback) / (total[..., 3:] + 1e-3)
    levels = np.rint(np.clip(blurred, 0, 255)).astype(np.uint8)
    return _enlarge_box(levels, (height, width), box_xyxy)


def cover_image(rgb: UInt8, size_hw: SizeHW) -> UInt8:
    """Fill a frame with the middle of an image; what sticks out is cut off.

    Args:
        rgb: uint8 (H, W, 3).
        size_hw: of the frame.

    Returns:
        uint8 (h, w, 3), a new array.
    """
    height, width = size_hw
    scale = max(height / rgb.shape[0], width / rgb.shape[1])
    # Crop first: a panorama behind a portrait must not be enlarged as a whole.
    crop_h = min(rgb.shape[0], round(height / scale))
    crop_w = min(rgb.shape[1], round(width / scale))
    top, left = (rgb.shape[0] - crop_h) // 2, (rgb.shape[1] - crop_w) // 2
    part = rgb[top : top + max(crop_h, 1), left : left + max(crop_w, 1)]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.array(cv2.resize(part, (width, height), interpolation=interpolation), np.uint8)


def contain_image(rgb: UInt8, size_hw: SizeHW) -> UInt8:
    """Show a whole image in a frame; its own colours, strongly blurred, fill the rest.

    Args:
        rgb: uint8 (H, W, 3).
        size_hw: of the frame.

    Returns:
        uint8 (h, w, 3), a new array.
    """
    shrink = FILL_SIDE / max(size_hw)
    small_hw = max(1, round(size_hw[0] * shrink)), max(1, round(size_hw[1] * shrink))
    small = cv2.GaussianBlur(cover_image(rgb, small_hw), (0, 0), FILL_SIGMA)
    frame = cv2.resize(small, size_hw[::-1], interpolation=cv2.INTER_CUBIC)
    scale = min(size_hw[0] / rgb.shape[0], size_hw[1] / rgb.shape[1])
    height, width = (
        max(1, min(round(side * scale), frame_side))
        for side, frame_side in zip(rgb.shape, size_hw, strict=False)
    )
    top, left = (size_hw[0] - height) // 2, (size_hw[1] - width) // 2
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(rgb, (width, height), interpolation=interpolation)
    frame[top : top + height, left : left + width] = image
    return np.asarray(frame, np.uint8)


def _enlarge_box(small: UInt8, full_hw: SizeHW, box_xyxy: BoxXYXY) -> UInt8:
    """A box of the full photo, from a small copy of it."""
    left, top, right, bottom = box_xyxy
    height, width = full_hw
    if box_xyxy == (0, 0, width, height):
        enlarged = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(enlarged, np.uint8)
    step_x, step_y = small.shape[1] / width, small.shape[0] / height
    box_to_small = np.array(
        [
            [step_x, 0, (left + 0.5) * step_x - 0.5],
            [0, step_y, (top + 0.5) * step_y - 0.5],
        ]
    )
    warped = cv2.warpAffine(
        small,
        box_to_small,
        (right - left, bottom - top),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(warped, np.uint8)
