"""Which engine runs a model: by what is there, and never silently another one than was forced."""

import hashlib
from pathlib import Path
from types import ModuleType

import pytest

from segmentation.engines.registry import Engine, EngineChoice, open_engine
from segmentation.errors import EngineUnavailable
from segmentation.i18n import Text
from segmentation.inference.registry import ModelRegistry
from segmentation.model_card import Artifact, ModelCard
from tests.stand_ins.om_card import CHIP, small_card, write_om
from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import fresh_acl, hide_acl


@pytest.fixture
def acl(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_acl(monkeypatch)


def small_onnx(folder: Path) -> Artifact:
    content = small_model((32, 32))
    (folder / "model.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Artifact("model.onnx", "onnx", "fp32", ((32, 32),), len(content), digest)


def open_closed(
    card: ModelCard, choice: EngineChoice, precision: str | None = None
) -> tuple[str, tuple[Text, ...]]:
    """The device and the notices of an engine that is closed again."""
    engine: Engine
    engine, notices = open_engine(card, choice, precision)
    engine.close()
    return engine.device, notices


@pytest.mark.usefixtures("acl")
@pytest.mark.parametrize("choice", ["auto", "ascend"])
def test_a_chip_with_an_om_is_taken(tmp_path: Path, choice: EngineChoice) -> None:
    card = small_card(tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)])])
    assert open_closed(card, choice) == (CHIP, ())


@pytest.mark.usefixtures("acl")
def test_onnxruntime_is_taken_where_it_is_forced(tmp_path: Path) -> None:
    card = small_card(tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)])])
    assert open_closed(card, "onnx") == ("onnxruntime CPU", ())


def test_nothing_of_ascend_is_no_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide_acl(monkeypatch)
    card = small_card(tmp_path, [small_onnx(tmp_path)])
    assert open_closed(card, "auto") == ("onnxruntime CPU", ())


@pytest.mark.parametrize(
    ("call", "code", "reason"),
    [
        ("rt.get_device_count", 207006, "HwHiAiUser"),
        ("rt.set_device", 507033, "lost"),
        ("mdl.load_from_file", 507008, "another chip"),
        ("mdl.load_from_file", 545001, "newer CANN"),
        ("rt.malloc", 207001, "full"),
    ],
)
def test_a_chip_that_does_not_work_is_told_of(
    tmp_path: Path, acl: ModuleType, call: str, code: int, reason: str
) -> None:
    card = small_card(tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)])])
    acl.stand_in.inject(call, code)
    device, (notice,) = open_closed(card, "auto")
    assert device == "onnxruntime CPU"
    assert reason in notice.en
    assert notice.en.endswith("Going on with onnxruntime.")
    assert notice.zh.endswith("现改用 onnxruntime。")
    assert acl.stand_in.chip.leaks() == {}
    acl.stand_in.inject(call, code)
    with pytest.raises(EngineUnavailable, match=reason):
        open_engine(card, "ascend")


def test_where_onnxruntime_cannot_stand_in_the_cards_reason_is_told(
    tmp_path: Path, acl: ModuleType
) -> None:
    card = small_card(
        tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)], precision="fp16")]
    )
    acl.stand_in.inject("rt.set_device", 507033)
    with pytest.raises(EngineUnavailable, match="lost"):
        open_engine(card, "auto", "fp16")


@pytest.mark.usefixtures("acl")
@pytest.mark.parametrize("precision", [None, "fp32"])
def test_a_chip_without_an_om_is_told_of(tmp_path: Path, precision: str | None) -> None:
    card = small_card(tmp_path, [small_onnx(tmp_path)])
    device, (notice,) = open_closed(card, "auto", precision)
    assert device == "onnxruntime CPU"
    assert f"--soc-version {CHIP}" in notice.en
    assert str(tmp_path) not in notice.en + notice.zh


@pytest.mark.usefixtures("acl")
def test_an_altered_om_is_told_of(tmp_path: Path) -> None:
    om = write_om(tmp_path, [(32, 32)])
    (tmp_path / om.file).write_bytes(b"")
    device, (notice,) = open_closed(small_card(tmp_path, [small_onnx(tmp_path), om]), "auto")
    assert device == "onnxruntime CPU"
    assert om.file in notice.zh


@pytest.mark.usefixtures("acl")
@pytest.mark.parametrize("choice", ["auto", "ascend"])
def test_a_page_offers_what_its_chip_runs(tmp_path: Path, choice: EngineChoice) -> None:
    for_another = write_om(tmp_path, [(32, 32)], soc="Ascend910B4", precision="fp16")
    card = small_card(tmp_path, [for_another, write_om(tmp_path, [(32, 32)], precision="mixed")])
    (finder,) = [f for f in ModelRegistry([card], choice).variants() if f.engine is None]
    assert finder.precision is None, "the page's own"
    assert "mixed" in finder.title.en
