"""The mistakes of the article that this project started from fail here as on a card."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.stand_ins.pyacl.calls import SIZE_HW, copy_output, load, ok, run_in_thread, write_om
from tests.stand_ins.small_model import onnx_outputs, random_image


def test_1_a_dataset_buffer_is_added_with_two_arguments(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    image = random_image()
    with pytest.raises(TypeError):
        acl.mdl.add_dataset_buffer(loaded.inputs, image.ctypes.data, image.nbytes)


def test_2_an_address_is_not_a_data_buffer(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    with pytest.raises(acl.stand_in.Crash, match="data_buffer"):
        acl.mdl.add_dataset_buffer(loaded.inputs, random_image().ctypes.data)


def test_3_inputs_must_be_in_device_memory(acl: ModuleType, om: str) -> None:
    loaded, image = load(acl, om), random_image()
    inputs = acl.mdl.create_dataset()
    host_buffer = acl.create_data_buffer(image.ctypes.data, image.nbytes)
    ok(acl.mdl.add_dataset_buffer(inputs, host_buffer))
    assert acl.mdl.execute(loaded.model, inputs, loaded.outputs) == 107000


def test_4_without_copies_the_output_is_noise(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    ok(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
    assert copy_output(acl, loaded, 1) != onnx_outputs(random_image())[1].tobytes()


def test_5_sizes_are_bytes(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    size = acl.mdl.get_output_size_by_index(loaded.desc, 1)
    assert size == onnx_outputs(random_image())[1].nbytes
    four_times_larger = np.zeros(size, np.float32)
    pointer = loaded.buffers[-1][1]
    host, count = four_times_larger.ctypes.data, four_times_larger.nbytes
    assert acl.rt.memcpy(host, count, pointer, count, 2) == 107000


def test_6_add_dataset_buffer_returns_a_pair(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    answer = acl.mdl.add_dataset_buffer(loaded.outputs, loaded.buffers[0][0])
    assert answer == (loaded.outputs, 0)


def test_7_no_model_is_loaded_without_a_context(acl: ModuleType, om: str) -> None:
    acl.init()
    assert acl.mdl.load_from_file(om) == (0, 107002)


def test_8_another_thread_has_no_context(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)

    def execute() -> int:
        code: int = acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs)
        return code

    def execute_with_context() -> int:
        ok(acl.rt.set_context(loaded.context))
        return execute()

    assert run_in_thread(execute) == 107002
    assert run_in_thread(execute_with_context) == 0


def test_9_a_buffer_that_is_too_long_runs_and_computes_nonsense(
    acl: ModuleType, tmp_path: Path
) -> None:
    loaded = load(acl, write_om(tmp_path / "a.om", [SIZE_HW], "NHWC"))
    image = random_image()
    pointer = ok(acl.rt.malloc(image.nbytes, 0))
    ok(acl.rt.memcpy(pointer, image.nbytes, image.ctypes.data, image.nbytes, 1))
    inputs = acl.mdl.create_dataset()
    ok(acl.mdl.add_dataset_buffer(inputs, acl.create_data_buffer(pointer, image.nbytes)))
    ok(acl.mdl.execute(loaded.model, inputs, loaded.outputs))
    assert copy_output(acl, loaded, 1) != onnx_outputs(image)[1].tobytes()
    assert "12288 bytes where 3072 are needed" in acl.stand_in.chip.warnings


def test_a_buffer_that_is_too_short_does_not_run(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    pointer = ok(acl.rt.malloc(100, 0))
    inputs = acl.mdl.create_dataset()
    ok(acl.mdl.add_dataset_buffer(inputs, acl.create_data_buffer(pointer, 100)))
    assert acl.mdl.execute(loaded.model, inputs, loaded.outputs) == 100017
