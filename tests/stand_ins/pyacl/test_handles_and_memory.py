"""Wrong handles and pointers: the stand-in refuses them, or crashes where pyACL would."""

from types import ModuleType

import pytest

from tests.stand_ins.pyacl.calls import copy_input, copy_output, load, ok
from tests.stand_ins.small_model import random_image


def test_a_context_is_not_a_stream(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    with pytest.raises(acl.stand_in.Crash, match="stream"):
        acl.rt.synchronize_stream(loaded.context)


def test_freed_memory_cannot_be_used(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    ok(acl.rt.free(loaded.buffers[0][1]))
    with pytest.raises(acl.stand_in.Crash, match="freed"):
        copy_input(acl, loaded, random_image())


def test_a_destroyed_buffer_cannot_be_used(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    ok(acl.destroy_data_buffer(loaded.buffers[0][0]))
    with pytest.raises(acl.stand_in.Crash, match="destroyed"):
        acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs)


def test_an_unloaded_model_cannot_run(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    ok(acl.mdl.unload(loaded.model))
    assert acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs) == 100011


def test_a_stream_of_another_context_is_refused(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    ok(acl.rt.create_context(0))
    assert acl.rt.synchronize_stream(loaded.stream) == 107003
    assert acl.mdl.execute(loaded.model, loaded.inputs, loaded.outputs) == 107004


def test_device_memory_is_not_host_memory(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    with pytest.raises(acl.stand_in.Crash, match="not host memory"):
        acl.util.ptr_to_bytes(loaded.buffers[0][1], 4)


@pytest.mark.parametrize("kind", [0, 2, 3])
def test_the_direction_of_a_copy_is_checked(acl: ModuleType, om: str, kind: int) -> None:
    loaded, image = load(acl, om), random_image()
    pointer = loaded.buffers[0][1]
    code = acl.rt.memcpy(pointer, image.nbytes, image.ctypes.data, image.nbytes, kind)
    assert code == 107000


def test_a_copy_longer_than_its_target_is_refused(acl: ModuleType, om: str) -> None:
    loaded, image = load(acl, om), random_image()
    pointer, host = loaded.buffers[0][1], image.ctypes.data
    assert acl.rt.memcpy(pointer, image.nbytes - 1, host, image.nbytes, 1) == 100000
    assert copy_input(acl, loaded, random_image(size_hw=(64, 64))) == 107000


def test_new_memory_holds_garbage(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    assert any(copy_output(acl, loaded, 1))


def test_memory_runs_out(acl: ModuleType, om: str) -> None:
    load(acl, om)
    _, total = ok(acl.rt.get_mem_info(0))
    assert acl.rt.malloc(total, 0) == (0, 207001)
    assert acl.rt.malloc(0, 0) == (0, 100000)


def test_memory_of_a_running_model_cannot_be_written(acl: ModuleType, om: str) -> None:
    loaded = load(acl, om)
    ok(copy_input(acl, loaded, random_image()))
    ok(acl.mdl.execute_async(loaded.model, loaded.inputs, loaded.outputs, loaded.stream))
    with pytest.raises(acl.stand_in.Crash, match="while a model runs"):
        copy_input(acl, loaded, random_image())
