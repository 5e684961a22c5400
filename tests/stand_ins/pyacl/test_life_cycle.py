"""Loading, execution and teardown on the stand-in of pyACL: order, gears, loss and leaks."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.stand_ins.pyacl.calls import load, ok, write_om


def test_an_om_for_another_chip_is_refused(acl: ModuleType, om: str) -> None:
    load(acl, om)
    acl.stand_in.chip.soc = "Ascend910B4"
    assert acl.mdl.load_from_file(om) == (0, 507008)


def test_an_om_of_a_newer_cann_is_refused(acl: ModuleType, om: str) -> None:
    load(acl, om)
    acl.stand_in.chip.version = (1, 0, 0)
    assert acl.mdl.load_from_file(om) == (0, 100016)


def test_a_damaged_om_is_refused(acl: ModuleType, om: str) -> None:
    load(acl, om)
    Path(om).write_bytes(Path(om).read_bytes()[:-1])
    assert acl.mdl.load_from_file(om) == (0, 145006)


def test_a_missing_om_is_refused(acl: ModuleType, om: str) -> None:
    load(acl, om)
    assert acl.mdl.load_from_file(om + ".om") == (0, 145002)


def test_an_om_larger_than_the_free_memory_is_refused(acl: ModuleType, om: str) -> None:
    load(acl, om)
    acl.stand_in.chip.total_bytes = acl.stand_in.chip.device_bytes
    assert acl.mdl.load_from_file(om) == (0, 207001)


def test_one_model_must_not_run_twice_at_once(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    with (
        acl.mdl._model(loaded.model).run_exclusively(),
        pytest.raises(acl.stand_in.Crash, match="overlap"),
    ):
        acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs)


def test_a_missing_gear_buffer_is_refused(acl: ModuleType, tmp_path: Path) -> None:
    loaded = load(acl, write_om(tmp_path / "a.om", [(32, 32), (16, 32)]))
    inputs = acl.mdl.create_dataset()
    ok(acl.mdl.add_dataset_buffer(inputs, loaded.buffers[0][0]))
    assert acl.mdl.execute(loaded.model, inputs, loaded.outputs) == 100017
    assert acl.mdl.set_dynamic_hw_size(loaded.model, inputs, 1, 16, 32) == 145011


def test_a_size_that_is_no_gear_is_refused(acl: ModuleType, tmp_path: Path) -> None:
    loaded = load(acl, write_om(tmp_path / "a.om", [(32, 32), (16, 32)]))
    assert acl.mdl.set_dynamic_hw_size(loaded.model, loaded.inputs, 1, 16, 16) == 145013


def test_a_static_model_has_no_gears(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    assert acl.mdl.set_dynamic_hw_size(loaded.model, loaded.inputs, 1, 32, 32) == 100019


def test_a_wait_for_a_hung_stream_times_out(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    ok(acl.mdl.execute_async(loaded.model, loaded.inputs, loaded.outputs, loaded.stream))
    acl.stand_in.inject("rt.synchronize_stream_with_timeout", acl.stand_in.HANG)
    assert acl.rt.synchronize_stream_with_timeout(loaded.stream, 1) == 507046


def test_a_lost_device_works_again_after_a_reset(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    acl.stand_in.chip.lose_device()
    assert acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs) == 507901
    ok(acl.rt.reset_device(0))
    ok(acl.rt.set_device(0))
    ok(acl.rt.create_context(0))
    ok(acl.mdl.load_from_file(om))


def test_nothing_can_be_released_before_it_exists(acl: ModuleType) -> None:
    assert acl.finalize() == 100001
    assert acl.rt.free_host(16) == 107017


def test_a_running_model_cannot_be_unloaded(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    with acl.mdl._model(loaded.model).run_exclusively():
        assert acl.mdl.unload(loaded.model) == 507011


def test_a_device_is_reset_as_often_as_it_was_set(acl: ModuleType) -> None:
    acl.init()
    assert acl.rt.reset_device(0) == 107001
    assert acl.rt.create_context(0) == (0, 107001)


def test_a_teardown_in_the_wrong_order_is_refused(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    assert acl.rt.reset_device(0) == 148051
    assert acl.rt.destroy_context(loaded.context) == 148051


def test_leaks_are_printed_at_the_end(
    acl: ModuleType, om: str, capsys: pytest.CaptureFixture[str]
) -> None:
    load(acl, om)
    ok(acl.finalize())
    stderr = capsys.readouterr().err
    for kind in ("context", "stream", "model", "desc", "dataset", "data_buffer", "memory"):
        assert kind in stderr
