"""The check of an OM against the ONNX graph, on the stand-in of the chip."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from convert.graph.retarget.batch import batch
from convert.graph.retarget.point_sampling import POINT_SAMPLERS
from convert.graph.retarget.retarget import retarget
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.errors import EngineUnavailable
from segmentation.inference.segmenter import Segmenter
from segmentation.inference.self_check import LEAST_IOU, checked_overlap
from segmentation.model_card import ModelCard, find_model
from tests.stand_ins.om_card import bundled_om, write_artifact
from tests.stand_ins.toolkit import fresh_acl

SIZE_HW = (288, 384)


@pytest.fixture
def acl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The stand-in of pyACL, with an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return fresh_acl(monkeypatch)


def card_with_om(folder: Path, om: Any) -> ModelCard:
    """The bundled model with an OM of one size."""
    bundled = find_model("compact")
    (graph, *_) = bundled.artifacts
    (folder / graph.file).write_bytes(bundled.path(graph).read_bytes())
    artifact = write_artifact(om, folder / "a.om", [SIZE_HW])
    graph = replace(graph, sizes_hw=(SIZE_HW,))
    return replace(bundled, folder=folder, artifacts=(graph, artifact))


def altered(content: bytes) -> bytes:
    """The graph with the wrong sign of one of its weights."""
    model = onnx.load_from_string(content)
    weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    wrong = -numpy_helper.to_array(weight)
    weight.CopyFrom(numpy_helper.from_array(wrong.astype(np.float32), weight.name))
    return model.SerializeToString()


def notices_after_check(card: ModelCard) -> list[str]:
    """Open the engine, wait for the check, and return the English notices."""
    segmenter = Segmenter(card, "ascend", checks_itself=True)
    segmenter.open()
    assert segmenter._self_check is not None
    segmenter._self_check.wait()
    notices = [notice.en for notice in segmenter.notices]
    segmenter.close()
    return notices


def test_a_wrong_om_is_noticed_once_and_remembered(acl: ModuleType, tmp_path: Path) -> None:
    from stand_in_om import compile_om

    bundled = find_model("compact")
    content = bundled.path(bundled.artifacts[0]).read_bytes()
    (tmp_path / "wrong").mkdir()
    wrong = card_with_om(tmp_path / "wrong", compile_om(altered(content), [SIZE_HW]))
    (notice,) = notices_after_check(wrong)
    assert "a.om does not compute what the ONNX graph does" in notice
    assert "--precision cube" in notice
    runs = acl.stand_in.chip.calls["mdl.execute_async"]
    assert notices_after_check(wrong) == [notice]
    assert acl.stand_in.chip.calls["mdl.execute_async"] == runs == 1
    (tmp_path / "right").mkdir()
    assert notices_after_check(card_with_om(tmp_path / "right", bundled_om(SIZE_HW))) == []
    assert acl.stand_in.chip.calls["mdl.execute_async"] == 2


@pytest.mark.usefixtures("acl")
def test_an_om_for_several_photos_is_checked_beside_that_for_one(tmp_path: Path) -> None:
    from stand_in_om import compile_om

    bundled = find_model("compact")
    content = bundled.path(bundled.artifacts[0]).read_bytes()
    card = card_with_om(tmp_path, bundled_om(SIZE_HW))
    graph = retarget(onnx.load_from_string(altered(content)), SIZE_HW, "grid-sample")
    together = batch(graph, 2, POINT_SAMPLERS["grid-sample"]).SerializeToString()
    om = write_artifact(compile_om(together, [SIZE_HW]), tmp_path / "two.om", [SIZE_HW])
    card = replace(card, artifacts=(*card.artifacts, replace(om, batch=2)))
    (notice,) = notices_after_check(card)
    assert "two.om does not compute what the ONNX graph does" in notice


@pytest.mark.usefixtures("acl")
def test_an_om_of_another_size_than_the_graphs_is_not_checked(tmp_path: Path) -> None:
    card = card_with_om(tmp_path, bundled_om(SIZE_HW))
    graph, om = card.artifacts
    card = replace(card, artifacts=(replace(graph, sizes_hw=((384, 384),)), om))
    engine = AscendEngine(card)
    with pytest.raises(EngineUnavailable, match="no ONNX graph of the size"):
        checked_overlap(card, engine, om)
    engine.close()


@pytest.mark.usefixtures("acl")
def test_an_om_is_checked_against_the_first_graph_whatever_its_precision(tmp_path: Path) -> None:
    card = card_with_om(tmp_path, bundled_om(SIZE_HW))
    graph, om = card.artifacts
    card = replace(card, artifacts=(replace(graph, precision="fp16"), om))
    engine = AscendEngine(card)
    assert checked_overlap(card, engine, om) >= LEAST_IOU
    engine.close()


def test_nothing_is_checked_on_onnxruntime() -> None:
    segmenter = Segmenter(find_model("compact"), "onnx", checks_itself=True)
    segmenter.open()
    assert segmenter._self_check is None
    segmenter.close()
