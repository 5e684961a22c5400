"""Graphs for onnxruntime, rewritten for atc with the weights that they hold."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from convert.graph.mask2former import write_graph
from convert.graph.operator_rules.check import check
from convert.graph.operator_rules.tensors import collect_tensors
from convert.graph.retarget.point_sampling import POINT_SAMPLERS
from convert.graph.retarget.retarget import retarget
from segmentation.engines.telemetry import import_onnxruntime
from segmentation.errors import ConversionError
from segmentation.model_card import BUNDLED
from tests.convert.small_checkpoints import small_checkpoint

BUNDLED_GRAPH = BUNDLED / "compact" / "model.onnx"


def outputs_of(model: onnx.ModelProto, image: np.ndarray) -> list[np.ndarray]:
    session = import_onnxruntime().InferenceSession(model.SerializeToString())
    return session.run(None, {session.get_inputs()[0].name: image})


def photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (1, height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def bundled() -> onnx.ModelProto:
    """The bundled model's graph, for any size."""
    return onnx.load(BUNDLED_GRAPH)


@pytest.mark.parametrize("sampling", ["grid-sample", "gather"])
def test_the_bundled_graph_keeps_its_numbers(bundled: onnx.ModelProto, sampling: str) -> None:
    image = photo(96, 128)
    model = retarget(bundled, (96, 128), sampling)
    assert check(model, soc="Ascend310P3") == ()
    for found, expected in zip(outputs_of(model, image), outputs_of(bundled, image), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_grid_sample_v2_is_only_for_chips_that_have_it(bundled: onnx.ModelProto) -> None:
    model = retarget(bundled, (96, 96), "grid-sample-v2")
    assert check(model, soc="Ascend910B4") == ()
    assert {violation.op_type for violation in check(model, soc="Ascend310P3")} == {"GridSampleV2"}


@pytest.mark.parametrize("backbone", ["swin", "resnet"])
def test_other_backbones_keep_their_numbers(backbone: str) -> None:
    checkpoint = small_checkpoint(backbone)
    size_hw = (64, 96)
    model = write_graph(checkpoint.model, checkpoint.input_spec, size_hw)
    image = photo(*size_hw)
    rewritten = retarget(model, size_hw, "grid-sample")
    assert check(rewritten) == ()
    for found, expected in zip(outputs_of(rewritten, image), outputs_of(model, image), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def with_heads_as_groups(model: onnx.ModelProto) -> onnx.ModelProto:
    """A graph of fixed size in the form of earlier versions: the heads are offset groups."""
    grouped = onnx.ModelProto()
    grouped.CopyFrom(model)
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    producers = {node.output[0]: node for node in grouped.graph.node}

    def replace_constant(node: onnx.NodeProto, index: int, array: np.ndarray) -> None:
        name = f"{node.name}_{index}_grouped"
        grouped.graph.initializer.append(numpy_helper.from_array(array, name))
        node.input[index] = name

    for node in grouped.graph.node:
        if node.op_type != "DeformConv":
            continue
        for index in (0, 2, 4):
            reshape = producers[node.input[index]]
            heads, channels, *sides = constants[reshape.input[1]]
            # The offsets and weights have -1 there.
            replace_constant(reshape, 1, np.array([1, max(heads * channels, -1), *sides]))
        replace_constant(node, 1, np.tile(constants[node.input[1]], (heads, 1, 1, 1)))
        for attribute in node.attribute:
            if attribute.name in ("group", "offset_group"):
                attribute.i *= heads
    return grouped


def test_the_graphs_of_earlier_versions_keep_their_numbers() -> None:
    checkpoint, size_hw = small_checkpoint("resnet"), (64, 96)
    model = write_graph(checkpoint.model, checkpoint.input_spec, size_hw)
    grouped, image = with_heads_as_groups(model), photo(*size_hw)
    expected = outputs_of(model, image)
    for form in (grouped, retarget(grouped, size_hw, "grid-sample")):
        for found, exact in zip(outputs_of(form, image), expected, strict=True):
            np.testing.assert_allclose(found, exact, atol=1e-3 * np.abs(exact).max())


@pytest.mark.parametrize("sampling", POINT_SAMPLERS)
def test_the_sampling_of_a_graph_for_atc_can_be_changed(sampling: str) -> None:
    checkpoint = small_checkpoint("resnet")
    model = write_graph(checkpoint.model, checkpoint.input_spec, (64, 64), "ascend")
    operators = {node.op_type for node in retarget(model, (64, 64), sampling).graph.node}
    assert ("GridSample" in operators) == (sampling == "grid-sample")
    assert ("GridSampleV2" in operators) == (sampling == "grid-sample-v2")


def test_biases_are_added_inside_products(bundled: onnx.ModelProto) -> None:
    nodes = retarget(bundled, (64, 64), "grid-sample").graph.node
    subtracted = [node.input[0] for node in nodes if node.op_type == "Sub"]
    assert not any(name.startswith("MatMul") for name in subtracted)
    assert not any(node.op_type == "Max" for node in nodes)


def test_norms_have_the_ranks_that_atc_fuses_or_takes(bundled: onnx.ModelProto) -> None:
    model = retarget(bundled, (64, 64), "grid-sample")
    tensors = collect_tensors(model)
    producers = {name: node for node in model.graph.node for name in node.output}
    exponents = [node.input[1] for node in model.graph.node if node.op_type == "Pow"]
    epsilons = [
        producers[node.input[0]].input[1] for node in model.graph.node if node.op_type == "Sqrt"
    ]
    assert {tensors.shapes[name] for name in (*exponents, *epsilons)} == {(1,)}
    normed = [n.input[0] for n in model.graph.node if n.op_type == "InstanceNormalization"]
    assert {len(tensors.shapes[name]) for name in normed} == {4}


def test_an_unknown_form_of_sampling_is_refused(bundled: onnx.ModelProto) -> None:
    changed = onnx.ModelProto()
    changed.CopyFrom(bundled)
    for node in changed.graph.node:
        if node.op_type == "DeformConv":
            node.input[2] = node.input[4]
    with pytest.raises(ConversionError, match="--target ascend"):
        retarget(changed, (64, 64), "grid-sample")


def test_no_torch_is_needed(tmp_path: Path) -> None:
    program = (
        "import sys, onnx\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from convert.graph.retarget.retarget import retarget\n"
        "onnx.save(retarget(onnx.load(sys.argv[1]), (64, 64), 'grid-sample'), sys.argv[2])\n"
    )
    path = tmp_path / "model.onnx"
    subprocess.run([sys.executable, "-c", program, BUNDLED_GRAPH, path], check=True)
    assert path.is_file()
