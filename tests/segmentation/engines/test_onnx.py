"""onnxruntime: the bundled graph, the choice of graphs, and what goes wrong."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segmentation.arrays import UInt8
from segmentation.engines.onnx import OnnxEngine
from segmentation.engines.registry import open_engine
from segmentation.errors import EngineUnavailable, InferenceFailed, ModelDamaged
from segmentation.image.read import read_photo
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import Artifact, ModelCard, find_model
from tests.paths import EXAMPLES
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


def artifact(folder: Path, name: str, content: bytes, precision: str = "fp32") -> Artifact:
    (folder / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Artifact(name, "onnx", precision, ((32, 32),), len(content), digest)


def card_of(folder: Path, *artifacts: Artifact) -> ModelCard:
    return replace(CARD, folder=folder, artifacts=artifacts)


def test_the_bundled_graph_keeps_what_the_card_promises(
    engine: OnnxEngine, pixel_values: UInt8
) -> None:
    classes, masks = engine.run(pixel_values)
    assert classes.dtype == masks.dtype == np.float32
    assert classes.shape == (len(masks), len(CARD.labels) + 1)
    assert masks.shape[1:] == (192 // CARD.mask_stride, 384 // CARD.mask_stride)
    assert engine.input == CARD.input
    assert engine.sizes_hw == CARD.artifacts[0].sizes_hw
    assert engine.device == "onnxruntime CPU"


@pytest.mark.parametrize("size_hw", CARD.artifacts[0].sizes_hw)
def test_every_size_of_the_card_runs(engine: OnnxEngine, size_hw: tuple[int, int]) -> None:
    masks = engine.run(np.zeros((1, *size_hw, 3), np.uint8)).masks_queries_logits
    assert masks.shape[1:] == tuple(side // CARD.mask_stride for side in size_hw)
    assert np.isfinite(masks).all()


def test_eight_threads_get_what_one_gets(engine: OnnxEngine, pixel_values: UInt8) -> None:
    alone = [engine.run(np.roll(pixel_values, 20 * shift, axis=2)) for shift in range(4)]
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(lambda i: engine.run(np.roll(pixel_values, 20 * (i % 4), axis=2)), range(16))
        )
    for i, logits in enumerate(together):
        np.testing.assert_array_equal(logits[0], alone[i % 4][0])
        np.testing.assert_array_equal(logits[1], alone[i % 4][1])


def test_an_engine_may_be_closed_twice() -> None:
    engine = OnnxEngine(CARD, threads=1)
    engine.close()
    engine.close()


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_a_precision_the_card_lacks_is_refused(precision: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"no {precision} graph"):
        open_engine(CARD, "onnx", precision)


def test_a_card_without_graphs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="has no onnx graph"):
        open_engine(card_of(tmp_path), "onnx")


def test_the_precision_asked_for_is_opened(tmp_path: Path) -> None:
    good = artifact(tmp_path, "model.onnx", small_model((32, 32), "NHWC"), "fp16")
    never_opened = artifact(tmp_path, "broken.onnx", b"broken")
    opened, notices = open_engine(card_of(tmp_path, never_opened, good), "onnx", "fp16")
    assert opened.sizes_hw == ((32, 32),)
    assert notices == ()


@pytest.mark.parametrize("content", [b"", b"not a graph at all", small_model((32, 32))[:200]])
def test_a_graph_onnxruntime_cannot_load_is_damaged(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ModelDamaged, match=r"cannot load model\.onnx"):
        open_engine(card_of(tmp_path, artifact(tmp_path, "model.onnx", content)), "onnx")


def test_an_altered_graph_is_not_loaded(tmp_path: Path) -> None:
    whole = artifact(tmp_path, "model.onnx", small_model((32, 32)))
    (tmp_path / "model.onnx").write_bytes(small_model((64, 64)))
    with pytest.raises(ModelDamaged, match="not the file its card describes"):
        open_engine(card_of(tmp_path, whole), "onnx")


def test_what_the_graph_refuses_is_a_failed_inference(tmp_path: Path) -> None:
    graph = artifact(tmp_path, "model.onnx", small_model((64, 64), "NHWC"))
    engine, _ = open_engine(card_of(tmp_path, graph), "onnx")
    with pytest.raises(InferenceFailed):
        engine.run(np.zeros((1, 32, 32, 3), np.uint8))


def test_without_a_card_in_the_host_auto_is_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_acl(monkeypatch)
    engine, notices = open_engine(CARD, threads=1)
    assert isinstance(engine, OnnxEngine)
    assert notices == ()


def test_a_forced_engine_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_acl(monkeypatch)
    with pytest.raises(EngineUnavailable):
        open_engine(CARD, "ascend")
