"""Small images for tests of compositing."""

import numpy as np

from segmentation.arrays import UInt8
from segmentation.image.photo import Photo


def photo(rgb: UInt8, alpha: UInt8 | None = None) -> Photo:
    """A photo of uint8 (H, W, 3) and an alpha uint8 (H, W)."""
    return Photo(rgb, alpha, "photo", ())


def noise(height: int, width: int, seed: int = 0) -> UInt8:
    """Random colours, uint8 (H, W, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def soft_disc(height: int, width: int) -> UInt8:
    """The opacity of a disc in the middle with a soft edge, uint8 (H, W)."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2)
    return np.clip((min(height, width) / 4 - distance) * 60 + 128, 0, 255).astype(np.uint8)
