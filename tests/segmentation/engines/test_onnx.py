"""The onnxruntime engine: the bundled graph, the choice of graphs, and errors."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segmentation.arrays import SizeHW, UInt8
from segmentation.engines.onnx import OnnxEngine
from segmentation.engines.registry import open_engine
from segmentation.errors import EngineUnavailable, InferenceFailed, ModelDamaged
from segmentation.image.read import read_photo
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import Artifact, ModelCard, find_model
from segmentation.parallel.cores import available_cores
from tests.paths import EXAMPLES
from tests.stand_ins.om_card import write_onnx
from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import hide_acl

CARD = find_model("compact")
EXAMPLE = EXAMPLES / "chelsea.png"


@pytest.fixture(scope="module")
def engine() -> OnnxEngine:
    return OnnxEngine(CARD, threads=1)


@pytest.fixture(scope="module")
def pixel_values() -> UInt8:
    values, _ = preprocess(read_photo(EXAMPLE).rgb, CARD.input, [(192, 384)], CARD.mask_stride)
    return values


def card_with(folder: Path, *artifacts: Artifact) -> ModelCard:
    return replace(CARD, folder=folder, artifacts=artifacts)


def test_the_bundled_graph_matches_its_card(engine: OnnxEngine, pixel_values: UInt8) -> None:
    classes, masks = engine.run(pixel_values)
    assert classes.dtype == masks.dtype == np.float32
    assert classes.shape == (len(masks), len(CARD.labels) + 1)
    assert masks.shape[1:] == (192 // CARD.mask_stride, 384 // CARD.mask_stride)
    assert engine.input == CARD.input
    assert engine.sizes_hw == CARD.artifacts[0].sizes_hw
    assert engine.device == "onnxruntime CPU"


@pytest.mark.parametrize("size_hw", CARD.artifacts[0].sizes_hw)
def test_every_size_of_the_card_runs(engine: OnnxEngine, size_hw: SizeHW) -> None:
    masks = engine.run(np.zeros((1, *size_hw, 3), np.uint8)).masks_queries_logits
    assert masks.shape[1:] == tuple(side // CARD.mask_stride for side in size_hw)
    assert np.isfinite(masks).all()


def test_eight_threads_get_the_same_logits_as_one(engine: OnnxEngine, pixel_values: UInt8) -> None:
    photos = [np.roll(pixel_values, 20 * shift, axis=2) for shift in range(4)]
    expected = [engine.run(photo) for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: engine.run(photos[number % 4]), range(16)))
    for number, logits in enumerate(results):
        np.testing.assert_array_equal(logits[0], expected[number % 4][0])
        np.testing.assert_array_equal(logits[1], expected[number % 4][1])


@pytest.mark.parametrize("spin", [False, True])
def test_threads_spin_only_if_asked_to_and_never_between_inferences(
    tmp_path: Path, spin: bool
) -> None:
    artifact = write_onnx(tmp_path, small_model((32, 32), "NHWC"))
    engine = OnnxEngine(card_with(tmp_path, artifact), spin=spin)
    options = engine._session(artifact).get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == str(int(spin))
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"


def test_as_many_photos_run_at_a_time_as_there_are_cores_for() -> None:
    cores = available_cores()
    assert OnnxEngine(CARD, threads=1).max_concurrency == cores
    assert OnnxEngine(CARD, threads=cores).max_concurrency == 1
    assert OnnxEngine(CARD, threads=2 * cores).max_concurrency == 1
    assert OnnxEngine(CARD).max_concurrency == 1  # with all cores


def test_an_engine_may_be_closed_twice() -> None:
    engine = OnnxEngine(CARD, threads=1)
    engine.close()
    engine.close()


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_missing_precision_is_refused(precision: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"no {precision} graph"):
        open_engine(CARD, "onnx", precision)


def test_a_card_without_graphs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="has no onnx graph"):
        open_engine(card_with(tmp_path), "onnx")


def test_only_the_requested_precision_is_opened(tmp_path: Path) -> None:
    good = write_onnx(tmp_path, small_model((32, 32), "NHWC"), precision="fp16")
    broken = write_onnx(tmp_path, b"broken", "broken.onnx")
    engine, notices = open_engine(card_with(tmp_path, broken, good), "onnx", "fp16")
    assert engine.sizes_hw == ((32, 32),)
    assert notices == ()


@pytest.mark.parametrize("content", [b"", b"not a graph at all", small_model((32, 32))[:200]])
def test_a_graph_that_cannot_be_loaded_is_damaged(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ModelDamaged, match=r"cannot load model\.onnx"):
        open_engine(card_with(tmp_path, write_onnx(tmp_path, content)), "onnx")


def test_an_altered_graph_is_not_loaded(tmp_path: Path) -> None:
    artifact = write_onnx(tmp_path, small_model((32, 32)))
    (tmp_path / "model.onnx").write_bytes(small_model((64, 64)))
    with pytest.raises(ModelDamaged, match="not the file its card describes"):
        open_engine(card_with(tmp_path, artifact), "onnx")


def test_an_input_that_the_graph_refuses_fails_the_inference(tmp_path: Path) -> None:
    artifact = write_onnx(tmp_path, small_model((64, 64), "NHWC"))
    engine, _ = open_engine(card_with(tmp_path, artifact), "onnx")
    with pytest.raises(InferenceFailed):
        engine.run(np.zeros((1, 32, 32, 3), np.uint8))


def test_auto_is_onnxruntime_on_a_host_without_ascend(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_acl(monkeypatch)
    engine, notices = open_engine(CARD, threads=1)
    assert isinstance(engine, OnnxEngine)
    assert notices == ()


def test_a_forced_engine_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_acl(monkeypatch)
    with pytest.raises(EngineUnavailable):
        open_engine(CARD, "ascend")
