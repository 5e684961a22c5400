"""Draw the objects found over the photo, so that visitors see which ones they can select."""

import colorsys
from collections.abc import Collection

import cv2
import numpy as np

from segmentation.arrays import SizeHW, UInt8
from segmentation.inference.postprocess import Segmentation

# Neighbouring ids get hues far apart: the golden ratio never comes back to the same place.
HUE_STEP = 0.618
CHOSEN_TINT = 0.2
# Share of the photo's brightness that is left outside the chosen objects.
UNCHOSEN_LIGHT = 0.55


def draw_instances(rgb: UInt8, segmentation: Segmentation, chosen: Collection[int]) -> UInt8:
    """A photo with its instances outlined and numbered; chosen ones bright, the rest darkened.

    Args:
        rgb: uint8 (H, W, 3), the photo or a reduced copy of it.
        segmentation: the objects found in it.
        chosen: ids.

    Returns:
        uint8 (H, W, 3), a new array.
    """
    height, width = rgb.shape[:2]
    thickness = max(2, round(max(height, width) / 400))
    masks = {
        instance.id: inside_mask(segmentation, instance.id, (height, width))
        for instance in segmentation.instances
    }
    drawn = (rgb * UNCHOSEN_LIGHT).astype(np.uint8)
    for id_ in chosen:
        inside = masks[id_] > 0
        tint = np.array(colour_of(id_), np.float32) * CHOSEN_TINT
        drawn[inside] = (rgb[inside] * (1 - CHOSEN_TINT) + tint).astype(np.uint8)
    for id_, mask in masks.items():
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outlines, -1, (255, 255, 255), thickness + 2, cv2.LINE_AA)
        cv2.drawContours(drawn, outlines, -1, colour_of(id_), thickness, cv2.LINE_AA)
    for id_, mask in masks.items():
        _number(drawn, mask, id_, size=thickness / 3)
    return drawn


def colour_of(id_: int) -> tuple[int, int, int]:
    """Return the colour of an instance, the same everywhere on the page."""
    red, green, blue = colorsys.hsv_to_rgb(id_ * HUE_STEP % 1, 0.85, 1)
    return round(red * 255), round(green * 255), round(blue * 255)


def find_thickest_point(mask: UInt8) -> tuple[int, int]:
    """Find the point of a mask that is farthest from its rim.

    Args:
        mask: uint8 (H, W), above 0 inside.

    Returns:
        Column and row.
    """
    # A border, since the side of the photo is a rim as well.
    depth = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, 0), cv2.DIST_L2, 3)
    _, _, _, (x, y) = cv2.minMaxLoc(depth[1:-1, 1:-1])
    return x, y


def inside_mask(segmentation: Segmentation, id_: int, size_hw: SizeHW) -> UInt8:
    """Return the mask of an instance at the size of a picture: uint8 (H, W), 1 inside, else 0."""
    logits = segmentation.mask_logits([id_])
    grown = cv2.resize(logits, size_hw[::-1], interpolation=cv2.INTER_LINEAR)
    return (grown > 0).astype(np.uint8)


def _number(image: UInt8, mask: UInt8, id_: int, size: float) -> None:
    """Write the id at the thickest point of the mask."""
    x, y = find_thickest_point(mask)
    text, font = str(id_), cv2.FONT_HERSHEY_DUPLEX
    (text_w, text_h), _ = cv2.getTextSize(text, font, size, 1)
    radius = round(0.8 * max(text_w, text_h))
    cv2.circle(image, (x, y), radius, colour_of(id_), -1, cv2.LINE_AA)
    cv2.circle(image, (x, y), radius, (255, 255, 255), 1, cv2.LINE_AA)
    origin = x - text_w // 2, y + text_h // 2
    cv2.putText(image, text, origin, font, size, (0, 0, 0), 1, cv2.LINE_AA)
