"""One Ascend device and the models on it, through pyACL; all of it belongs to one thread.

Order of calls and of teardown, units and return shapes: CANN's pyACL guide (hiascend.com,
aclpythondevg_0005, 0007, 0032, 0046) and github.com/hicann/runtime, python/pyACL.
"""

import logging
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from segmentation.arrays import Float32, SizeHW
from segmentation.engines.ascend.acl import Acl
from segmentation.engines.ascend.errors import AclFailure

_log = logging.getLogger(__name__)

DEVICE = 0
_HUGE_FIRST = 0
_HOST_TO_DEVICE, _DEVICE_TO_HOST = 1, 2
# What the executor allows between a buffer and the model's size (GE, davinci_model.cc).
_PADDING_BYTES = 64
_GEAR_INPUT = "ascend_mbatch_shape_data"
# aclDataType, acl_base_rt.h
_DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype(np.float32),
    1: np.dtype(np.float16),
    4: np.dtype(np.uint8),
}


class UnsuitableModel(Exception):
    """Raised when an OM is loaded but is not what its card says; translated before it leaves."""


class UnsuitableInput(Exception):
    """Raised when an image is not what an OM takes; translated before it leaves."""


class Device:
    """A context and a stream on the first device, and the models loaded there.

    Args:
        acl: pyACL, initialised.
        timeout_s: seconds one inference may take.

    Raises:
        AclFailure: the device does not come up; nothing stays behind.
    """

    def __init__(self, acl: Acl, timeout_s: float) -> None:
        self._acl = acl
        self._timeout_ms = int(timeout_s * 1000)
        self._undo = undo = ExitStack()
        try:
            acl.call("rt.set_device", DEVICE)
            undo.callback(acl.call, "rt.reset_device", DEVICE)
            context = acl.call("rt.create_context", DEVICE)
            undo.callback(acl.call, "rt.destroy_context", context)
            self._stream: int = acl.call("rt.create_stream")
            undo.callback(acl.call, "rt.destroy_stream", self._stream)
        except AclFailure:
            # The first failure is the one to be told; what follows from it is for the log.
            try:
                undo.close()
            except AclFailure as later:
                _log.warning("Not all was given back: %s", later.explain().en)
            raise

    def load(self, path: Path, sizes_hw: Sequence[SizeHW]) -> "DeviceModel":
        """Load an OM and allocate, once, the memory it works on.

        Raises:
            AclFailure: the device refuses the OM or is out of memory.
            UnsuitableModel: the OM takes or gives something else than one image of these sizes.
        """
        return DeviceModel(self._acl, path, sizes_hw, self._undo)

    def execute(self, model: "DeviceModel") -> None:
        """Run a model on the memory it has, and wait for the end.

        `execute_async` and the wait are used although `execute` does both, because only the wait
        releases the GIL: `execute` would stop every thread of the process (pyACL, mdl_wrap.cpp).
        """
        self._acl.call(
            "mdl.execute_async", model.model_id, model.inputs, model.outputs, self._stream
        )
        if self._acl.has("rt.synchronize_stream_with_timeout"):
            self._acl.call("rt.synchronize_stream_with_timeout", self._stream, self._timeout_ms)
        else:
            self._acl.call("rt.synchronize_stream", self._stream)

    def close(self) -> None:
        """Give everything back in the documented order, going on past what fails.

        What still runs is waited for first, for memory in use must not be freed; an operator that
        never ends is ended by the runtime's own limit.

        Raises:
            AclFailure: the last of the calls that failed; all others were made.
        """
        self._undo.callback(self._acl.call, "rt.synchronize_stream", self._stream)
        self._undo.close()


@dataclass(frozen=True, slots=True)
class _Memory:
    pointer: int
    bytes: int
    dtype: np.dtype[Any]


class DeviceModel:
    """One loaded OM with its datasets and device memory.

    Attributes:
        model_id: pyACL's id of the model.
        inputs: the input dataset.
        outputs: the output dataset.
        dtype: element type of the image.
        layout: NHWC or NCHW.
    """

    def __init__(self, acl: Acl, path: Path, sizes_hw: Sequence[SizeHW], undo: ExitStack) -> None:
        self._acl = acl
        # The desc comes first so that, backwards, the model is unloaded before it goes.
        self._desc = acl.handle("mdl.create_desc")
        undo.callback(acl.call, "mdl.destroy_desc", self._desc)
        self.model_id: int = acl.call("mdl.load_from_file", str(path))
        undo.callback(acl.call, "mdl.unload", self.model_id)
        acl.call("mdl.get_desc", self._desc, self.model_id)
        self._check_interface(path, sizes_hw)
        self.inputs, inputs = self._allocate("input", undo)
        self.outputs, self._results = self._allocate("output", undo)
        self._image = inputs[0]

    def _check_interface(self, path: Path, sizes_hw: Sequence[SizeHW]) -> None:
        self._counts = {
            kind: self._acl.value(f"mdl.get_num_{kind}s", self._desc)
            for kind in ("input", "output")
        }
        names = [
            self._acl.value("mdl.get_input_name_by_index", self._desc, index)
            for index in range(self._counts["input"])
        ]
        self._gear = names.index(_GEAR_INPUT) if _GEAR_INPUT in names else None
        if not names or names[1:] not in ([], [_GEAR_INPUT]):
            raise UnsuitableModel(f"{path.name}: inputs {names}")
        dims = self._acl.call("mdl.get_input_dims", self._desc, 0)["dims"]
        self.layout: Literal["NHWC", "NCHW"] = "NHWC" if dims[-1] == 3 else "NCHW"
        self.dtype = self._dtype("input", 0)
        if self._gear is None:
            sizes = [dims[1:3] if self.layout == "NHWC" else dims[2:4]]
        else:
            sizes = self._acl.call("mdl.get_dynamic_hw", self._desc, -1)["hw"]
        self._offered_hw = {(height, width) for height, width in sizes}
        if not set(sizes_hw) <= self._offered_hw:
            raise UnsuitableModel(f"{path.name}: dims {dims}, sizes {sizes}")
        largest = max(math.prod(self.image_dims(size_hw)) for size_hw in self._offered_hw)
        size = self._acl.value("mdl.get_input_size_by_index", self._desc, 0)
        if not 0 <= size - largest * self.dtype.itemsize <= _PADDING_BYTES:
            raise UnsuitableModel(f"{path.name}: {size} bytes for dims {dims}")
        if self._counts["output"] != 2:
            raise UnsuitableModel(f"{path.name}: not two outputs")

    def image_dims(self, size_hw: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an image of this size, batch axis first."""
        return (1, *size_hw, 3) if self.layout == "NHWC" else (1, 3, *size_hw)

    def put(self, pixel_values: npt.NDArray[Any]) -> None:
        """Copy an image to the device, and set the gear for its size.

        Raises:
            AclFailure: the copy failed.
            UnsuitableInput: it is not of the OM's dtype or of a shape it has.
        """
        shape = pixel_values.shape
        size_hw = shape[1:3] if self.layout == "NHWC" else shape[2:4]
        fits = shape == self.image_dims(size_hw) and size_hw in self._offered_hw
        if pixel_values.dtype != self.dtype or not fits:
            # pyACL would take any buffer that is long enough, and answer nonsense.
            raise UnsuitableInput(f"{pixel_values.dtype} {shape}")
        if self._gear is not None:
            self._acl.call(
                "mdl.set_dynamic_hw_size", self.model_id, self.inputs, self._gear, *size_hw
            )
        image = np.ascontiguousarray(pixel_values)
        self._acl.call(
            "rt.memcpy",
            self._image.pointer,
            self._image.bytes,
            image.ctypes.data,
            image.nbytes,
            _HOST_TO_DEVICE,
        )

    def fetch(self) -> list[Float32]:
        """Copy the outputs of the last execution to the host, as float32 and by rank.

        The order is by number of axes because atc renames outputs; class logits have one fewer.
        """
        arrays = [self._fetch(index, memory) for index, memory in enumerate(self._results)]
        return sorted(arrays, key=lambda array: array.ndim)

    def _fetch(self, index: int, memory: _Memory) -> Float32:
        which = "mdl.get_output_dims" if self._gear is None else "mdl.get_cur_output_dims"
        dims = self._acl.call(which, self._desc, index)["dims"]
        host = np.empty(dims, memory.dtype)
        if host.nbytes > memory.bytes:
            raise AclFailure("mdl.get_output_dims", 100018, f"{dims} in {memory.bytes} bytes")
        self._acl.call(
            "rt.memcpy",
            host.ctypes.data,
            host.nbytes,
            memory.pointer,
            host.nbytes,
            _DEVICE_TO_HOST,
        )
        return host.astype(np.float32, copy=False)

    def _allocate(self, kind: str, undo: ExitStack) -> tuple[int, list[_Memory]]:
        """A dataset of `kind` (input, output) over fresh device memory."""
        acl = self._acl
        dataset = acl.handle("mdl.create_dataset")
        undo.callback(acl.call, "mdl.destroy_dataset", dataset)
        memories = []
        for index in range(self._counts[kind]):
            size = acl.value(f"mdl.get_{kind}_size_by_index", self._desc, index)
            pointer = acl.call("rt.malloc", size, _HUGE_FIRST)
            undo.callback(acl.call, "rt.free", pointer)
            data_buffer = acl.handle("create_data_buffer", pointer, size)
            undo.callback(acl.call, "destroy_data_buffer", data_buffer)
            acl.call("mdl.add_dataset_buffer", dataset, data_buffer)
            is_gear = kind == "input" and index == self._gear
            dtype = np.dtype(np.uint8) if is_gear else self._dtype(kind, index)
            memories.append(_Memory(pointer, size, dtype))
        return dataset, memories

    def _dtype(self, kind: str, index: int) -> np.dtype[Any]:
        code = self._acl.value(f"mdl.get_{kind}_data_type", self._desc, index)
        if code not in _DTYPES:
            raise UnsuitableModel(f"{kind} {index} is of aclDataType {code}")
        return _DTYPES[code]
