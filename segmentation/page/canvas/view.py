"""What the canvas shows: one immutable value, sent to the browser as JSON."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from gradio import FileData

from segmentation.arrays import BoxShare, PointShare

# What a full-resolution tile is cut from.
TileSource = Literal["result", "original"]
# Least and largest `CanvasPlacement.scale`.
SCALES = 0.05, 2.0


@dataclass(frozen=True, slots=True)
class CanvasObject:
    """An object that can be chosen.

    Attributes:
        id: of the instance, also in the object map.
        name: for the visitor, in their language.
        colour: #rrggbb of its outline.
        number_xy: where its number stands, as shares of the photo.
    """

    id: int
    name: str
    colour: str
    number_xy: PointShare


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture at full resolution.

    Attributes:
        path: of the image.
        box_xyxy: where it lies, as shares of the picture.
        source: the picture.
    """

    path: str
    box_xyxy: BoxShare
    source: TileSource


@dataclass(frozen=True, slots=True)
class CanvasPlacement:
    """Objects that are placed in another photo, and can be moved there.

    Attributes:
        image: path of their picture, which is just their box.
        box_xyxy: where it lies, as shares of the other photo; it may reach beyond 0..1.
        scale: see `Scene`. The position is the middle of the box.
    """

    image: str
    box_xyxy: BoxShare
    scale: float


@dataclass(frozen=True, slots=True)
class CanvasView:
    """The content of the canvas.

    Attributes:
        photo: path of the reduced photo.
        photo_wh: width and height of the photo itself, in pixels.
        object_map: path of the object map, see `object_map`.
        objects: those in the map.
        selected: ids of the chosen objects.
        clicked: ids under the last click, see `PhotoState`.
        result: path of the reduced cut-out.
        result_wh: width and height of the cut-out itself, in pixels.
        before: path of what stands beside the result if that is not the photo.
        frame_xyxy: the part of the photo that the result shows, as shares of the photo, perhaps
            beyond 0..1; None if a point of the result is not a point of the photo.
        placement: the objects, if they are placed in another photo.
        can_undo, can_redo: whether there is a step to undo or to redo.
        notice: what the visitor should know or do next.
        tile: the visible part at full resolution, if the browser asked for it.
    """

    photo: str
    photo_wh: tuple[int, int]
    object_map: str
    objects: tuple[CanvasObject, ...]
    selected: tuple[int, ...]
    clicked: tuple[int, ...]
    result: str
    result_wh: tuple[int, int]
    before: str | None
    frame_xyxy: BoxShare | None
    placement: CanvasPlacement | None
    can_undo: bool
    can_redo: bool
    notice: str = ""
    tile: Tile | None = None

    def as_json(self) -> dict[str, Any]:
        """The view as JSON; Gradio adds an address to each of the files."""
        tile, placement = self.tile, self.placement
        return {
            "photo": _file(self.photo),
            "photo_wh": self.photo_wh,
            "object_map": _file(self.object_map),
            "objects": [asdict(item) for item in self.objects],
            "selected": self.selected,
            "clicked": self.clicked,
            "result": _file(self.result),
            "result_wh": self.result_wh,
            "before": _file(self.before) if self.before else None,
            "frame_xyxy": self.frame_xyxy,
            "placement": placement and {**asdict(placement), "image": _file(placement.image)},
            "can_undo": self.can_undo,
            "can_redo": self.can_redo,
            "notice": self.notice,
            "tile": tile
            and {"image": _file(tile.path), "box_xyxy": tile.box_xyxy, "source": tile.source},
        }


def _file(path: str) -> dict[str, Any]:
    data: dict[str, Any] = FileData(path=path).model_dump()
    return data
