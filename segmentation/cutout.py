"""From chosen objects to their cut-out."""

from collections.abc import Collection
from dataclasses import replace

import cv2
import numpy as np

from segmentation.arrays import UInt8
from segmentation.compositing.matting import Edge, grow_alpha, make_alpha
from segmentation.image.read import Photo
from segmentation.inference.postprocess import Segmentation
from segmentation.inference.refine import Refinement


def compute_alpha(
    photo: Photo,
    segmentation: Segmentation,
    ids: Collection[int],
    look: Refinement | None = None,
    edge: Edge | None = None,
) -> UInt8:
    """Opacity of some instances, from a closer look at them where there is one.

    What is transparent in the photo itself stays transparent.

    Args:
        photo: the photo or a reduced copy of it.
        segmentation: the first look.
        ids: of the instances.
        look: a closer look, which counts only if it was at these instances.
        edge: how the edge is wanted; None takes `Edge()`.

    Returns:
        uint8 (H, W).
    """
    alpha = _object_alpha(photo.on_white, segmentation, ids, look, edge or Edge())
    if photo.alpha is None:
        return alpha
    return np.asarray(cv2.multiply(alpha, photo.alpha, scale=1 / 255), np.uint8)


def _object_alpha(
    rgb: UInt8,
    segmentation: Segmentation,
    ids: Collection[int],
    look: Refinement | None,
    edge: Edge,
) -> UInt8:
    if look is None or not look.matches(segmentation, ids):
        return make_alpha(rgb, segmentation.mask_logits(ids), edge)
    height, width = rgb.shape[:2]
    photo_h, photo_w = segmentation.geometry.photo_hw
    left, right = (round(x * width / photo_w) for x in look.box_xyxy[::2])
    top, bottom = (round(y * height / photo_h) for y in look.box_xyxy[1::2])
    alpha = np.zeros((height, width), np.uint8)
    crop = np.ascontiguousarray(rgb[top:bottom, left:right])
    # It grows by a share of the photo, not of the crop, and may grow beyond that.
    mask_logits, as_it_is = look.mask_logits.astype(np.float32), replace(edge, grow=0.0)
    alpha[top:bottom, left:right] = make_alpha(crop, mask_logits, as_it_is)
    return grow_alpha(alpha, edge)
