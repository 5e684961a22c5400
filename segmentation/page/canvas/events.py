"""The events of the canvas: their data, checked, since a client may send anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segmentation.arrays import BoxShare, BoxXYXY, PointShare, SizeHW
from segmentation.compositing.strokes import MAX_POINTS, Stroke
from segmentation.errors import ChoiceError
from segmentation.inference.merge import MAX_INSTANCES
from segmentation.page.canvas.object_map import CHANNELS
from segmentation.page.canvas.view import SCALES, TileSource
from segmentation.text_options import is_number

# Longest side of a tile, in pixels of the screen.
MAX_TILE_SIDE = 4096
# Most points of a line that is drawn over an object.
MAX_TRACE_POINTS = 50
# Decimals of a scale and a position: about a pixel of the screen.
DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Pick:
    """A click on an object.

    Attributes:
        point_xy: as shares of the photo.
        ids: of the objects that the object map has there, the one most likely meant first.
    """

    point_xy: PointShare
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TileRequest:
    """A request for a part of a picture at full resolution.

    Attributes:
        box_xyxy: the part, as shares of the picture.
        side: longest side of the part on the screen, in pixels.
        source: the picture.
    """

    box_xyxy: BoxShare
    side: int
    source: TileSource


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the objects are placed in another photo; see `Scene`.

    Attributes:
        scale: within SCALES.
        position_xy: as shares of the other photo, 0..1.
    """

    scale: float
    position_xy: PointShare


def read_pick(data: Any) -> Pick:
    """Read the data of `pick`.

    Raises:
        ChoiceError: it is invalid.
    """
    fields = _fields(data)
    ids = fields.get("ids")
    if not isinstance(ids, list) or len(ids) > CHANNELS:
        raise _invalid()
    return Pick(_point(fields.get("point_xy")), tuple(_id(item) for item in ids))


def read_stroke(data: Any) -> Stroke:
    """Read the data of `stroke`.

    Raises:
        ChoiceError: it is invalid.
    """
    fields = _fields(data)
    mode, points = fields.get("mode"), fields.get("points_xy")
    if mode not in ("keep", "erase") or not isinstance(points, list) or len(points) > MAX_POINTS:
        raise _invalid()
    radius = _number(fields.get("radius"))
    return Stroke(mode, radius, tuple(_point(point) for point in points))


def read_box(data: Any, photo_hw: SizeHW) -> tuple[BoxXYXY, tuple[tuple[int, int], ...]]:
    """Read the data of `box`: a box that was drawn, or that of a line over an object.

    Args:
        data: of the event.
        photo_hw: height and width of the photo.

    Returns:
        The box, and the points of the line, of which a drawn box has none; in photo pixels.

    Raises:
        ChoiceError: it is invalid.
    """
    fields = _fields(data)
    left, top, right, bottom = _box(fields.get("box_xyxy"))
    points = fields.get("trace_xy")
    if not isinstance(points, list) or len(points) > MAX_TRACE_POINTS:
        raise _invalid()
    height, width = photo_hw
    trace = ((_clamp(x, 0, 1), _clamp(y, 0, 1)) for x, y in map(_point, points))
    return (
        (round(left * width), round(top * height), round(right * width), round(bottom * height)),
        tuple((round(x * width), round(y * height)) for x, y in trace),
    )


def read_place(data: Any) -> Placement:
    """Read the data of `place`; values out of range become the nearest ones.

    Raises:
        ChoiceError: it is invalid.
    """
    fields = _fields(data)
    x, y = _point(fields.get("position_xy"))
    scale = _clamp(_number(fields.get("scale")), *SCALES)
    return Placement(scale, (_clamp(x, 0, 1), _clamp(y, 0, 1)))


def read_tile(data: Any) -> TileRequest:
    """Read the data of `tile`.

    Raises:
        ChoiceError: it is invalid.
    """
    fields = _fields(data)
    source, side = fields.get("source"), _number(fields.get("side"))
    if source not in ("result", "original") or not 1 <= side <= MAX_TILE_SIDE:
        raise _invalid()
    return TileRequest(_box(fields.get("box_xyxy")), round(side), source)


def _fields(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise _invalid()
    return data


def _number(value: Any) -> float:
    if not is_number(value):
        raise _invalid()
    return float(value)


def _clamp(value: float, low: float, high: float) -> float:
    return round(min(max(value, low), high), DECIMALS)


def _id(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_INSTANCES:
        raise _invalid()
    return value


def _point(value: Any) -> PointShare:
    if not isinstance(value, list) or len(value) != 2:
        raise _invalid()
    return _number(value[0]), _number(value[1])


def _box(value: Any) -> BoxShare:
    if not isinstance(value, list) or len(value) != 4:
        raise _invalid()
    left, top, right, bottom = (min(max(_number(edge), 0.0), 1.0) for edge in value)
    if not (left < right and top < bottom):
        raise _invalid()
    return left, top, right, bottom


def _invalid() -> ChoiceError:
    return ChoiceError(
        "The canvas sent something that cannot be read. Reload the page.",
        "画布发送的内容无法识别，请刷新页面。",
    )
