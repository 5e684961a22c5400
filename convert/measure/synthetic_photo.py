"""A photo that is nobody's, for comparing and timing graphs; it needs neither torch nor onnx."""

import cv2
import numpy as np

from segmentation.arrays import SizeHW, UInt8


def synthetic_photo(size_hw: SizeHW) -> UInt8:
    """Soft blobs of colour (H, W, 3), the same every time: photo-like, and nobody's."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    return np.asarray(
        cv2.resize(noise, (size_hw[1], size_hw[0]), interpolation=cv2.INTER_CUBIC), np.uint8
    )
