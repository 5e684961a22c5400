"""Brush strokes that put a part of the photo into the cut-out, or take it out.

A stroke is data. Its coordinates are shares of the photo, so that the same stroke applies to the
full photo and to a preview. `stroke_matting` computes its effect.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from math import hypot
from typing import Literal

import numpy as np

from segmentation.arrays import BoxXYXY, Float32, SizeHW
from segmentation.errors import ChoiceError

StrokeMode = Literal["keep", "erase"]

# A stroke changes the alpha up to this share of its radius beyond its rim.
REACH = 0.25
# Points closer than this share of the radius to the one before make no visible difference.
POINT_SPACING = 0.1
# Largest radius of a stroke, as a share of the photo's longest side.
MAX_RADIUS = 0.5
# Most points of a stroke, more than a hand draws.
MAX_POINTS = 2_000
# Radius of a stroke given as text, unless the text has one.
DEFAULT_RADIUS = 0.02
# More strokes or longer text is an attack: each stroke and each point takes time.
MAX_STROKES, MAX_TEXT_LENGTH = 100, 10_000


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
        return clip_box((*(points.min(axis=0) - pad), *(points.max(axis=0) + pad)), photo_hw)

    def thinned(self, photo_hw: SizeHW) -> "Stroke":
        """Leave out points that make no visible difference in a photo of this size."""
        spacing = POINT_SPACING * self.radius_in(photo_hw)
        kept = _spaced(self._pixels(photo_hw), spacing)
        return replace(self, points_xy=tuple(self.points_xy[index] for index in kept))

    def depth(self, window: Window) -> Float32:
        """How deep pixels lie in the stroke: 1 on its line, 0 on its rim, below 0 outside.

        Returns:
            float32 of the window's reduced size, -1 beyond the stroke's reach.
        """
        radius = self.radius_in(window.photo_hw)
        points = self._pixels(window.photo_hw) - window.box_xyxy[:2]
        thinned = points[_spaced(points, POINT_SPACING * radius)]
        distance = np.full(window.reduced_hw, 2 * radius, np.float32)
        starts = thinned[:-1] if len(thinned) > 1 else thinned
        for start, end in zip(starts, thinned[1:] if len(thinned) > 1 else thinned, strict=True):
            _lower_to_segment(distance, start, end, (1 + 2 * REACH) * radius, window.factor)
        return 1 - distance / np.float32(radius)

    def _pixels(self, photo_hw: SizeHW) -> Float32:
        size_wh = np.asarray(photo_hw[::-1], np.float32)
        return np.asarray(self.points_xy, np.float32) * size_wh


def are_points(text: str) -> bool:
    """Whether a text looks like points and not like the name of a file."""
    return re.fullmatch(r"[-+\d.eE,;\s]+", unicodedata.normalize("NFKC", text)) is not None


def parse_strokes(text: str, mode: StrokeMode) -> tuple[Stroke, ...]:
    """Read strokes from text: x,y[,radius];x,y..., and spaces between strokes.

    Args:
        text: x and y are shares of the photo's width and height, the radius one of its longest
            side. A stroke's radius stands at one of its points; by default it is DEFAULT_RADIUS.
        mode: of all of the strokes.

    Raises:
        ChoiceError: the text cannot be read or is too long, or a value is out of range.
    """
    plain = unicodedata.normalize("NFKC", text[: MAX_TEXT_LENGTH + 1])
    try:
        parts = plain.split()
        if not 0 < len(parts) <= MAX_STROKES or len(plain) > MAX_TEXT_LENGTH:
            raise ValueError
        return tuple(_parse_stroke(part, mode) for part in parts)
    except ChoiceError:  # a value is out of range; it is a ValueError, too
        raise
    except ValueError as error:
        raise ChoiceError(
            f"{text[:20]!r} is not a stroke. Write points as x,y[,radius];x,y..., in shares of the "
            "photo from 0 to 1, and a space between strokes.",
            f"{text[:20]!r} 不是有效的笔画。请写成 x,y[,半径];x,y…，数值为照片的比例（0 到 1），"
            "多个笔画用空格分隔。",
        ) from error


def _parse_stroke(text: str, mode: StrokeMode) -> Stroke:
    """Read one stroke. Raises ValueError if the text is not a stroke."""
    points: list[tuple[float, float]] = []
    radius = DEFAULT_RADIUS
    for point in text.strip(";").split(";"):
        x, y, *rest = (float(number) for number in point.split(","))
        points.append((x, y))
        if rest:
            (radius,) = rest
    return Stroke(mode, radius, tuple(points))


def clip_box(edges: tuple[float, ...], photo_hw: SizeHW) -> BoxXYXY | None:
    """The whole pixels of a photo in a box; None if there are none.

    Args:
        edges: left, top, right and bottom, in photo pixels.
        photo_hw: height and width of the photo.
    """
    height, width = photo_hw
    left, top = max(0, int(np.floor(edges[0]))), max(0, int(np.floor(edges[1])))
    right, bottom = min(width, int(np.ceil(edges[2]))), min(height, int(np.ceil(edges[3])))
    return (left, top, right, bottom) if left < right and top < bottom else None


def _spaced(points: Float32, spacing: float) -> list[int]:
    """Indices of the points (N, 2) no closer than a spacing to the one before, and of the last."""
    kept = [0]
    for index, point in enumerate(points[1:-1], 1):
        if hypot(*(point - points[kept[-1]])) >= spacing:
            kept.append(index)
    return [*kept, len(points) - 1] if len(points) > 1 else kept


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
