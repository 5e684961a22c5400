"""The tables of row numbers that stand for Swin's windows."""

import numpy as np

from convert.graph.swin import head_rows, inverse_rows, window_places


def test_windows_are_padded_then_rolled() -> None:
    # A map of 2 x 3 tokens, windows of 2 x 2, a shift of 1; 6 stands for padding.
    places = window_places((2, 3), window=2, shift=1)
    assert places.tolist() == [[4, 5, 1, 2], [6, 3, 6, 0]]


def test_the_inverse_rows_restore_the_order_of_tokens() -> None:
    places = window_places((5, 6), window=4, shift=2)
    tokens, heads = 30, 3
    values = np.arange((tokens + 1) * 3 * heads)
    gathered = values[head_rows(places, heads, part=2)]
    restored = gathered.reshape(-1)[inverse_rows(places, heads, tokens)]
    assert (restored == values.reshape(-1, 3, heads)[:tokens, 2]).all()
