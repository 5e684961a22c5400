"""Masked attention."""

import numpy as np
import pytest

from convert.graph.ascend_graph import AscendGraph
from convert.graph.graph import Graph
from convert.graph.mask_decoder import MASKED, attention_bias


@pytest.mark.parametrize("graph_class", [Graph, AscendGraph])
def test_a_query_with_an_empty_mask_attends_to_all_cells(graph_class: type[Graph]) -> None:
    graph = graph_class()
    mask_logits = graph.floats([[3, -1, 0, -2], [-1, -5, -2, -1], [1, 2, 3, 4], [-1, 0, -1, -1]])
    bias = graph.constant_value(attention_bias(graph, mask_logits))
    assert bias is not None
    assert bias.tolist() == [
        [0, MASKED, 0, MASKED],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [MASKED, 0, MASKED, MASKED],
    ]


def test_a_masked_cell_counts_for_nothing_and_slows_nothing_down() -> None:
    weight = np.exp(np.float32(MASKED))
    assert np.float32(1) + 1e5 * weight == 1
    assert weight > np.finfo(np.float32).smallest_normal
