"""The operators by which a graph for atc can sample maps at points; all give the same numbers."""

from collections.abc import Callable, Mapping

import numpy as np

from convert.graph.graph import Graph, Value
from convert.graph.sampling.gather import corners_along

PointSampler = Callable[[Graph, Value, Value, tuple[int, int, int, int]], Value]
"""(graph, maps, grid, shape of the maps) to samples: maps (N, C, H, W) sampled bilinearly at a grid
(N, h, w, 2) of x, y in -1..1, with zeros outside: (N, C, h, w)."""


def _grid_sample(
    graph: Graph, maps: Value, grid: Value, _shape: tuple[int, int, int, int]
) -> Value:
    return graph.grid_sample(maps, grid)


def _grid_sample_v2(
    graph: Graph, maps: Value, grid: Value, _shape: tuple[int, int, int, int]
) -> Value:
    """Use the AI Core operator of CANN, which onnxruntime does not have.

    It takes NHWC and returns NCHW: grid_sample_onnx_plugin.cpp and grid_sample_def.cpp of
    github.com/hicann/ops-cv.
    """
    return graph.op(
        "GridSampleV2",
        graph.transpose(maps, 0, 2, 3, 1),
        grid,
        mode="bilinear",
        padding_mode="zeros",
        align_corners=0,
        channel_last=1,
        scheduler_mode=1,
    )


def _gather(graph: Graph, maps: Value, grid: Value, shape: tuple[int, int, int, int]) -> Value:
    """Gather the four cells around each point, for chips that compute GridSample wrongly."""
    count, channels, height, width = shape
    rows = graph.reshape(graph.transpose(maps, 0, 2, 3, 1), -1, channels)
    corners = []
    for axis, side in enumerate((width, height)):
        place = graph.op("Gather", grid, graph.ints(axis), axis=3)
        scaled = graph.op("Mul", place, graph.floats(side / 2))
        position = graph.op("Add", scaled, graph.floats((side - 1) / 2))
        corners.append(corners_along(graph, position, graph.floats(side)))
    first = graph.const((np.arange(count, dtype=np.int32) * height * width).reshape(-1, 1, 1, 1))
    parts = []
    for x, x_weight in corners[0]:
        for y, y_weight in corners[1]:
            row = graph.op("Add", graph.op("Mul", y, graph.const(np.int32(width))), x)
            row = graph.op("Squeeze", graph.op("Add", row, first), graph.ints(3))
            samples = graph.op("Gather", rows, row, axis=0)
            parts.append(graph.op("Mul", samples, graph.op("Mul", x_weight, y_weight)))
    return graph.transpose(graph.op("Sum", *parts), 0, 3, 1, 2)


POINT_SAMPLERS: Mapping[str, PointSampler] = {
    "grid-sample": _grid_sample,
    "grid-sample-v2": _grid_sample_v2,
    "gather": _gather,
}
