"""The stand-in is as strict as the real pyACL: article faults, handles, threads, memory."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest

from tests.stand_ins.small_model import small_model
from tests.stand_ins.toolkit import fresh_acl

SIZE_HW = (32, 32)


@pytest.fixture
def acl(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_acl(monkeypatch)


@pytest.fixture
def om(acl: ModuleType, tmp_path: Path) -> str:  # noqa: ARG001 - puts the file format on the path
    return write_om(tmp_path / "model.om", [SIZE_HW])


def write_om(path: Path, sizes_hw: list[tuple[int, int]], layout: str = "NCHW", **how: Any) -> str:
    from stand_in_om import compile_om

    fixed = sizes_hw[0] if len(sizes_hw) == 1 else None
    compile_om(small_model(fixed, layout), sizes_hw, **how).write(path)
    return str(path)


def good(answer: Any) -> Any:
    """What a call returned, less its code, which must be 0."""
    if isinstance(answer, tuple):
        assert answer[-1] == 0
        return answer[0] if len(answer) == 2 else answer[:-1]
    assert answer == 0
    return None


@dataclass
class Loaded:
    path: str
    context: int
    stream: int
    model: int
    desc: int
    inputs: int
    outputs: int
    buffers: list[tuple[int, int, int]]  # data buffer, pointer, bytes


def load(acl: ModuleType, path: str) -> Loaded:
    """Everything up to the first copy, done right."""
    acl.init()
    good(acl.rt.set_device(0))
    context = good(acl.rt.create_context(0))
    stream = good(acl.rt.create_stream())
    model = good(acl.mdl.load_from_file(path))
    desc = acl.mdl.create_desc()
    good(acl.mdl.get_desc(desc, model))
    inputs, outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
    buffers = []
    for dataset, count, size_of in (
        (inputs, acl.mdl.get_num_inputs, acl.mdl.get_input_size_by_index),
        (outputs, acl.mdl.get_num_outputs, acl.mdl.get_output_size_by_index),
    ):
        for index in range(count(desc)):
            size = size_of(desc, index)
            pointer = good(acl.rt.malloc(size, 0))
            buffers.append((acl.create_data_buffer(pointer, size), pointer, size))
            good(acl.mdl.add_dataset_buffer(dataset, buffers[-1][0]))
    return Loaded(path, context, stream, model, desc, inputs, outputs, buffers)


def unload(acl: ModuleType, loaded: Loaded) -> None:
    """The documented order of teardown."""
    for data_buffer, pointer, _ in loaded.buffers:
        good(acl.destroy_data_buffer(data_buffer))
        good(acl.rt.free(pointer))
    good(acl.mdl.destroy_dataset(loaded.inputs))
    good(acl.mdl.destroy_dataset(loaded.outputs))
    good(acl.mdl.unload(loaded.model))
    good(acl.mdl.destroy_desc(loaded.desc))
    good(acl.rt.destroy_stream(loaded.stream))
    good(acl.rt.destroy_context(loaded.context))
    good(acl.rt.reset_device(0))
    good(acl.finalize())


def put(acl: ModuleType, loaded: Loaded, array: np.ndarray) -> int:
    pointer = loaded.buffers[0][1]
    code: int = acl.rt.memcpy(pointer, array.nbytes, array.ctypes.data, array.nbytes, 1)
    return code


def fetch(acl: ModuleType, loaded: Loaded, index: int) -> bytes:
    _, pointer, size = loaded.buffers[-2 + index]
    host = np.empty(size, np.uint8)
    good(acl.rt.memcpy(host.ctypes.data, size, pointer, size, 2))
    return host.tobytes()


def photo(size_hw: tuple[int, int] = SIZE_HW) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (1, 3, *size_hw)).astype(np.float32)


def by_onnxruntime(array: np.ndarray, layout: str = "NCHW") -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(small_model(None, layout))
    return session.run(None, {"image": array})


def in_thread(work: Callable[[], Any]) -> Any:
    answers = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    thread.join()
    return answers[0]


class TestRightUse:
    def test_the_numbers_are_those_of_onnxruntime(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        good(put(acl, loaded, photo()))
        good(acl.mdl.execute_async(loaded.model, loaded.inputs, loaded.outputs, loaded.stream))
        good(acl.rt.synchronize_stream(loaded.stream))
        for index, expected in enumerate(by_onnxruntime(photo())):
            assert fetch(acl, loaded, index) == expected.tobytes()
        unload(acl, loaded)
        assert acl.stand_in.chip.leaks() == {}

    def test_synchronous_execution(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        good(put(acl, loaded, photo()))
        good(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
        assert fetch(acl, loaded, 1) == by_onnxruntime(photo())[1].tobytes()

    def test_outputs_of_float16(self, acl: ModuleType, tmp_path: Path) -> None:
        loaded = load(acl, write_om(tmp_path / "a.om", [SIZE_HW], output_dtype="float16"))
        assert acl.mdl.get_output_data_type(loaded.desc, 1) == 1
        good(put(acl, loaded, photo()))
        good(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
        expected = by_onnxruntime(photo())[1].astype(np.float16)
        assert fetch(acl, loaded, 1) == expected.tobytes()

    def test_aipp_takes_the_photo_and_normalises_it(self, acl: ModuleType, tmp_path: Path) -> None:
        from stand_in_om import Aipp

        aipp = Aipp((123, 116, 103), (0.675, 0.28, 0.53), (0.0171248, 0.017507, 0.0174292))
        loaded = load(acl, write_om(tmp_path / "a.om", [SIZE_HW], aipp=aipp))
        assert acl.mdl.get_input_data_type(loaded.desc, 0) == 4
        assert good(acl.mdl.get_input_dims(loaded.desc, 0))["dims"] == [1, *SIZE_HW, 3]
        image = np.random.default_rng(5).integers(0, 256, (1, *SIZE_HW, 3), np.uint8)
        good(put(acl, loaded, image))
        good(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
        masks = np.frombuffer(fetch(acl, loaded, 1), np.float32)
        expected = by_onnxruntime(image, "NHWC")[1]
        np.testing.assert_allclose(masks, expected.ravel(), atol=0.02)

    def test_gears_take_the_size_that_was_set(self, acl: ModuleType, tmp_path: Path) -> None:
        loaded = load(acl, write_om(tmp_path / "a.om", [(32, 32), (16, 32)]))
        hidden = good(acl.mdl.get_input_index_by_name(loaded.desc, "ascend_mbatch_shape_data"))
        gears = good(acl.mdl.get_dynamic_hw(loaded.desc, -1))
        assert gears == {"hwCount": 2, "hw": [[32, 32], [16, 32]]}
        good(acl.mdl.set_dynamic_hw_size(loaded.model, loaded.inputs, hidden, 16, 32))
        good(put(acl, loaded, photo((16, 32))))
        good(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
        assert good(acl.mdl.get_cur_output_dims(loaded.desc, 1))["dims"] == [1, 3, 4, 8]
        assert good(acl.mdl.get_output_dims(loaded.desc, 1))["dims"] == [1, 3, 8, 8]
        expected = by_onnxruntime(photo((16, 32)))[1]
        assert fetch(acl, loaded, 1)[: expected.nbytes] == expected.tobytes()

    def test_open_shapes_are_set_by_the_caller(self, acl: ModuleType, tmp_path: Path) -> None:
        from stand_in_om import compile_open_om

        compile_open_om(small_model(None)).write(tmp_path / "a.om")
        acl.init()
        good(acl.rt.set_device(0))
        good(acl.rt.create_context(0))
        model = good(acl.mdl.load_from_file(str(tmp_path / "a.om")))
        desc = acl.mdl.create_desc()
        good(acl.mdl.get_desc(desc, model))
        assert acl.mdl.get_input_size_by_index(desc, 0) == 0
        array = photo((16, 16))
        pointer = good(acl.rt.malloc(array.nbytes, 0))
        good(acl.rt.memcpy(pointer, array.nbytes, array.ctypes.data, array.nbytes, 1))
        inputs, outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
        acl.mdl.add_dataset_buffer(inputs, acl.create_data_buffer(pointer, array.nbytes))
        for _ in range(2):
            acl.mdl.add_dataset_buffer(outputs, acl.create_data_buffer(0, 0))
        assert acl.mdl.execute(model, inputs, outputs) == 145020
        shape = acl.create_tensor_desc(0, list(array.shape), 0)
        good(acl.mdl.set_dataset_tensor_desc(inputs, shape, 0))
        good(acl.mdl.execute(model, inputs, outputs))
        answered = acl.mdl.get_dataset_tensor_desc(outputs, 1)
        count = acl.get_tensor_desc_num_dims(answered)
        assert [good(acl.get_tensor_desc_dim_v2(answered, i)) for i in range(count)] == [1, 3, 4, 4]


class TestTheArticle:
    """Each fault of the code the project started from fails here as it would on a card."""

    def test_1_a_dataset_buffer_is_added_with_two_arguments(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        array = photo()
        with pytest.raises(TypeError):
            acl.mdl.add_dataset_buffer(loaded.inputs, array.ctypes.data, array.nbytes)

    def test_2_an_address_is_not_a_data_buffer(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        with pytest.raises(acl.stand_in.Crash, match="data_buffer"):
            acl.mdl.add_dataset_buffer(loaded.inputs, photo().ctypes.data)

    def test_3_inputs_must_lie_in_device_memory(self, acl: ModuleType, om: str) -> None:
        loaded, array = load(acl, om), photo()
        inputs = acl.mdl.create_dataset()
        on_host = acl.create_data_buffer(array.ctypes.data, array.nbytes)
        good(acl.mdl.add_dataset_buffer(inputs, on_host))
        assert acl.mdl.execute(loaded.model, inputs, loaded.outputs) == 107000

    def test_4_without_copies_the_answer_is_noise(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        good(acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs))
        assert fetch(acl, loaded, 1) != by_onnxruntime(photo())[1].tobytes()

    def test_5_sizes_are_bytes(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        size = acl.mdl.get_output_size_by_index(loaded.desc, 1)
        assert size == by_onnxruntime(photo())[1].nbytes
        four_times = np.zeros(size, np.float32)
        pointer = loaded.buffers[-1][1]
        host = four_times.ctypes.data
        assert acl.rt.memcpy(host, four_times.nbytes, pointer, four_times.nbytes, 2) == 107000

    def test_6_adding_a_buffer_answers_with_a_pair(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        answer = acl.mdl.add_dataset_buffer(loaded.outputs, loaded.buffers[0][0])
        assert answer == (loaded.outputs, 0)

    def test_7_nothing_is_loaded_without_a_context(self, acl: ModuleType, om: str) -> None:
        acl.init()
        assert acl.mdl.load_from_file(om) == (0, 107002)

    def test_8_another_thread_has_no_context(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)

        def execute() -> int:
            code: int = acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs)
            return code

        def with_context() -> int:
            good(acl.rt.set_context(loaded.context))
            return execute()

        assert in_thread(execute) == 107002
        assert in_thread(with_context) == 0

    def test_9_a_buffer_that_is_too_long_runs_and_answers_nonsense(
        self, acl: ModuleType, tmp_path: Path
    ) -> None:
        loaded = load(acl, write_om(tmp_path / "a.om", [SIZE_HW], "NHWC"))
        array = photo()
        pointer = good(acl.rt.malloc(array.nbytes, 0))
        good(acl.rt.memcpy(pointer, array.nbytes, array.ctypes.data, array.nbytes, 1))
        inputs = acl.mdl.create_dataset()
        buffer = acl.create_data_buffer(pointer, array.nbytes)
        good(acl.mdl.add_dataset_buffer(inputs, buffer))
        good(acl.mdl.execute(loaded.model, inputs, loaded.outputs))
        assert fetch(acl, loaded, 1) != by_onnxruntime(array)[1].tobytes()
        assert "12288 bytes where 3072 are needed" in acl.stand_in.chip.warnings

    def test_a_buffer_that_is_too_short_does_not_run(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        pointer = good(acl.rt.malloc(100, 0))
        inputs = acl.mdl.create_dataset()
        good(acl.mdl.add_dataset_buffer(inputs, acl.create_data_buffer(pointer, 100)))
        assert acl.mdl.execute(loaded.model, inputs, loaded.outputs) == 100017


class TestCalls:
    def test_keywords_are_refused(self, acl: ModuleType) -> None:
        acl.init()
        with pytest.raises(TypeError):
            acl.rt.set_device(device=0)

    @pytest.mark.parametrize("wrong", ["0", 0.0, np.int64(0), None])
    def test_types_are_not_converted(self, acl: ModuleType, wrong: object) -> None:
        acl.init()
        with pytest.raises(TypeError):
            acl.rt.set_device(wrong)

    def test_minus_one_is_a_very_large_number(self, acl: ModuleType, om: str) -> None:
        load(acl, om)
        assert acl.rt.malloc(-1, 0) == (0, 207001)

    def test_nothing_works_before_init(self, acl: ModuleType) -> None:
        assert acl.rt.get_device_count() == (0, 100001)
        assert acl.rt.set_device(0) == 100001

    def test_init_and_finalize_count(self, acl: ModuleType) -> None:
        assert [acl.init(), acl.init()] == [0, 100002]
        assert [acl.finalize(), acl.finalize()] == [0, 100037]

    def test_a_message_is_kept_for_the_thread_that_failed(self, acl: ModuleType) -> None:
        acl.rt.set_device(0)
        assert in_thread(acl.get_recent_err_msg) is None
        assert "100001" in acl.get_recent_err_msg()
        assert acl.get_recent_err_msg() is None

    def test_null_is_refused(self, acl: ModuleType) -> None:
        assert acl.mdl.destroy_dataset(0) == 100000

    def test_a_bare_call_fails_with_null(self, acl: ModuleType) -> None:
        acl.stand_in.inject("mdl.create_dataset", 200000)
        assert acl.mdl.create_dataset() == 0

    def test_no_such_device(self, acl: ModuleType) -> None:
        acl.init()
        assert acl.rt.set_device(1) == 107001


# What each call answers on success: a bare value, the code alone, or values and the code.
ANSWERS: dict[str, tuple[Callable[[ModuleType, Loaded], Any], str]] = {
    "get_version": (lambda acl, _: acl.get_version(), "int int int 0"),
    "get_soc_name": (lambda acl, _: acl.get_soc_name(), "str"),
    "get_device_count": (lambda acl, _: acl.rt.get_device_count(), "int 0"),
    "get_run_mode": (lambda acl, _: acl.rt.get_run_mode(), "int 0"),
    "get_context": (lambda acl, _: acl.rt.get_context(), "int 0"),
    "get_mem_info": (lambda acl, _: acl.rt.get_mem_info(0), "int int 0"),
    "malloc_host": (lambda acl, _: acl.rt.malloc_host(8), "int 0"),
    "query_size": (lambda acl, m: acl.mdl.query_size(m.path), "int int 0"),
    "get_num_inputs": (lambda acl, m: acl.mdl.get_num_inputs(m.desc), "int"),
    "get_input_dims": (lambda acl, m: acl.mdl.get_input_dims(m.desc, 0), "dict 0"),
    "get_input_name": (lambda acl, m: acl.mdl.get_input_name_by_index(m.desc, 0), "str"),
    "get_output_name": (lambda acl, m: acl.mdl.get_output_name_by_index(m.desc, 0), "str"),
    "get_dynamic_hw": (lambda acl, m: acl.mdl.get_dynamic_hw(m.desc, -1), "dict 0"),
    "get_num_buffers": (lambda acl, m: acl.mdl.get_dataset_num_buffers(m.inputs), "int"),
    "get_dataset_buffer": (lambda acl, m: acl.mdl.get_dataset_buffer(m.inputs, 0), "int"),
    "get_addr": (lambda acl, m: acl.get_data_buffer_addr(m.buffers[0][0]), "int"),
    "get_size": (lambda acl, m: acl.get_data_buffer_size_v2(m.buffers[0][0]), "int"),
    "update_data_buffer": (lambda acl, m: acl.update_data_buffer(*m.buffers[0]), "0"),
    "destroy_tensor_desc": (
        lambda acl, _: acl.destroy_tensor_desc(acl.create_tensor_desc(0, [1], 2)),
        "NoneType",
    ),
    "bytes_to_ptr": (lambda acl, _: acl.util.bytes_to_ptr(b"ab"), "int"),
    "ptr_to_bytes": (lambda acl, _: acl.util.ptr_to_bytes(photo().ctypes.data, 4), "bytes"),
    "numpy_to_ptr": (lambda acl, _: acl.util.numpy_to_ptr(photo()), "int"),
    "free_host": (lambda acl, _: acl.rt.free_host(acl.rt.malloc_host(8)[0]), "0"),
}


@pytest.mark.parametrize(("ask", "shape"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_has_its_documented_shape(
    acl: ModuleType, om: str, ask: Callable[[ModuleType, Loaded], Any], shape: str
) -> None:
    answer = ask(acl, load(acl, om))
    values = answer if isinstance(answer, tuple) else (answer,)
    if shape.endswith("0"):
        *values, code = values
        assert code == 0
    assert [type(value).__name__ for value in values] == shape.removesuffix("0").split()


class TestHandles:
    def test_a_context_is_not_a_stream(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        with pytest.raises(acl.stand_in.Crash, match="stream"):
            acl.rt.synchronize_stream(loaded.context)

    def test_freed_memory_is_not_used_again(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        good(acl.rt.free(loaded.buffers[0][1]))
        with pytest.raises(acl.stand_in.Crash, match="freed"):
            put(acl, loaded, photo())

    def test_a_destroyed_buffer_is_not_used_again(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        good(acl.destroy_data_buffer(loaded.buffers[0][0]))
        with pytest.raises(acl.stand_in.Crash, match="destroyed"):
            acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs)

    def test_an_unloaded_model_is_not_run(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        good(acl.mdl.unload(loaded.model))
        assert acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs) == 100011

    def test_a_stream_of_another_context(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        good(acl.rt.create_context(0))
        assert acl.rt.synchronize_stream(loaded.stream) == 107003
        assert acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs) == 107004

    def test_device_memory_is_not_host_memory(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        with pytest.raises(acl.stand_in.Crash, match="not host memory"):
            acl.util.ptr_to_bytes(loaded.buffers[0][1], 4)


class TestMemory:
    @pytest.mark.parametrize("kind", [0, 2, 3])
    def test_the_direction_of_a_copy_is_checked(self, acl: ModuleType, om: str, kind: int) -> None:
        loaded, array = load(acl, om), photo()
        pointer = loaded.buffers[0][1]
        code = acl.rt.memcpy(pointer, array.nbytes, array.ctypes.data, array.nbytes, kind)
        assert code == 107000

    def test_a_copy_does_not_run_over(self, acl: ModuleType, om: str) -> None:
        loaded, array = load(acl, om), photo()
        pointer, host = loaded.buffers[0][1], array.ctypes.data
        assert acl.rt.memcpy(pointer, array.nbytes - 1, host, array.nbytes, 1) == 100000
        assert put(acl, loaded, photo((64, 64))) == 107000

    def test_fresh_memory_holds_garbage(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        assert any(fetch(acl, loaded, 1))

    def test_memory_runs_out(self, acl: ModuleType, om: str) -> None:
        load(acl, om)
        _, total = good(acl.rt.get_mem_info(0))
        assert acl.rt.malloc(total, 0) == (0, 207001)
        assert acl.rt.malloc(0, 0) == (0, 100000)

    def test_a_running_model_keeps_its_memory(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        good(put(acl, loaded, photo()))
        good(acl.mdl.execute_async(loaded.model, loaded.inputs, loaded.outputs, loaded.stream))
        with pytest.raises(acl.stand_in.Crash, match="while a model runs"):
            put(acl, loaded, photo())


class TestExecution:
    def test_one_model_does_not_run_twice_at_once(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        with (
            acl.mdl._model(loaded.model).run_exclusively(),
            pytest.raises(acl.stand_in.Crash, match="overlap"),
        ):
            acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs)

    def test_a_forgotten_gear_buffer(self, acl: ModuleType, tmp_path: Path) -> None:
        loaded = load(acl, write_om(tmp_path / "a.om", [(32, 32), (16, 32)]))
        inputs = acl.mdl.create_dataset()
        good(acl.mdl.add_dataset_buffer(inputs, loaded.buffers[0][0]))
        assert acl.mdl.execute(loaded.model, inputs, loaded.outputs) == 100017
        assert acl.mdl.set_dynamic_hw_size(loaded.model, inputs, 1, 16, 32) == 145011

    def test_a_size_that_is_no_gear(self, acl: ModuleType, tmp_path: Path) -> None:
        loaded = load(acl, write_om(tmp_path / "a.om", [(32, 32), (16, 32)]))
        assert acl.mdl.set_dynamic_hw_size(loaded.model, loaded.inputs, 1, 16, 16) == 145013

    def test_gears_of_a_static_model(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        assert acl.mdl.set_dynamic_hw_size(loaded.model, loaded.inputs, 1, 32, 32) == 100019

    def test_a_hanging_stream_times_out(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        good(acl.mdl.execute_async(loaded.model, loaded.inputs, loaded.outputs, loaded.stream))
        acl.stand_in.inject("rt.synchronize_stream_with_timeout", acl.stand_in.HANG)
        assert acl.rt.synchronize_stream_with_timeout(loaded.stream, 1) == 507046

    def test_a_lost_device_answers_again_after_a_reset(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        acl.stand_in.chip.lose_device()
        assert acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs) == 507901
        good(acl.rt.reset_device(0))
        good(acl.rt.set_device(0))
        good(acl.rt.create_context(0))
        good(acl.mdl.load_from_file(om))


class TestLoading:
    def test_the_wrong_chip(self, acl: ModuleType, om: str) -> None:
        load(acl, om)
        acl.stand_in.chip.soc = "Ascend910B4"
        assert acl.mdl.load_from_file(om) == (0, 507008)

    def test_a_newer_om(self, acl: ModuleType, om: str) -> None:
        load(acl, om)
        acl.stand_in.chip.version = (1, 0, 0)
        assert acl.mdl.load_from_file(om) == (0, 100016)

    def test_a_damaged_om(self, acl: ModuleType, om: str) -> None:
        load(acl, om)
        Path(om).write_bytes(Path(om).read_bytes()[:-1])
        assert acl.mdl.load_from_file(om) == (0, 145006)

    def test_a_missing_om(self, acl: ModuleType, om: str) -> None:
        load(acl, om)
        assert acl.mdl.load_from_file(om + ".om") == (0, 145002)

    def test_an_om_that_does_not_fit(self, acl: ModuleType, om: str) -> None:
        load(acl, om)
        acl.stand_in.chip.total_bytes = acl.stand_in.chip.device_bytes
        assert acl.mdl.load_from_file(om) == (0, 207001)


class TestTeardown:
    def test_nothing_ends_before_it_began(self, acl: ModuleType) -> None:
        assert acl.finalize() == 100001
        assert acl.rt.free_host(16) == 107017

    def test_a_running_model_is_not_unloaded(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        with acl.mdl._model(loaded.model).run_exclusively():
            assert acl.mdl.unload(loaded.model) == 507011

    def test_a_device_is_reset_as_often_as_it_was_set(self, acl: ModuleType) -> None:
        acl.init()
        assert acl.rt.reset_device(0) == 107001
        assert acl.rt.create_context(0) == (0, 107001)

    def test_the_order_matters(self, acl: ModuleType, om: str) -> None:
        loaded = load(acl, om)
        assert acl.rt.reset_device(0) == 148051
        assert acl.rt.destroy_context(loaded.context) == 148051

    def test_leaks_are_told_at_the_end(
        self, acl: ModuleType, om: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        load(acl, om)
        good(acl.finalize())
        told = capsys.readouterr().err
        for kind in ("context", "stream", "model", "desc", "dataset", "data_buffer", "memory"):
            assert kind in told


class TestFaults:
    def test_a_fault_comes_after_some_calls_and_goes_again(self, acl: ModuleType, om: str) -> None:
        load(acl, om)
        acl.stand_in.inject("rt.malloc", 207001, skip=1, times=2)
        codes = [acl.rt.malloc(8, 0)[1] for _ in range(4)]
        assert codes == [0, 207001, 207001, 0]

    def test_faults_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ACL_STAND_IN_FAULTS", "rt.set_device=207006@1x2;init=100003")
        monkeypatch.setenv("ACL_STAND_IN_SOC", "Ascend910B4")
        acl = fresh_acl(monkeypatch)
        assert acl.get_soc_name() == "Ascend910B4"
        assert [acl.init(), acl.init()] == [100003, 0]
        assert [acl.rt.set_device(0) for _ in range(4)] == [0, 207006, 207006, 0]
