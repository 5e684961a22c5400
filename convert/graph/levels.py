"""The feature levels of the pixel decoder: their sizes, and where their cells lie in the photo."""

import math
from dataclasses import dataclass

import numpy as np

from convert.graph.graph import Graph, Value


@dataclass(frozen=True, slots=True)
class Level:
    """A map's height, width and number of cells, as int64 values of shape (1,)."""

    height: Value
    width: Value
    cells: Value


def cells_of(graph: Graph, levels: list[Level]) -> Value:
    """The numbers of cells of all levels, as the sizes a Split takes."""
    return graph.op("Concat", *[level.cells for level in levels], axis=0)


def sine_position(graph: Graph, level: Level, channels: int) -> Value:
    """The sine position encoding of a level as tokens (cells, channels), y half first.

    Carion et al. 2020 (DETR), normalised to 2 pi, temperature 10000.
    """
    half = channels // 2
    frequency = 10000 ** (-np.arange(0, half, 2, dtype=np.float64) / half)

    def waves(side: Value) -> Value:
        place = graph.op("Add", _count_to(graph, side), graph.floats(1))
        whole = graph.op("Add", graph.op("Cast", side, to=1), graph.floats(1e-6))
        turn = graph.op("Mul", graph.op("Div", place, whole), graph.floats(2 * math.pi))
        angle = graph.op(
            "Mul", graph.reshape(turn, -1, 1, 1), graph.floats(frequency.reshape(1, -1, 1))
        )
        pairs = graph.op("Concat", graph.op("Sin", angle), graph.op("Cos", angle), axis=2)
        return graph.reshape(pairs, -1, half)

    grid = graph.op("Concat", level.height, level.width, graph.ints(half), axis=0)
    rows = graph.op("Expand", graph.reshape(waves(level.height), -1, 1, half), grid)
    columns = graph.op("Expand", graph.reshape(waves(level.width), 1, -1, half), grid)
    return graph.reshape(graph.op("Concat", rows, columns, axis=2), -1, channels)


def cell_centres(graph: Graph, levels: list[Level]) -> Value:
    """The centres of all levels' cells, as shares of the photo's sides: (N, 2), x first."""
    points = []
    for level in levels:
        grid = graph.op("Concat", level.height, level.width, graph.ints(1), axis=0)
        x = graph.op("Expand", graph.reshape(_centres(graph, level.width), 1, -1, 1), grid)
        y = graph.op("Expand", graph.reshape(_centres(graph, level.height), -1, 1, 1), grid)
        points.append(graph.reshape(graph.op("Concat", x, y, axis=2), -1, 2))
    return graph.op("Concat", *points, axis=0)


def _centres(graph: Graph, side: Value) -> Value:
    half_way = graph.op("Add", _count_to(graph, side), graph.floats(0.5))
    return graph.op("Div", half_way, graph.op("Cast", side, to=1))


def _count_to(graph: Graph, side: Value) -> Value:
    """0, 1, ... side - 1 as float32 (side,)."""
    zero, one = graph.const(np.int64(0)), graph.const(np.int64(1))
    return graph.op("Cast", graph.op("Range", zero, graph.op("Squeeze", side), one), to=1)
