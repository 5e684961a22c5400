"""Mask files that correct a cut-out: areas that count as if they were painted with a brush."""

from dataclasses import dataclass

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, Float32, SizeHW, UInt8
from segmentation.compositing.strokes import Stroke, StrokeMode, Window, clip_box
from segmentation.errors import ChoiceError

# Radius of the brush that the areas of a mask file correspond to, as a share of the photo's longest
# side; less if all areas are thinner.
MASK_RADIUS = 0.01
# A mask file may differ from the photo's ratio of width to height by this share, since sides are
# whole pixels.
SHAPE_TOLERANCE = 0.03
# Grey levels of a mask file: at least KEEP_LEVEL keeps, at most ERASE_LEVEL erases.
KEEP_LEVEL, ERASE_LEVEL = 224, 31


@dataclass(frozen=True, slots=True, eq=False)
class StrokeMask:
    """Areas of a mask file, which count like areas painted with the brush.

    Attributes:
        mode: see `Stroke`.
        radius: of the brush that the areas correspond to, as a share of the photo's longest side.
        area: uint8 (h, w) over the frame of the photo, at any resolution: 255 in the areas, 0
            elsewhere.
    """

    mode: StrokeMode
    radius: float
    area: UInt8

    def radius_in(self, photo_hw: SizeHW) -> float:
        """The radius, in pixels of a photo, of the brush that the areas correspond to."""
        return self.radius * max(photo_hw)

    def box_in(self, photo_hw: SizeHW, margin: float) -> BoxXYXY | None:
        """Find where the areas lie in a photo; see `Stroke.box_in`.

        Raises:
            ChoiceError: the mask has another shape than the photo.
        """
        (mask_h, mask_w), (photo_h, photo_w) = self.area.shape, photo_hw
        if abs(mask_h * photo_w / (mask_w * photo_h) - 1) > SHAPE_TOLERANCE:
            raise ChoiceError(
                f"The mask has {mask_w} × {mask_h} pixels, and its shape differs from that of the "
                f"photo ({photo_w} × {photo_h}). Make the mask over the whole photo.",
                f"蒙版为 {mask_w} × {mask_h} 像素，与照片（{photo_w} × {photo_h}）的宽高比不一致。"
                "请按整张照片的画面制作蒙版。",
            )
        left, top, width, height = cv2.boundingRect(self.area)
        if not width:
            return None
        x, y = photo_hw[1] / self.area.shape[1], photo_hw[0] / self.area.shape[0]
        pad = (1 + margin) * self.radius_in(photo_hw)
        edges = left * x - pad, top * y - pad, (left + width) * x + pad, (top + height) * y + pad
        return clip_box(edges, photo_hw)

    def depth(self, window: Window) -> Float32:
        """How deep pixels lie in the areas; see `Stroke.depth`."""
        height, width = window.reduced_hw
        left, top, _, _ = window.box_xyxy
        x, y = (
            mask_side / photo_side
            for mask_side, photo_side in zip(
                self.area.shape[::-1], window.photo_hw[::-1], strict=True
            )
        )
        factor = window.factor
        to_mask = np.array(
            [
                [factor * x, 0, (left + factor / 2) * x - 0.5],
                [0, factor * y, (top + factor / 2) * y - 0.5],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        coverage = cv2.warpAffine(
            self.area, to_mask, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        inside = (coverage > 127).astype(np.uint8)
        inside_distance, outside_distance = (
            cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            for side in (inside, 1 - inside)
        )
        # The side of the photo is no rim; in an area that fills it, distances are just large.
        signed = np.where(inside > 0, inside_distance - 0.5, 0.5 - outside_distance) * factor
        depth = signed / np.float32(self.radius_in(window.photo_hw))
        return np.clip(depth, -1, 1).astype(np.float32)


# What a cut-out can be corrected with.
Correction = Stroke | StrokeMask


def mask_corrections(levels: UInt8, alpha: UInt8 | None) -> tuple[StrokeMask, ...]:
    """The areas that a mask keeps (white) and erases (black); grey and transparent change nothing.

    Args:
        levels: uint8 (h, w), grey levels of the mask.
        alpha: uint8 (h, w), its opacity; None if it is opaque.
    """
    opaque = np.ones(levels.shape, bool) if alpha is None else alpha > 127
    kept, erased = opaque & (levels >= KEEP_LEVEL), opaque & (levels <= ERASE_LEVEL)
    areas: tuple[tuple[StrokeMode, UInt8], ...] = (
        ("keep", kept.astype(np.uint8) * np.uint8(255)),
        ("erase", erased.astype(np.uint8) * np.uint8(255)),
    )
    return tuple(StrokeMask(mode, _brush_radius(area), area) for mode, area in areas if area.any())


def _brush_radius(area: UInt8) -> float:
    """The radius of the brush that areas (h, w) correspond to."""
    distance = cv2.distanceTransform(area, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    thickest = float(np.asarray(distance, np.float32).max())
    longest_side: int = max(area.shape)
    return min(MASK_RADIUS, thickest / longest_side)
