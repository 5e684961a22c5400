"""The separable convolution: the same numbers in every graph, and in a saved checkpoint."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from convert.checkpoint import Checkpoint, load_checkpoint
from convert.graph.int8.rewrite import quantize_graph
from convert.graph.mask2former import write_graph
from convert.graph.operator_rules.check import check
from convert.graph.separable_convolution import SeparableConv2d, separate_convolution
from convert.graph.subject_decoder import with_subject
from convert.logits_difference import compare_logits
from tests.convert.graph_run import run_graph
from tests.convert.small_checkpoints import save, small_checkpoint

SIZE_HW = 64, 96
IMAGE = np.random.default_rng(1).integers(0, 256, (1, *SIZE_HW, 3), np.uint8)
FULL = small_checkpoint("resnet")


@cache
def separable(*, has_subject: bool = False) -> Checkpoint:
    model = deepcopy(FULL.model)
    separate_convolution(model)
    return Checkpoint(with_subject(model) if has_subject else model, FULL.processor)


def test_graphs_agree_with_the_checkpoint_for_onnxruntime_in_int8_and_for_ascend() -> None:
    checkpoint = separable()
    graph = write_graph(checkpoint.model, checkpoint.input_spec, SIZE_HW)
    for_ascend = write_graph(checkpoint.model, checkpoint.input_spec, SIZE_HW, "ascend")
    assert check(for_ascend) == ()
    expected = checkpoint.run(IMAGE)
    for exact in (graph, for_ascend):
        found = compare_logits(expected, run_graph(exact, IMAGE))
        assert found.class_max <= 1e-4
        assert found.mask_max <= 1e-3
    assert (
        compare_logits(expected, run_graph(quantize_graph(graph, {}), IMAGE)).mask_agreement > 0.98
    )
    # Else the test would not see which of the two convolutions is written.
    assert compare_logits(FULL.run(IMAGE), expected).mask_max > 0.1


@pytest.mark.parametrize("has_subject", [False, True])
def test_a_saved_checkpoint_keeps_its_separable_convolution(
    tmp_path: Path, *, has_subject: bool
) -> None:
    checkpoint = separable(has_subject=has_subject)
    loaded = load_checkpoint(save(checkpoint, tmp_path))
    assert loaded.has_subject == has_subject
    np.testing.assert_array_equal(loaded.run(IMAGE)[1], checkpoint.run(IMAGE)[1])


def test_kernels_that_are_products_are_separated_exactly() -> None:
    model = deepcopy(FULL.model)
    decoder = model.model.pixel_level_module.decoder
    generator = torch.Generator().manual_seed(0)
    column, row = (
        torch.randn(shape, generator=generator) for shape in ((32, 32, 1, 1), (1, 32, 3, 3))
    )
    decoder.layer_1[0].weight.data = column * row
    features = torch.randn(1, 32, 5, 7, generator=generator)
    with torch.no_grad():
        expected = decoder.layer_1[0](features)
        separate_convolution(model)
        assert isinstance(decoder.layer_1[0], SeparableConv2d)
        torch.testing.assert_close(decoder.layer_1[0](features), expected, rtol=1e-4, atol=1e-4)
