"""Correct sequences of calls to pyACL, without the engine, for tests of the stand-in."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from segmentation.arrays import SizeHW
from tests.stand_ins.small_model import small_model

SIZE_HW = (32, 32)


def write_om(path: Path, sizes_hw: list[SizeHW], layout: str = "NCHW", **options: Any) -> str:
    """Compile the small model and return the path of the OM."""
    from stand_in_om import compile_om

    fixed_hw = sizes_hw[0] if len(sizes_hw) == 1 else None
    compile_om(small_model(fixed_hw, layout), sizes_hw, **options).write(path)
    return str(path)


def ok(answer: Any) -> Any:
    """Check that the code of an answer is 0, and return the values before it."""
    if isinstance(answer, tuple):
        assert answer[-1] == 0
        return answer[0] if len(answer) == 2 else answer[:-1]
    assert answer == 0
    return None


@dataclass
class Loaded:
    """A loaded model: its path, and pyACL's handles.

    Attributes:
        buffers: data buffer, pointer and bytes of the inputs, then of the outputs.
    """

    path: str
    context: int
    stream: int
    model: int
    desc: int
    inputs: int
    outputs: int
    buffers: list[tuple[int, int, int]]


def load(acl: ModuleType, path: str) -> Loaded:
    """Make all calls up to the first copy."""
    acl.init()
    ok(acl.rt.set_device(0))
    context = ok(acl.rt.create_context(0))
    stream = ok(acl.rt.create_stream())
    model = ok(acl.mdl.load_from_file(path))
    desc = acl.mdl.create_desc()
    ok(acl.mdl.get_desc(desc, model))
    inputs, outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
    buffers = []
    for dataset, count, size_of in (
        (inputs, acl.mdl.get_num_inputs, acl.mdl.get_input_size_by_index),
        (outputs, acl.mdl.get_num_outputs, acl.mdl.get_output_size_by_index),
    ):
        for index in range(count(desc)):
            size = size_of(desc, index)
            pointer = ok(acl.rt.malloc(size, 0))
            buffers.append((acl.create_data_buffer(pointer, size), pointer, size))
            ok(acl.mdl.add_dataset_buffer(dataset, buffers[-1][0]))
    return Loaded(path, context, stream, model, desc, inputs, outputs, buffers)


def unload(acl: ModuleType, loaded: Loaded) -> None:
    """Release everything in the documented order."""
    for data_buffer, pointer, _ in loaded.buffers:
        ok(acl.destroy_data_buffer(data_buffer))
        ok(acl.rt.free(pointer))
    ok(acl.mdl.destroy_dataset(loaded.inputs))
    ok(acl.mdl.destroy_dataset(loaded.outputs))
    ok(acl.mdl.unload(loaded.model))
    ok(acl.mdl.destroy_desc(loaded.desc))
    ok(acl.rt.destroy_stream(loaded.stream))
    ok(acl.rt.destroy_context(loaded.context))
    ok(acl.rt.reset_device(0))
    ok(acl.finalize())


def copy_input(acl: ModuleType, loaded: Loaded, array: np.ndarray) -> int:
    """Copy an image to the device and return the code."""
    pointer = loaded.buffers[0][1]
    code: int = acl.rt.memcpy(pointer, array.nbytes, array.ctypes.data, array.nbytes, 1)
    return code


def copy_output(acl: ModuleType, loaded: Loaded, index: int) -> bytes:
    """Copy an output of the model to the host."""
    _, pointer, size = loaded.buffers[-2 + index]
    host = np.empty(size, np.uint8)
    ok(acl.rt.memcpy(host.ctypes.data, size, pointer, size, 2))
    return host.tobytes()


def run_in_thread(function: Callable[[], Any]) -> Any:
    """Call a function in a new thread and return its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]
