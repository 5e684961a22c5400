"""A generated photo for comparing and timing graphs; it needs neither torch nor onnx."""

import cv2
import numpy as np

from segmentation.arrays import SizeHW, UInt8


def synthetic_photo(size_hw: SizeHW) -> UInt8:
    """Generate smooth blobs of colour, the same on every call.

    Args:
        size_hw: height and width in pixels.

    Returns:
        uint8 (H, W, 3).
    """
    noise = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    return np.asarray(
        cv2.resize(noise, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_CUBIC), np.uint8
    )
