"""The feature levels of the pixel decoder: their sizes, and where their cells lie in the image."""

import math
from dataclasses import dataclass

import numpy as np

from convert.graph.graph import Graph, Value


@dataclass(frozen=True, slots=True)
class Level:
    """The size of a map.

    Attributes:
        height: int64 value of shape (1,).
        width: int64 value of shape (1,).
        cells: their product, int64 value of shape (1,).
        max_width: the largest width that the graph has to take.
    """

    height: Value
    width: Value
    cells: Value
    max_width: int


def cell_counts(graph: Graph, levels: list[Level]) -> Value:
    """Concatenate the numbers of cells of all levels: the int64 (L,) that a Split takes."""
    return graph.op("Concat", *[level.cells for level in levels], axis=0)


def sine_position(graph: Graph, level: Level, channels: int) -> Value:
    """Compute the sine position encoding of a level.

    Carion et al. 2020 (DETR), normalised to 2 pi, temperature 10000.

    Returns:
        Tokens (cells, channels); the first half of the channels encodes y, the second x.
    """
    half = channels // 2
    frequency = 10000 ** (-np.arange(0, half, 2, dtype=np.float64) / half)

    def encode(side: Value) -> Value:
        """Encode the positions along a side: (side, half)."""
        position = graph.op("Add", _range(graph, side), graph.floats(1))
        length = graph.op("Add", graph.op("Cast", side, to=1), graph.floats(1e-6))
        phase = graph.op("Mul", graph.op("Div", position, length), graph.floats(2 * math.pi))
        angle = graph.op(
            "Mul", graph.reshape(phase, -1, 1, 1), graph.floats(frequency.reshape(1, -1, 1))
        )
        pairs = graph.op("Concat", graph.op("Sin", angle), graph.op("Cos", angle), axis=2)
        return graph.reshape(pairs, -1, half)

    shape = graph.op("Concat", level.height, level.width, graph.ints(half), axis=0)
    rows = graph.op("Expand", graph.reshape(encode(level.height), -1, 1, half), shape)
    columns = graph.op("Expand", graph.reshape(encode(level.width), 1, -1, half), shape)
    return graph.reshape(graph.op("Concat", rows, columns, axis=2), -1, channels)


def cell_centres(graph: Graph, levels: list[Level]) -> Value:
    """Compute the centres of the cells of all levels.

    Returns:
        float32 (N, 2), x before y, as fractions of the image's sides.
    """
    centres_xy = []
    for level in levels:
        shape = graph.op("Concat", level.height, level.width, graph.ints(1), axis=0)
        x = graph.op("Expand", graph.reshape(_centres(graph, level.width), 1, -1, 1), shape)
        y = graph.op("Expand", graph.reshape(_centres(graph, level.height), -1, 1, 1), shape)
        centres_xy.append(graph.reshape(graph.op("Concat", x, y, axis=2), -1, 2))
    return graph.op("Concat", *centres_xy, axis=0)


def _centres(graph: Graph, side: Value) -> Value:
    """The centres of the cells along a side, as fractions of the side: float32 (side,)."""
    centre = graph.op("Add", _range(graph, side), graph.floats(0.5))
    return graph.op("Div", centre, graph.op("Cast", side, to=1))


def _range(graph: Graph, side: Value) -> Value:
    """0, 1, ... side - 1 as float32 (side,)."""
    zero, one = graph.const(np.int64(0)), graph.const(np.int64(1))
    return graph.op("Cast", graph.op("Range", zero, graph.op("Squeeze", side), one), to=1)
