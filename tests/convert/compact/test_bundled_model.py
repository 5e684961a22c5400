"""The graphs of the bundled model, as they are committed."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from segmentation.engines.onnx import OnnxEngine
from segmentation.errors import ModelDamaged
from segmentation.image.read import read_photo
from segmentation.inference.metrics import iou
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.select import segment_and_select
from segmentation.model_card import BUNDLED, load_card
from tests.paths import DATA, EXAMPLES

CHELSEA = DATA / "compact_chelsea_192x384.npz"


def test_the_committed_graph_gives_the_checkpoints_logits() -> None:
    golden = np.load(CHELSEA)
    engine = OnnxEngine(load_card(BUNDLED / "compact"), "fp32")
    logits = engine.run(golden["image"][None])
    np.testing.assert_allclose(
        logits.class_queries_logits, golden["class_queries_logits"], atol=1e-3
    )
    # The file holds the masks in half precision.
    np.testing.assert_allclose(
        logits.masks_queries_logits, golden["masks_queries_logits"], atol=1e-3, rtol=1e-3
    )
    engine.close()


def test_the_portable_graph_has_operators_that_other_run_times_take() -> None:
    """OpenVINO knows no mode `linear`, which GridSample has from opset 20 on."""
    path = BUNDLED / "compact" / "model_portable.onnx"
    model = onnx.load(path, load_external_data=False)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 16)]
    samplers = [node for node in model.graph.node if node.op_type == "GridSample"]
    modes = {item.s for node in samplers for item in node.attribute if item.name == "mode"}
    assert modes == {b"bilinear"}


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_committed_graphs_find_a_cat(precision: str) -> None:
    golden = np.load(CHELSEA)
    card = load_card(BUNDLED / "compact")
    engine = OnnxEngine(card, precision)
    best = engine.run(golden["image"][None]).class_queries_logits[:, :-1].max(0).argmax()
    assert card.labels[best].en == "cat"
    engine.close()


@pytest.mark.parametrize("name", ["astronaut.png", "two_dogs.jpg", "coffee.png"])
def test_the_int8_graph_cuts_the_same_objects_out(name: str) -> None:
    card, photo = load_card(BUNDLED / "compact"), read_photo(EXAMPLES / name)
    masks = []
    for precision in ("fp32", "int8"):
        segmentation, ids, _ = segment_and_select(
            Segmenter(card, "onnx", precision, threads=1), photo, "auto", None
        )
        masks.append(segmentation.mask_logits(ids) > 0)
    assert iou(*masks) > 0.98


def test_the_int8_graph_takes_its_float_weights_from_the_other_file(tmp_path: Path) -> None:
    card = load_card(BUNDLED / "compact")
    float_graph, int8_graph = (
        next(graph for graph in card.graphs if graph.precision == precision)
        for precision in ("fp32", "int8")
    )
    assert int8_graph.weights_file == float_graph.file
    assert int8_graph.bytes < 1_000_000
    shutil.copy(card.path(int8_graph), tmp_path)
    with pytest.raises(ModelDamaged, match=r"model\.onnx of model compact is missing"):
        OnnxEngine(replace(card, folder=tmp_path), "int8")
