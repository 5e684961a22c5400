"""The data of the canvas' events, which a client may write by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from segmentation.compositing.strokes import MAX_POINTS, Stroke
from segmentation.errors import ChoiceError
from segmentation.page.canvas.events import (
    MAX_TRACE_POINTS,
    Pick,
    Placement,
    TileRequest,
    read_box,
    read_pick,
    read_place,
    read_stroke,
    read_tile,
)

PICK = {"point_xy": [0.25, 0.5], "ids": [2, 1]}
STROKE = {"mode": "keep", "radius": 0.1, "points_xy": [[0, 0], [1, 0.5]]}
BOX = {"box_xyxy": [0.25, 0, 0.75, 1.5], "trace_xy": []}
TRACE = {**BOX, "trace_xy": [[0.25, -0.1], [0.75, 0.5]]}
PLACE = {"scale": 0.71234, "position_xy": [0.25, 1.5]}
TILE = {"box_xyxy": [0, 0, 0.5, 0.5], "side": 800, "source": "result"}


def test_what_the_page_sends_is_read() -> None:
    assert read_pick(PICK) == Pick((0.25, 0.5), (2, 1))
    assert read_stroke(STROKE) == Stroke("keep", 0.1, ((0, 0), (1, 0.5)))
    box_xyxy = 50, 0, 150, 100
    assert read_box(BOX, (100, 200)) == (box_xyxy, ()), "cut off at the side of the photo"
    assert read_box(TRACE, (100, 200)) == (box_xyxy, ((50, 0), (150, 50)))
    assert read_place(PLACE) == Placement(0.712, (0.25, 1)), "kept within the other photo"
    assert read_place({**PLACE, "scale": 9}).scale == 2
    assert read_tile(TILE) == TileRequest((0, 0, 0.5, 0.5), 800, "result")


NAN = float("nan")
HUGE = 10**400


def read_photo_box(data: Any) -> object:
    return read_box(data, (100, 200))


@pytest.mark.parametrize(
    ("read", "data"),
    [
        *[
            (read, data)
            for read in (read_pick, read_stroke, read_photo_box, read_place, read_tile)
            for data in (None, [], {})
        ],
        (read_pick, {**PICK, "ids": [1, 2, 3, 4]}),
        (read_pick, {**PICK, "ids": [0]}),
        (read_place, {**PLACE, "scale": NAN}),
        (read_pick, {**PICK, "ids": [256]}),
        (read_pick, {**PICK, "ids": [True]}),
        (read_pick, {**PICK, "ids": "12"}),
        (read_pick, {**PICK, "point_xy": [0.5]}),
        (read_pick, {**PICK, "point_xy": [NAN, 0]}),
        (read_pick, {**PICK, "point_xy": ["0", "0"]}),
        (read_pick, {**PICK, "point_xy": [HUGE, 0]}),
        (read_pick, {**PICK, "ids": [HUGE]}),
        (read_stroke, {**STROKE, "radius": HUGE}),
        (read_stroke, {**STROKE, "points_xy": [[-HUGE, 0]]}),
        (read_place, {**PLACE, "scale": HUGE}),
        (read_tile, {**TILE, "side": HUGE}),
        (read_tile, {**TILE, "box_xyxy": [0, 0, 1, HUGE]}),
        (read_stroke, {**STROKE, "mode": "paint"}),
        (read_stroke, {**STROKE, "radius": 0.6}),
        (read_stroke, {**STROKE, "radius": float("inf")}),
        (read_stroke, {**STROKE, "points_xy": []}),
        (read_stroke, {**STROKE, "points_xy": [[0, 0]] * (MAX_POINTS + 1)}),
        (read_stroke, {**STROKE, "points_xy": [[0, 99]]}),
        (read_stroke, {**STROKE, "points_xy": [[{}, 0]]}),
        (read_photo_box, {**BOX, "trace_xy": None}),
        (read_photo_box, {**BOX, "trace_xy": [[0, NAN]]}),
        (read_photo_box, {**BOX, "trace_xy": [[0, 0]] * (MAX_TRACE_POINTS + 1)}),
        (read_tile, {**TILE, "side": 1e9}),
        (read_tile, {**TILE, "source": "/etc/passwd"}),
        (read_tile, {**TILE, "box_xyxy": [0.5, 0, 0.5, 1]}),
        (read_tile, {**TILE, "box_xyxy": [2, 2, 3, 3]}),
    ],
)
def test_anything_else_is_refused(read: Callable[[Any], object], data: Any) -> None:
    with pytest.raises(ChoiceError):
        read(data)
