"""Several devices: all work, one may be lost, and some may be left out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from segmentation.engines.ascend import pool
from segmentation.engines.registry import check_engine_choice, open_engine
from segmentation.errors import ChoiceError, EngineUnavailable, InferenceFailed
from tests.segmentation.engines.ascend.small_engine import SIZE_HW, StartEngine, card_with_oms
from tests.stand_ins.om_card import CHIP, small_card, write_artifact
from tests.stand_ins.small_model import onnx_outputs, random_image, small_model

DEVICES, CLIENTS, PHOTOS = 4, 8, 400


@pytest.fixture
def devices(acl: ModuleType) -> ModuleType:
    """The stand-in with four devices."""
    acl.stand_in.chip.devices = DEVICES
    return acl


def test_eight_clients_keep_four_devices_busy_while_one_is_lost(
    start_engine: StartEngine, devices: ModuleType, tmp_path: Path
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    assert engine.device == f"4 × {CHIP}"
    assert engine.max_concurrency == DEVICES
    expected = [onnx_outputs(random_image(seed))[1][0] for seed in range(CLIENTS)]
    chip = devices.stand_in.chip

    def infer(number: int) -> bool:
        if number == PHOTOS // 2:
            chip.lose_device(2)
            # It does not come back.
            devices.stand_in.inject("rt.set_device", 507033, times=99)
        masks = engine.run(random_image(number % CLIENTS)).masks_queries_logits
        return np.array_equal(masks, expected[number % CLIENTS])

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert all(pool.map(infer, range(PHOTOS)))
    # The photo that was on the lost device ran twice.
    assert chip.executions.total() in (PHOTOS, PHOTOS + 1)
    assert all(chip.executions[device] > PHOTOS // 20 for device in range(DEVICES))
    assert engine.device == f"3/4 × {CHIP}"
    (notice,) = engine.notices
    assert "device 2" in notice.en
    assert "lost" in notice.en


def test_a_photo_goes_to_another_device_when_one_hangs(
    start_engine: StartEngine, devices: ModuleType, tmp_path: Path
) -> None:
    engine = start_engine(card_with_oms(tmp_path), timeout_s=0.5)
    devices.stand_in.inject("stream", devices.stand_in.HANG)
    for _ in range(3):
        engine.run(random_image())
    assert engine.device == f"3/4 × {CHIP}"


def test_a_photo_that_fails_everywhere_is_not_tried_everywhere(
    start_engine: StartEngine, devices: ModuleType, tmp_path: Path
) -> None:
    engine = start_engine(card_with_oms(tmp_path))
    devices.stand_in.inject("stream", 507015, times=99)
    with pytest.raises(InferenceFailed, match="computing"):
        engine.run(random_image())
    assert devices.stand_in.chip.calls["mdl.execute_async"] == 4
    assert engine.notices == ()
    devices.stand_in.chip.faults.clear()


def test_a_device_that_does_not_start_leaves_the_others(
    start_engine: StartEngine, devices: ModuleType, tmp_path: Path
) -> None:
    devices.stand_in.inject("rt.set_device", 507033)
    engine = start_engine(card_with_oms(tmp_path))
    assert engine.device == f"3/4 × {CHIP}"
    assert engine.input.name == "image"
    engine.run(random_image())


def refuse(acl: ModuleType, device_ids: set[int]) -> None:
    """Let devices refuse to start, with a code that does not say that they are lost."""
    set_device = acl.rt.set_device
    acl.rt.set_device = lambda device: 507899 if device in device_ids else set_device(device)


def fill_memory(acl: ModuleType, device_ids: set[int]) -> None:
    """Let devices have no memory left."""
    chip, memory = acl.stand_in.chip, acl.rt.get_mem_info
    acl.rt.get_mem_info = lambda kind: (
        (0, 1, 0) if chip.current_context().device in device_ids else memory(kind)
    )


@pytest.mark.parametrize("spoil", [refuse, fill_memory])
def test_devices_that_still_do_not_start_fail_no_photo(
    start_engine: StartEngine,
    devices: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[ModuleType, set[int]], None],
) -> None:
    monkeypatch.setattr(pool, "RETRY_AFTER_S", 0)
    spoil(devices, {0, 1})
    engine = start_engine(card_with_oms(tmp_path))
    for _ in range(3):
        engine.run(random_image())
    assert engine.device == f"2/4 × {CHIP}"


def test_the_input_is_known_when_all_devices_are_lost(
    start_engine: StartEngine, devices: ModuleType, tmp_path: Path
) -> None:
    refuse(devices, {0})
    engine = start_engine(card_with_oms(tmp_path))
    for device in range(1, DEVICES):
        devices.stand_in.chip.lose_device(device)
    devices.stand_in.inject("rt.set_device", 507033, times=99)
    with pytest.raises(InferenceFailed):
        engine.run(random_image())
    assert engine.device == f"0/4 × {CHIP}"
    assert engine.input.name == "image"


def test_the_memory_of_a_device_that_does_not_start_cannot_be_asked(
    start_engine: StartEngine, devices: ModuleType, tmp_path: Path
) -> None:
    refuse(devices, {0})
    engine = start_engine(card_with_oms(tmp_path))
    with pytest.raises(InferenceFailed, match="versions do not match"):
        _ = engine.memory_bytes


def test_devices_are_chosen_by_number(
    devices: ModuleType, start_engine: StartEngine, tmp_path: Path
) -> None:
    engine = start_engine(card_with_oms(tmp_path), device_ids=[3, 1])
    for _ in range(4):
        engine.run(random_image())
    assert engine.device == f"2 × {CHIP}"
    assert devices.stand_in.chip.calls["rt.create_context"] == 2
    with pytest.raises(EngineUnavailable, match="no Ascend device 4: this process sees 4"):
        open_engine(card_with_oms(tmp_path), "ascend:0,4")


def test_the_choice_of_devices_is_validated() -> None:
    assert check_engine_choice("ascend:0,1,3") == "ascend:0,1,3"
    for choice in ("ascend:", "ascend:a", "ascend0"):
        with pytest.raises(ChoiceError):
            check_engine_choice(choice)


@pytest.mark.parametrize(("visible", "count", "notices"), [("1,2", 2, 0), ("0,7", 1, 1)])
def test_the_visible_devices_are_used_and_wrong_numbers_are_said(
    devices: ModuleType,
    start_engine: StartEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    visible: str,
    count: int,
    notices: int,
) -> None:
    monkeypatch.setenv("ASCEND_RT_VISIBLE_DEVICES", visible)
    engine = start_engine(card_with_oms(tmp_path))
    assert engine.max_concurrency == count
    assert devices.stand_in.chip.calls["rt.create_context"] == count
    assert len(engine.notices) == notices


def test_memory_is_checked_before_an_om_is_loaded(
    start_engine: StartEngine, acl: ModuleType, tmp_path: Path
) -> None:
    from stand_in_om import compile_om

    om = write_artifact(compile_om(small_model(SIZE_HW), [SIZE_HW]), tmp_path / "a.om", [SIZE_HW])
    acl.stand_in.chip.total_bytes = 100
    with pytest.raises(EngineUnavailable, match="MB needed, 0 MB free"):
        start_engine(small_card(tmp_path, [om]))
    assert acl.stand_in.chip.calls["mdl.load_from_file"] == 0
