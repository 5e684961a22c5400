"""Errors at the start of the Ascend engine: each is explained, and nothing stays allocated."""

from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

from segmentation.engines.ascend.engine import AscendEngine
from segmentation.errors import EngineUnavailable
from tests.segmentation.engines.ascend.small_engine import StartEngine, card_with_oms
from tests.stand_ins.om_card import small_card
from tests.stand_ins.small_model import random_image
from tests.stand_ins.toolkit import hide_acl

# What can keep the engine from starting: the call, its code, and words of the explanation.
START_ERRORS = [
    ("init", 100003, "set_env.sh"),
    ("init", 100039, "devlib"),
    ("rt.get_device_count", 207006, "HwHiAiUser"),
    ("rt.get_device_count", 107001, "/dev/davinci0"),
    ("rt.get_device_count", 207004, "npu-smi"),
    ("rt.set_device", 207006, "HwHiAiUser"),
    ("rt.set_device", 507033, "lost"),
    ("rt.set_device", 500004, "versions"),
    ("rt.create_context", 500003, "versions"),
    ("mdl.load_from_file", 100014, "cannot be read"),
    ("mdl.load_from_file", 100016, "newer"),
    ("mdl.load_from_file", 145006, "cannot be read"),
    ("mdl.load_from_file", 145019, "set_env.sh"),
    ("mdl.load_from_file", 245000, "card is out of memory"),
    ("mdl.load_from_file", 507008, "another chip"),
    ("mdl.load_from_file", 545001, "newer"),
    ("mdl.load_from_file", 123456, "123456"),
    ("rt.malloc", 207001, "card is out of memory"),
    ("rt.malloc", 207018, "card is out of memory"),
    ("create_data_buffer", 200000, "host is out of memory"),
]
TEARDOWN_CALLS = ("destroy", "free", "unload", "reset", "synchronize", "get_recent")


@pytest.mark.parametrize(("call", "code", "words"), START_ERRORS)
def test_each_cause_is_explained(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path, call: str, code: int, words: str
) -> None:
    acl.stand_in.inject(call, code)
    with pytest.raises(EngineUnavailable) as failure:
        start_engine(card_with_oms(tmp_path))
    assert words in str(failure.value)
    assert f"acl.{call}" in failure.value.in_language("zh")


def test_nothing_leaks_whichever_call_fails(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    start_engine(card_with_oms(tmp_path)).close()
    chip = acl.stand_in.chip
    start_calls = [
        (call, count)
        for call, count in chip.calls.items()
        if not any(word in call for word in TEARDOWN_CALLS)
    ]
    assert len(start_calls) > 15
    for call, count in start_calls:
        for skip in range(count):
            acl.stand_in.inject(call, 500000, skip=skip)
            with suppress(EngineUnavailable):
                start_engine(card_with_oms(tmp_path)).close()
            chip.faults.clear()
            assert chip.leaks() == {}, call


def test_the_first_error_is_reported_not_its_consequences(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    acl.stand_in.inject("rt.create_context", 207018)
    acl.stand_in.inject("rt.reset_device", 500000)
    with pytest.raises(EngineUnavailable, match=r"out of memory.*rt\.create_context 207018"):
        start_engine(card_with_oms(tmp_path))
    acl.stand_in.chip.device_references.clear()


def test_a_device_too_small_for_the_om_is_refused(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    acl.stand_in.chip.total_bytes = 100
    with pytest.raises(EngineUnavailable, match="out of memory"):
        start_engine(card_with_oms(tmp_path))


def test_an_om_of_a_newer_cann_is_refused(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    acl.stand_in.chip.version = (1, 0, 0)
    with pytest.raises(EngineUnavailable, match="newer CANN"):
        start_engine(card_with_oms(tmp_path))


def test_pyacl_may_be_initialised_by_other_code(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    acl.init()
    start_engine(card_with_oms(tmp_path)).run(random_image())


def test_an_engine_without_pyacl_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hide_acl(monkeypatch)
    with pytest.raises(EngineUnavailable, match="Install CANN"):
        AscendEngine(small_card(tmp_path))
