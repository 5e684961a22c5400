"""The written graphs give transformers' numbers, whatever backbone, size, target or sampling."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from convert.checkpoint import Checkpoint, load_checkpoint
from convert.exportable import OUTPUTS, Target, write_graph
from convert.graph.ascend_graph import AscendGraph
from convert.graph.graph import Graph
from convert.graph.mask_decoder import MASKED, attention_bias
from convert.graph.operator_rules import check
from convert.graph.swin import head_rows, rows_back, window_places
from convert.measure.logits_difference import LogitsDifference, compare_logits
from segmentation.arrays import SizeHW
from segmentation.engines.base import Logits
from tests.convert.small_checkpoints import BACKBONES, SWIN_4_46, save, small_checkpoint


def run(graph: onnx.ModelProto, image: np.ndarray) -> Logits:
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    classes, masks = session.run(list(OUTPUTS), {"image": image})
    return Logits(classes[0], masks[0])


def noise(size_hw: SizeHW) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (1, *size_hw, 3), np.uint8)


def compare(
    checkpoint: Checkpoint,
    size_hw: SizeHW,
    target: Target = "onnx",
    sampling: str | None = None,
) -> LogitsDifference:
    graph = write_graph(checkpoint.model, checkpoint.input_spec, size_hw, target, sampling)
    onnx.checker.check_model(graph)
    image = noise(size_hw)
    return compare_logits(checkpoint.run(image), run(graph, image))


def assert_same(found: LogitsDifference) -> None:
    assert found.class_max <= 1e-4
    assert found.mask_max <= 1e-3
    assert found.mask_agreement >= 0.999


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("size_hw", [(96, 128), (160, 64)])
def test_fixed_sizes(backbone: str, size_hw: SizeHW) -> None:
    assert_same(compare(small_checkpoint(backbone), size_hw))


@pytest.mark.parametrize("backbone", ["resnet", "compact"])
def test_one_graph_of_free_size_serves_every_size(backbone: str) -> None:
    checkpoint = small_checkpoint(backbone)
    graph = write_graph(checkpoint.model, checkpoint.input_spec, None)
    for size_hw in ((64, 64), (96, 160), (160, 96)):
        image = noise(size_hw)
        assert_same(compare_logits(checkpoint.run(image), run(graph, image)))


def test_swin_has_no_graph_of_free_size() -> None:
    checkpoint = small_checkpoint("swin")
    with pytest.raises(ValueError, match="fixed size"):
        write_graph(checkpoint.model, checkpoint.input_spec, None)


@pytest.mark.parametrize("backbone", ["swin", "resnet"])
@pytest.mark.parametrize("sampling", ["grid-sample", "gather"])
def test_graphs_for_ascend_are_the_same_numbers_and_pass_atcs_rules(
    backbone: str, sampling: str
) -> None:
    checkpoint = small_checkpoint(backbone)
    graph = write_graph(checkpoint.model, checkpoint.input_spec, (96, 64), "ascend", sampling)
    assert [(of.domain, of.version) for of in graph.opset_import] == [("", 16)]
    assert check(graph) == ()
    kinds = {node.op_type for node in graph.graph.node}
    assert ("GridSample" in kinds) == (sampling == "grid-sample")
    image = noise((96, 64))
    assert_same(compare_logits(checkpoint.run(image), run(graph, image)))


@pytest.mark.parametrize("sampling", ["deform-conv", "grid-sample", "gather"])
def test_every_sampling_is_the_same(sampling: str) -> None:
    assert_same(compare(small_checkpoint("swin-window-4"), (96, 64), sampling=sampling))
    checkpoint = small_checkpoint("compact")
    graph = write_graph(checkpoint.model, checkpoint.input_spec, None, sampling=sampling)
    for size_hw in ((64, 64), (96, 160), (160, 96)):
        image = noise(size_hw)
        assert_same(compare_logits(checkpoint.run(image), run(graph, image)))


def test_a_projection_before_the_decoder_is_kept() -> None:
    assert_same(compare(small_checkpoint("compact", enforce_input_projection=True), (64, 96)))
    assert_same(compare(small_checkpoint("compact", hidden_dim=64), (64, 96)))


@pytest.mark.parametrize("kind", [Graph, AscendGraph])
def test_queries_that_may_look_nowhere_look_everywhere(kind: type[Graph]) -> None:
    graph = kind()
    mask_logits = graph.floats([[3, -1, 0, -2], [-1, -5, -2, -1], [1, 2, 3, 4], [-1, 0, -1, -1]])
    bias = graph.constant_value(attention_bias(graph, mask_logits))
    assert bias is not None
    assert bias.tolist() == [
        [0, MASKED, 0, MASKED],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [MASKED, 0, MASKED, MASKED],
    ]


def test_a_checkpoint_of_transformers_4_46_keeps_its_numbers() -> None:
    golden = np.load(SWIN_4_46 / "golden.npz")
    checkpoint = load_checkpoint(SWIN_4_46)
    expected = Logits(golden["class_queries_logits"], golden["masks_queries_logits"])
    image = golden["image"][None]
    graph = write_graph(checkpoint.model, checkpoint.input_spec, image.shape[1:3])
    assert checkpoint.labels == ("person", "dog", "sofa")
    assert_same(compare_logits(expected, checkpoint.run(image)))
    assert_same(compare_logits(expected, run(graph, image)))


def test_a_checkpoint_in_half_precision_is_worked_on_in_full(tmp_path: Path) -> None:
    checkpoint = deepcopy(small_checkpoint("resnet"))
    checkpoint.model.half()
    loaded = load_checkpoint(save(checkpoint, tmp_path / "half"))
    assert {values.dtype for values in loaded.model.parameters()} == {torch.float32}


def test_windows_are_padded_then_rolled() -> None:
    # A map of 2 x 3 tokens in windows of 2, shifted by 1; 6 is padding.
    places = window_places((2, 3), window=2, shift=1)
    assert places.tolist() == [[4, 5, 1, 2], [6, 3, 6, 0]]


def test_rows_come_back_to_where_they_were() -> None:
    places = window_places((5, 6), window=4, shift=2)
    tokens, heads = 30, 3
    values = np.arange((tokens + 1) * 3 * heads)
    gathered = values[head_rows(places, heads, which=2)]
    back = gathered.reshape(-1)[rows_back(places, heads, tokens)]
    assert (back == values.reshape(-1, 3, heads)[:tokens, 2]).all()
