"""Pictures made of many images: tiles in rows."""

from collections.abc import Sequence

import cv2
import numpy as np

from segmentation.arrays import UInt8


def tile(image: UInt8, size_wh: tuple[int, int]) -> UInt8:
    """Scale an image to fit a white tile, centred.

    Args:
        image: uint8 (H, W, 3).
        size_wh: width and height of the tile.

    Returns:
        uint8 (h, w, 3) of the size of the tile.
    """
    width, height = size_wh
    scale = min(width / image.shape[1], height / image.shape[0])
    image_wh = round(image.shape[1] * scale), round(image.shape[0] * scale)
    left, top = (width - image_wh[0]) // 2, (height - image_wh[1]) // 2
    scaled = cv2.resize(image, image_wh, interpolation=cv2.INTER_AREA)
    white = np.full((height, width, 3), 255, np.uint8)
    white[top : top + image_wh[1], left : left + image_wh[0]] = scaled
    return white


def grid(images: Sequence[UInt8], columns: int) -> UInt8:
    """Arrange images in rows, with white where the last row has none left.

    Args:
        images: uint8 (h, w, 3) each, all of one size, at least one.
        columns: images in a row.

    Returns:
        uint8 (rows * h, columns * w, 3).
    """
    filled = [*images, *[np.full_like(images[0], 255)] * (-len(images) % columns)]
    starts = range(0, len(filled), columns)
    return np.vstack([np.hstack(filled[start : start + columns]) for start in starts])
