"""Graphs give the numbers of transformers with every backbone, size, target and sampling."""

from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest

from convert.checkpoint import load_checkpoint
from convert.graph.mask2former import MAX_SIDE, Target, write_graph
from convert.graph.operator_rules.check import check
from convert.logits_difference import compare_logits
from segmentation.arrays import SizeHW
from segmentation.engines.base import Logits
from tests.convert.graph_run import run_graph
from tests.convert.small_checkpoints import BACKBONES, SWIN_4_46, small_checkpoint


def write(
    backbone: str,
    size_hw: SizeHW | None,
    target: Target = "onnx",
    sampling: str | None = None,
    max_side: int = MAX_SIDE,
    **fields: Any,
) -> onnx.ModelProto:
    """Write a small checkpoint's graph and check that it is valid ONNX."""
    checkpoint = small_checkpoint(backbone, **fields)
    graph = write_graph(
        checkpoint.model, checkpoint.input_spec, size_hw, target, sampling, max_side
    )
    onnx.checker.check_model(graph)
    return graph


def noise(size_hw: SizeHW) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (1, *size_hw, 3), np.uint8)


@cache
def reference(backbone: str, size_hw: SizeHW, **fields: Any) -> Logits:
    """The result of transformers, which several graphs are compared with."""
    return small_checkpoint(backbone, **fields).run(noise(size_hw))


def assert_same(expected: Logits, logits: Logits) -> None:
    found = compare_logits(expected, logits)
    assert found.class_max <= 1e-4
    assert found.mask_max <= 1e-3
    assert found.mask_agreement >= 0.999


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("size_hw", [(96, 128), (160, 64)])
def test_a_graph_of_a_fixed_size_agrees_with_transformers(backbone: str, size_hw: SizeHW) -> None:
    assert_same(reference(backbone, size_hw), run_graph(write(backbone, size_hw), noise(size_hw)))


@pytest.mark.parametrize("sampling", ["deform-conv", "grid-sample", "gather"])
def test_every_sampling_agrees_at_a_fixed_size(sampling: str) -> None:
    graph = write("swin-window-4", (96, 64), sampling=sampling)
    assert_same(reference("swin-window-4", (96, 64)), run_graph(graph, noise((96, 64))))


@pytest.mark.parametrize(
    ("backbone", "sampling"),
    [
        ("resnet", "deform-conv"),
        ("compact", "deform-conv"),
        ("compact", "grid-sample"),
        ("compact", "gather"),
    ],
)
def test_a_graph_of_dynamic_size_agrees_at_every_size(backbone: str, sampling: str) -> None:
    graph = write(backbone, None, sampling=sampling, max_side=160)
    for size_hw in ((64, 64), (96, 160), (160, 96)):
        assert_same(reference(backbone, size_hw), run_graph(graph, noise(size_hw)))


def test_deform_conv_is_the_default_sampling() -> None:
    operators = {node.op_type for node in write("resnet", None).graph.node}
    assert "DeformConv" in operators


def test_swin_needs_a_fixed_size() -> None:
    with pytest.raises(ValueError, match="fixed size"):
        write("swin", None)


@pytest.mark.parametrize("backbone", ["swin", "resnet"])
@pytest.mark.parametrize("sampling", ["grid-sample", "gather"])
def test_a_graph_for_ascend_agrees_and_keeps_the_rules_of_atc(backbone: str, sampling: str) -> None:
    graph = write(backbone, (96, 64), "ascend", sampling)
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", 16)]
    assert check(graph) == ()
    operators = {node.op_type for node in graph.graph.node}
    assert ("GridSample" in operators) == (sampling == "grid-sample")
    assert_same(reference(backbone, (96, 64)), run_graph(graph, noise((96, 64))))


@pytest.mark.parametrize("fields", [{"enforce_input_projection": True}, {"hidden_dim": 64}])
def test_a_projection_before_the_mask_decoder_is_written(fields: dict[str, Any]) -> None:
    graph = write("compact", (64, 96), **fields)
    assert_same(reference("compact", (64, 96), **fields), run_graph(graph, noise((64, 96))))


def test_a_checkpoint_of_transformers_4_46_keeps_its_numbers() -> None:
    golden = np.load(SWIN_4_46 / "golden.npz")
    checkpoint = load_checkpoint(SWIN_4_46)
    expected = Logits(golden["class_queries_logits"], golden["masks_queries_logits"])
    image = golden["image"][None]
    graph = write_graph(checkpoint.model, checkpoint.input_spec, image.shape[1:3])
    assert checkpoint.labels == ("person", "dog", "sofa")
    assert_same(expected, checkpoint.run(image))
    assert_same(expected, run_graph(graph, image))
