"""The choice of an execution provider and of the graphs for it, and the fallback."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segmentation.engines import onnx_providers
from segmentation.engines.onnx import OnnxEngine
from segmentation.engines.onnx_providers import PROVIDERS, candidates, choose_graphs
from segmentation.engines.registry import open_engine
from segmentation.errors import EngineUnavailable, ModelDamaged
from segmentation.model_card import Artifact, find_model
from tests.stand_ins.om_card import small_card, write_onnx
from tests.stand_ins.small_model import small_model

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
DEFORM_CONV = Artifact("a.onnx", "onnx", "fp32", ((32, 32),), 0, "", sampling="deform-conv")
GRID_SAMPLE = replace(DEFORM_CONV, file="b.onnx", sampling="grid-sample")
INT8 = replace(DEFORM_CONV, file="d.onnx", precision="int8")
UNKNOWN = replace(DEFORM_CONV, file="c.onnx", sampling=None)


def test_the_cpu_comes_last() -> None:
    available = [CPU, "OpenVINOExecutionProvider", CUDA]
    assert [spec.key for spec in candidates(None, available)] == ["cuda", "openvino", "cpu"]


def test_a_slow_start_must_be_asked_for() -> None:
    available = ["TensorrtExecutionProvider", CPU]
    assert [spec.key for spec in candidates(None, available)] == ["cpu"]
    assert [spec.key for spec in candidates("tensorrt", available)] == ["tensorrt"]


@pytest.mark.parametrize(
    ("key", "version", "graph"),
    [
        ("cpu", "1.31.1", DEFORM_CONV),
        ("cpu", "1.25.0", DEFORM_CONV),
        ("cpu", "1.24.4", GRID_SAMPLE),
        ("openvino", "1.24.1", GRID_SAMPLE),
        ("openvino", "1.30.0", GRID_SAMPLE),
        ("directml", "1.24.4", GRID_SAMPLE),
    ],
)
def test_each_provider_gets_the_graph_that_it_runs_fastest(
    key: str, version: str, graph: Artifact
) -> None:
    chosen, reason = choose_graphs([DEFORM_CONV, GRID_SAMPLE], PROVIDERS[key], version)
    assert chosen == [graph]
    assert reason is None


@pytest.mark.parametrize(
    ("key", "version", "is_fast", "precision", "graph"),
    [
        ("cpu", "1.31.1", True, None, INT8),
        ("cpu", "1.31.1", False, None, DEFORM_CONV),
        ("cpu", "1.31.1", True, "fp32", DEFORM_CONV),
        ("cpu", "1.31.1", False, "int8", INT8),
        ("cpu", "1.24.4", True, None, GRID_SAMPLE),
        ("openvino", "1.30.0", True, None, GRID_SAMPLE),
        ("cuda", "1.31.1", True, None, GRID_SAMPLE),
    ],
)
def test_int8_is_taken_where_the_processor_multiplies_it_fast_unless_a_precision_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    version: str,
    is_fast: bool,
    precision: str | None,
    graph: Artifact,
) -> None:
    monkeypatch.setattr(onnx_providers, "multiplies_int8_fast", lambda: is_fast)
    graphs = [DEFORM_CONV, GRID_SAMPLE, INT8]
    assert choose_graphs(graphs, PROVIDERS[key], version, precision) == ([graph], None)


def test_an_old_onnxruntime_is_named_with_the_version_that_is_needed() -> None:
    chosen, reason = choose_graphs([DEFORM_CONV], PROVIDERS["cpu"], "1.24.4")
    assert chosen == []
    assert reason is not None
    assert "need onnxruntime 1.25" in reason.en
    assert "1.24.4" in reason.en
    assert "1.25" in reason.zh


def test_a_graph_of_an_older_card_is_taken_to_run() -> None:
    assert choose_graphs([UNKNOWN], PROVIDERS["openvino"], "1.24.1") == ([UNKNOWN], None)


def test_a_provider_that_is_not_installed_names_its_package() -> None:
    with pytest.raises(EngineUnavailable, match="install onnxruntime-directml"):
        open_engine(find_model("compact"), "onnx:directml")


@pytest.fixture
def claimed_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the installed package list a provider that it cannot start."""
    import onnxruntime  # noqa: TID251 # the module that the engine asks

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    silent = replace(PROVIDERS["cuda"], prepare=lambda _: None)
    monkeypatch.setattr(onnx_providers, "PROVIDERS", {**PROVIDERS, "cuda": silent})


@pytest.mark.usefixtures("claimed_cuda")
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_the_next_provider_is_used_with_a_notice(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    card = small_card(tmp_path, [write_onnx(tmp_path, small_model((32, 32)))])
    engine, (notice,) = open_engine(card, "onnx")
    assert engine.device == "onnxruntime CPU"
    assert notice.en.startswith("CUDA is installed but does not start here.")
    assert notice.en.endswith("Using CPU instead.")
    with pytest.raises(EngineUnavailable, match="CUDA is installed but does not start"):
        open_engine(card, "onnx:cuda")
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("claimed_cuda")
def test_a_graph_that_is_missing_is_not_taken_for_a_provider_that_does_not_start(
    tmp_path: Path,
) -> None:
    card = small_card(tmp_path, [write_onnx(tmp_path, small_model((32, 32)))])
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(ModelDamaged, match="missing"):
        open_engine(card, "onnx:cuda")


def test_the_portable_graph_of_the_bundled_model_gives_the_same_logits() -> None:
    card = find_model("compact")
    portable = next(graph for graph in card.artifacts if graph.sampling == "grid-sample")
    assert portable.bytes < 1_000_000, "it shares the weights of the other graph"
    image = np.random.default_rng(0).integers(0, 255, (1, 192, 384, 3)).astype(np.uint8)
    expected = OnnxEngine(card, "fp32", threads=1).run(image)
    logits = OnnxEngine(replace(card, artifacts=(portable,)), threads=1).run(image)
    np.testing.assert_allclose(
        logits.class_queries_logits, expected.class_queries_logits, atol=2e-3
    )
    # The masks' logits reach 42, and differ by 0.002 on a CPU with AVX-512.
    np.testing.assert_allclose(
        logits.masks_queries_logits, expected.masks_queries_logits, atol=0.02
    )
