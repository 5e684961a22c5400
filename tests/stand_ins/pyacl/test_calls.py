"""Calls of the stand-in of pyACL: types of arguments, shapes of answers, messages, faults."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.stand_ins.pyacl.calls import Loaded, load, run_in_thread
from tests.stand_ins.small_model import random_image
from tests.stand_ins.toolkit import fresh_acl


def test_keyword_arguments_are_refused(acl: ModuleType) -> None:
    acl.init()
    with pytest.raises(TypeError):
        acl.rt.set_device(device=0)


@pytest.mark.parametrize("wrong", ["0", 0.0, np.int64(0), None])
def test_types_are_not_converted(acl: ModuleType, wrong: object) -> None:
    acl.init()
    with pytest.raises(TypeError):
        acl.rt.set_device(wrong)


def test_minus_one_is_a_very_large_number(acl: ModuleType, om: str) -> None:
    load(acl, om)
    assert acl.rt.malloc(-1, 0) == (0, 207001)


def test_nothing_works_before_init(acl: ModuleType) -> None:
    assert acl.rt.get_device_count() == (0, 100001)
    assert acl.rt.set_device(0) == 100001


def test_a_second_init_and_a_second_finalize_have_codes(acl: ModuleType) -> None:
    assert [acl.init(), acl.init()] == [0, 100002]
    assert [acl.finalize(), acl.finalize()] == [0, 100037]


def test_a_message_is_kept_for_the_thread_that_failed(acl: ModuleType) -> None:
    acl.rt.set_device(0)
    assert run_in_thread(acl.get_recent_err_msg) is None
    assert "100001" in acl.get_recent_err_msg()
    assert acl.get_recent_err_msg() is None


def test_null_is_refused(acl: ModuleType) -> None:
    assert acl.mdl.destroy_dataset(0) == 100000


def test_a_bare_call_that_fails_returns_null(acl: ModuleType) -> None:
    acl.stand_in.inject("mdl.create_dataset", 200000)
    assert acl.mdl.create_dataset() == 0


def test_a_device_that_does_not_exist_is_refused(acl: ModuleType) -> None:
    acl.init()
    assert acl.rt.set_device(1) == 107001


# The answer of each call on success: a bare value, the code alone, or values and the code.
ANSWERS: dict[str, tuple[Callable[[ModuleType, Loaded], Any], str]] = {
    "get_version": (lambda acl, _: acl.get_version(), "int int int 0"),
    "get_soc_name": (lambda acl, _: acl.get_soc_name(), "str"),
    "get_device_count": (lambda acl, _: acl.rt.get_device_count(), "int 0"),
    "get_run_mode": (lambda acl, _: acl.rt.get_run_mode(), "int 0"),
    "get_context": (lambda acl, _: acl.rt.get_context(), "int 0"),
    "get_mem_info": (lambda acl, _: acl.rt.get_mem_info(0), "int int 0"),
    "malloc_host": (lambda acl, _: acl.rt.malloc_host(8), "int 0"),
    "query_size": (lambda acl, loaded: acl.mdl.query_size(loaded.path), "int int 0"),
    "get_num_inputs": (lambda acl, loaded: acl.mdl.get_num_inputs(loaded.desc), "int"),
    "get_input_dims": (lambda acl, loaded: acl.mdl.get_input_dims(loaded.desc, 0), "dict 0"),
    "get_input_name": (lambda acl, loaded: acl.mdl.get_input_name_by_index(loaded.desc, 0), "str"),
    "get_output_name": (
        lambda acl, loaded: acl.mdl.get_output_name_by_index(loaded.desc, 0),
        "str",
    ),
    "get_dynamic_hw": (lambda acl, loaded: acl.mdl.get_dynamic_hw(loaded.desc, -1), "dict 0"),
    "get_num_buffers": (
        lambda acl, loaded: acl.mdl.get_dataset_num_buffers(loaded.inputs),
        "int",
    ),
    "get_dataset_buffer": (
        lambda acl, loaded: acl.mdl.get_dataset_buffer(loaded.inputs, 0),
        "int",
    ),
    "get_addr": (lambda acl, loaded: acl.get_data_buffer_addr(loaded.buffers[0][0]), "int"),
    "get_size": (lambda acl, loaded: acl.get_data_buffer_size_v2(loaded.buffers[0][0]), "int"),
    "update_data_buffer": (lambda acl, loaded: acl.update_data_buffer(*loaded.buffers[0]), "0"),
    "destroy_tensor_desc": (
        lambda acl, _: acl.destroy_tensor_desc(acl.create_tensor_desc(0, [1], 2)),
        "NoneType",
    ),
    "bytes_to_ptr": (lambda acl, _: acl.util.bytes_to_ptr(b"ab"), "int"),
    "ptr_to_bytes": (lambda acl, _: acl.util.ptr_to_bytes(random_image().ctypes.data, 4), "bytes"),
    "numpy_to_ptr": (lambda acl, _: acl.util.numpy_to_ptr(random_image()), "int"),
    "free_host": (lambda acl, _: acl.rt.free_host(acl.rt.malloc_host(8)[0]), "0"),
}


@pytest.mark.parametrize(("call", "shape"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_has_its_documented_shape(
    acl: ModuleType, om: str, call: Callable[[ModuleType, Loaded], Any], shape: str
) -> None:
    answer = call(acl, load(acl, om))
    values = answer if isinstance(answer, tuple) else (answer,)
    if shape.endswith("0"):
        *values, code = values
        assert code == 0
    assert [type(value).__name__ for value in values] == shape.removesuffix("0").split()


def test_a_fault_skips_good_calls_and_repeats(acl: ModuleType, om: str) -> None:
    load(acl, om)
    acl.stand_in.inject("rt.malloc", 207001, skip=1, times=2)
    codes = [acl.rt.malloc(8, 0)[1] for _ in range(4)]
    assert codes == [0, 207001, 207001, 0]


def test_only_a_wait_or_a_stream_can_hang(acl: ModuleType) -> None:
    with pytest.raises(ValueError, match="holds the GIL"):
        acl.stand_in.inject("rt.malloc", acl.stand_in.HANG)


def test_faults_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACL_STAND_IN_FAULTS", "rt.set_device=207006@1x2;init=100003")
    monkeypatch.setenv("ACL_STAND_IN_SOC", "Ascend910B4")
    acl = fresh_acl(monkeypatch)
    assert acl.get_soc_name() == "Ascend910B4"
    assert [acl.init(), acl.init()] == [100003, 0]
    assert [acl.rt.set_device(0) for _ in range(4)] == [0, 207006, 207006, 0]
