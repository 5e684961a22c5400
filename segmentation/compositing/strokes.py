"""Brush strokes that put a part of the photo into the cut-out, or take it out.

A stroke is data. Its coordinates are shares of the photo, so that the same stroke applies to the
full photo and to a preview. `stroke_matting` computes its effect.
"""

from dataclasses import dataclass
from math import hypot
from typing import Literal

import cv2
import numpy as np

from segmentation.arrays import BoxXYXY, Float32, SizeHW, UInt8
from segmentation.errors import ChoiceError

StrokeMode = Literal["keep", "erase"]

# A stroke changes the alpha up to this share of its radius beyond its rim.
REACH = 0.25
# Points closer than this share of the radius to the one before make no visible difference.
POINT_SPACING = 0.1
# Largest radius of a stroke, as a share of the photo's longest side.
MAX_RADIUS = 0.5
# Most points of a stroke, far more than a hand draws.
MAX_POINTS = 10_000
# Radius of the brush that the areas of a mask file correspond to, as a share of the photo's longest
# side; less if all areas are thinner.
MASK_RADIUS = 0.01
# Grey levels of a mask file: at least KEEP_LEVEL keeps, at most ERASE_LEVEL erases.
KEEP_LEVEL, ERASE_LEVEL = 224, 31


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of a photo on a reduced grid.

    Attributes:
        photo_hw: height and width of the photo, in pixels.
        box_xyxy: the rectangle, in photo pixels, within the photo.
        factor: photo pixels per reduced pixel. The last row and column may reach beyond the box.
    """

    photo_hw: SizeHW
    box_xyxy: BoxXYXY
    factor: int

    @property
    def reduced_hw(self) -> SizeHW:
        """Height and width of the reduced grid."""
        left, top, right, bottom = self.box_xyxy
        return -(-(bottom - top) // self.factor), -(-(right - left) // self.factor)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line drawn with a round brush.

    Attributes:
        mode: "keep": what is under the stroke belongs to the object; "erase": it does not.
        radius: of the brush, as a share of the photo's longest side, 0..MAX_RADIUS.
        points_xy: the line, as shares of the photo's width and height. A single point is a dot.
            Points may lie outside the photo.

    Raises:
        ChoiceError: a value is out of range, or there is no point.
    """

    mode: StrokeMode
    radius: float
    points_xy: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        values = [value for point in self.points_xy for value in point]
        if not (
            self.mode in ("keep", "erase")
            and 0 < self.radius <= MAX_RADIUS
            and 0 < len(self.points_xy) <= MAX_POINTS
            and all(len(point) == 2 for point in self.points_xy)
            and all(abs(value) <= 10 for value in values)
        ):
            raise ChoiceError(
                "A stroke needs a mode (keep or erase), a radius above 0 and up to "
                f"{MAX_RADIUS:g}, and 1 to {MAX_POINTS} points, as shares of the photo from 0 to "
                "1.",
                f"笔画需要模式（keep 或 erase）、大于 0 且不超过 {MAX_RADIUS:g} 的半径，以及 1 到 "
                f"{MAX_POINTS} 个点，坐标为照片宽高的比例（0 到 1）。",
            )

    def radius_in(self, photo_hw: SizeHW) -> float:
        """The radius in pixels of a photo of this size."""
        return self.radius * max(photo_hw)

    def box_in(self, photo_hw: SizeHW, margin: float) -> BoxXYXY | None:
        """Find where a stroke lies in a photo.

        Args:
            photo_hw: height and width of the photo.
            margin: to add on each side, in radii.

        Returns:
            The box in photo pixels, within the photo; None if nothing of it lies in the photo.
        """
        points = self._pixels(photo_hw)
        pad = (1 + margin) * self.radius_in(photo_hw)
        return _clip_box((*(points.min(axis=0) - pad), *(points.max(axis=0) + pad)), photo_hw)

    def depth(self, window: Window) -> Float32:
        """How deep pixels lie in the stroke: 1 on its line, 0 on its rim, below 0 outside.

        Returns:
            float32 of the window's reduced size, -1 beyond the stroke's reach.
        """
        radius = self.radius_in(window.photo_hw)
        points = self._pixels(window.photo_hw) - window.box_xyxy[:2]
        thinned = _thin(points, POINT_SPACING * radius)
        distance = np.full(window.reduced_hw, 2 * radius, np.float32)
        starts = thinned[:-1] if len(thinned) > 1 else thinned
        for start, end in zip(starts, thinned[1:] if len(thinned) > 1 else thinned, strict=True):
            _lower_to_segment(distance, start, end, (1 + 2 * REACH) * radius, window.factor)
        return 1 - distance / np.float32(radius)

    def _pixels(self, photo_hw: SizeHW) -> Float32:
        return np.asarray(self.points_xy, np.float32) * np.float32(photo_hw[::-1])


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
        """Find where the areas lie in a photo; see `Stroke.box_in`."""
        left, top, width, height = cv2.boundingRect(self.area)
        if not width:
            return None
        x, y = photo_hw[1] / self.area.shape[1], photo_hw[0] / self.area.shape[0]
        pad = (1 + margin) * self.radius_in(photo_hw)
        edges = left * x - pad, top * y - pad, (left + width) * x + pad, (top + height) * y + pad
        return _clip_box(edges, photo_hw)

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
        # A photo without a pixel outside has no rim: the distances are then meaningless but large.
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
    thickest = float(cv2.distanceTransform(area, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max())
    return min(MASK_RADIUS, thickest / max(area.shape))


def _clip_box(edges: tuple[float, ...], photo_hw: SizeHW) -> BoxXYXY | None:
    height, width = photo_hw
    left, top = max(0, int(np.floor(edges[0]))), max(0, int(np.floor(edges[1])))
    right, bottom = min(width, int(np.ceil(edges[2]))), min(height, int(np.ceil(edges[3])))
    return (left, top, right, bottom) if left < right and top < bottom else None


def _thin(points: Float32, spacing: float) -> Float32:
    """Leave out points (N, 2) that are closer than a spacing to the one kept before; keep the last.

    Returns:
        float32 (n, 2), at least one point.
    """
    kept = [points[0]]
    for point in points[1:-1]:
        if hypot(*(point - kept[-1])) >= spacing:
            kept.append(point)
    if len(points) > 1:
        kept.append(points[-1])
    return np.asarray(kept, np.float32)


def _lower_to_segment(
    distance: Float32, start: Float32, end: Float32, reach: float, factor: int
) -> None:
    """Lower distances (h, w) to those from a segment, where that is within reach.

    Args:
        distance: in photo pixels, on a reduced grid; changed in place.
        start, end: (2,), of the segment, in photo pixels from the grid's corner.
        reach: in photo pixels.
        factor: photo pixels per reduced pixel.
    """
    first = np.floor((np.minimum(start, end) - reach) / factor).astype(int)
    last = np.ceil((np.maximum(start, end) + reach) / factor).astype(int)
    left, top = np.maximum(first, 0)
    right, bottom = np.maximum(np.minimum(last, distance.shape[::-1]), 0)
    if left >= right or top >= bottom:
        return
    x = (np.arange(left, right, dtype=np.float32) + np.float32(0.5)) * factor - start[0]
    y = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5))[:, None] * factor - start[1]
    along_x, along_y = end - start
    length = max(float(along_x**2 + along_y**2), 1e-9)
    share = np.clip((x * along_x + y * along_y) / np.float32(length), 0, 1)
    part = distance[top:bottom, left:right]
    squares = np.square(x - share * along_x) + np.square(y - share * along_y)
    np.minimum(part, np.sqrt(squares), out=part)
