"""A photo at a given number of megapixels."""

from dataclasses import replace

import cv2
import numpy as np

from segmentation import Photo


def scale_photo(photo: Photo, megapixels: float) -> Photo:
    """Scale an opaque photo, keeping its format.

    Args:
        photo: without transparency.
        megapixels: width times height of the result.
    """
    height, width = photo.hw
    scale = (megapixels * 1e6 / (height * width)) ** 0.5
    size_wh = round(width * scale), round(height * scale)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    rgb = np.asarray(cv2.resize(photo.rgb, size_wh, interpolation=interpolation), np.uint8)
    return replace(photo, rgb=rgb)
