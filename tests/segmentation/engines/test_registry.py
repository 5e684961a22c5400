"""The registry of engines: valid choices, the order of `auto`, and its fallback."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from segmentation.engines import registry
from segmentation.engines.base import Engine
from segmentation.engines.registry import (
    ENGINES,
    EngineChoice,
    EngineSpec,
    check_engine_choice,
    engine_choices,
    is_remote,
    open_engine,
)
from segmentation.errors import ChoiceError, EngineUnavailable, ModelDamaged
from segmentation.i18n import Text
from segmentation.inference.registry import ModelRegistry
from segmentation.model_card import Artifact, ModelCard, find_model
from tests.stand_ins.om_card import CHIP, small_card, write_om, write_onnx
from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import fresh_acl, hide_acl


@pytest.fixture
def acl(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_acl(monkeypatch)


def small_onnx(folder: Path) -> Artifact:
    return write_onnx(folder, small_model((32, 32)))


def open_and_close(
    card: ModelCard, choice: EngineChoice, precision: str | None = None
) -> tuple[str, tuple[Text, ...]]:
    """Open an engine and close it again; returns its device and the notices."""
    engine, notices = open_engine(card, choice, precision)
    engine.close()
    return engine.device, notices


@pytest.mark.parametrize(
    "choice",
    ["auto", "onnx", "onnx:openvino", "ascend", "http://127.0.0.1:8000", "https://cluster/compact"],
)
def test_valid_choices_are_accepted(choice: str) -> None:
    assert check_engine_choice(choice) == choice


@pytest.mark.parametrize(
    "choice", ["", "tpu", "Onnx", "onnx:", "onnx:tpu", "remote", "http://", "http://host/?a=1"]
)
def test_an_unknown_choice_is_refused_with_the_valid_ones(choice: str) -> None:
    with pytest.raises(ChoiceError) as refusal:
        check_engine_choice(choice)
    assert engine_choices() in refusal.value.text.en
    assert "副本" in refusal.value.text.zh
    with pytest.raises(ChoiceError):
        open_engine(find_model("compact"), choice)


def test_help_lists_every_engine() -> None:
    choices = engine_choices()
    assert choices.startswith("auto, onnx, onnx:PROVIDER (tensorrt, cuda, ")
    assert choices.endswith("or the address of replicas: http://HOST:PORT")
    assert all(spec.choice_help.en in choices for spec in ENGINES.values())


def test_only_an_address_is_remote() -> None:
    assert is_remote("http://127.0.0.1:8000")
    assert not any(is_remote(choice) for choice in ("auto", "onnx", "ascend"))


@pytest.mark.usefixtures("acl")
@pytest.mark.parametrize("choice", ["auto", "ascend"])
def test_a_chip_with_an_om_runs_the_model(tmp_path: Path, choice: EngineChoice) -> None:
    card = small_card(tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)])])
    assert open_and_close(card, choice) == (CHIP, ())


@pytest.mark.usefixtures("acl")
def test_onnxruntime_can_be_chosen_beside_a_chip(tmp_path: Path) -> None:
    card = small_card(tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)])])
    assert open_and_close(card, "onnx") == ("onnxruntime CPU", ())


def test_a_host_without_ascend_gets_no_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_acl(monkeypatch)
    card = small_card(tmp_path, [small_onnx(tmp_path)])
    assert open_and_close(card, "auto") == ("onnxruntime CPU", ())


@pytest.mark.parametrize(
    ("call", "code", "reason"),
    [
        ("rt.get_device_count", 207006, "HwHiAiUser"),
        ("rt.set_device", 507033, "lost"),
        ("mdl.load_from_file", 507008, "another chip"),
        ("mdl.load_from_file", 545001, "newer CANN"),
        ("rt.malloc", 207001, "out of memory"),
    ],
)
def test_auto_reports_a_chip_that_does_not_work(
    tmp_path: Path, acl: ModuleType, call: str, code: int, reason: str
) -> None:
    card = small_card(tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)])])
    acl.stand_in.inject(call, code)
    device, (notice,) = open_and_close(card, "auto")
    assert device == "onnxruntime CPU"
    assert reason in notice.en
    assert notice.en.endswith("Using onnxruntime instead.")
    assert notice.zh.endswith("现改用 onnxruntime。")
    assert acl.stand_in.chip.leaks() == {}
    acl.stand_in.inject(call, code)
    with pytest.raises(EngineUnavailable, match=reason):
        open_engine(card, "ascend")


def test_the_chips_error_is_raised_if_onnxruntime_cannot_start_either(
    tmp_path: Path, acl: ModuleType
) -> None:
    card = small_card(
        tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)], precision="fp16")]
    )
    acl.stand_in.inject("rt.set_device", 507033)
    with pytest.raises(EngineUnavailable, match="lost"):
        open_engine(card, "auto", "fp16")


def test_a_damaged_graph_is_reported_before_the_chips_error(
    tmp_path: Path, acl: ModuleType
) -> None:
    card = small_card(tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)])])
    (tmp_path / "model.onnx").write_bytes(b"")
    acl.stand_in.inject("rt.set_device", 507033)
    with pytest.raises(ModelDamaged, match=r"model\.onnx"):
        open_engine(card, "auto")


@pytest.mark.usefixtures("acl")
@pytest.mark.parametrize("precision", [None, "fp32"])
def test_auto_reports_a_model_without_an_om_for_the_chip(
    tmp_path: Path, precision: str | None
) -> None:
    card = small_card(tmp_path, [small_onnx(tmp_path)])
    device, (notice,) = open_and_close(card, "auto", precision)
    assert device == "onnxruntime CPU"
    assert f"--soc-version {CHIP}" in notice.en
    assert str(tmp_path) not in notice.en + notice.zh


@pytest.mark.usefixtures("acl")
def test_auto_reports_an_altered_om(tmp_path: Path) -> None:
    om = write_om(tmp_path, [(32, 32)])
    (tmp_path / om.file).write_bytes(b"")
    device, (notice,) = open_and_close(small_card(tmp_path, [small_onnx(tmp_path), om]), "auto")
    assert device == "onnxruntime CPU"
    assert om.file in notice.zh


@pytest.mark.usefixtures("acl")
@pytest.mark.parametrize("choice", ["auto", "ascend"])
def test_a_page_offers_the_precisions_of_its_chip(tmp_path: Path, choice: EngineChoice) -> None:
    for_another_chip = write_om(tmp_path, [(32, 32)], soc="Ascend910B4", precision="fp16")
    for_this_chip = write_om(tmp_path, [(32, 32)], precision="mixed")
    card = small_card(tmp_path, [for_another_chip, for_this_chip])
    (variant,) = [v for v in ModelRegistry([card], choice).variants() if v.engine is None]
    assert variant.precision is None, "the page's own"
    assert "mixed" in variant.title.en


AddEngine = Callable[[EngineSpec], None]


@pytest.fixture
def add_engine(monkeypatch: pytest.MonkeyPatch) -> AddEngine:
    """Adds a row to the registry until the end of the test."""

    def add(spec: EngineSpec) -> None:
        monkeypatch.setattr(registry, "ENGINES", {**ENGINES, spec.name: spec})

    return add


def null_spec(opener: Callable[..., Engine]) -> EngineSpec:
    return EngineSpec("null", "Null", "null", Text("null", "null"), opener, auto_rank=0)


def test_a_new_row_is_a_choice_in_help_and_validation(add_engine: AddEngine) -> None:
    def refuse(*_: object) -> Engine:
        raise EngineUnavailable("The null engine is broken.", "空引擎已损坏。")

    add_engine(null_spec(refuse))
    assert check_engine_choice("null") == "null"
    assert "null" in engine_choices()
    with pytest.raises(EngineUnavailable, match="broken"):
        open_engine(find_model("compact"), "null")


def test_auto_tries_engines_by_rank_and_reports_each_failure(
    tmp_path: Path, acl: ModuleType, add_engine: AddEngine
) -> None:
    def refuse(*_: object) -> Engine:
        raise EngineUnavailable("The null engine is broken.", "空引擎已损坏。")

    add_engine(null_spec(refuse))
    card = small_card(tmp_path, [small_onnx(tmp_path), write_om(tmp_path, [(32, 32)])])
    device, (notice,) = open_and_close(card, "auto")
    assert device == CHIP
    assert notice.en == "The null engine is broken. Using Ascend instead."
    acl.stand_in.inject("rt.set_device", 507033)
    device, notices = open_and_close(card, "auto")
    assert device == "onnxruntime CPU"
    assert [notice.en.split()[-2] for notice in notices] == ["onnxruntime", "onnxruntime"]
