"""One OM on an Ascend device, with its datasets and its device memory.

For the device thread alone. Order of calls, units and return shapes: CANN's pyACL guide
(hiascend.com, aclpythondevg_0032, 0046) and github.com/hicann/runtime, python/pyACL.
"""

import math
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.arrays import Float32, SizeHW
from segmentation.engines.ascend.acl import Acl
from segmentation.engines.ascend.errors import AclFailure, InputMismatch, ModelMismatch
from segmentation.model_card import Artifact, Layout

_HUGE_PAGES_FIRST = 0
_HOST_TO_DEVICE, _DEVICE_TO_HOST = 1, 2
# Tolerance of the executor between a buffer and the model's size (GE, davinci_model.cc).
_PADDING_BYTES = 64
# A "gear" is one of the input sizes of an OM that was built for several.
_GEAR_INPUT = "ascend_mbatch_shape_data"
# aclDataType, acl_base_rt.h
_DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype(np.float32),
    1: np.dtype(np.float16),
    4: np.dtype(np.uint8),
}


@dataclass(frozen=True, slots=True)
class _Memory:
    pointer: int
    size_bytes: int
    dtype: np.dtype[Any]


class DeviceModel:
    """One loaded OM with its datasets and device memory.

    Args:
        acl: pyACL, with a context in this thread.
        path: the OM.
        om: the card's entry, which promises the input sizes and the number of photos.
        cleanup: receives the calls that release the model.

    Attributes:
        model_id: pyACL's id of the model.
        inputs: handle of the input dataset.
        outputs: handle of the output dataset.
        dtype: element type of the image.
        layout: NHWC or NCHW.
        batch: number of photos that one run takes.

    Raises:
        AclFailure: the device refuses the OM or is out of memory.
        ModelMismatch: the OM takes another input than its card says, or has other outputs.
    """

    def __init__(self, acl: Acl, path: Path, om: Artifact, cleanup: ExitStack) -> None:
        self._acl = acl
        # Cleanup runs backwards: created first, the desc is destroyed after the model is unloaded.
        self._desc = acl.handle("mdl.create_desc")
        cleanup.callback(acl.call, "mdl.destroy_desc", self._desc)
        self.model_id: int = acl.call("mdl.load_from_file", str(path))
        cleanup.callback(acl.call, "mdl.unload", self.model_id)
        acl.call("mdl.get_desc", self._desc, self.model_id)
        self._read_interface(path)
        self._check_interface(path, om)
        self.inputs, input_memory = self._allocate("input", cleanup)
        self.outputs, self._output_memory = self._allocate("output", cleanup)
        self._image_memory = input_memory[0]

    def _read_interface(self, path: Path) -> None:
        acl, desc = self._acl, self._desc
        self._counts = {
            kind: acl.value(f"mdl.get_num_{kind}s", desc) for kind in ("input", "output")
        }
        input_names = [
            acl.value("mdl.get_input_name_by_index", desc, index)
            for index in range(self._counts["input"])
        ]
        if not input_names or input_names[1:] not in ([], [_GEAR_INPUT]):
            raise ModelMismatch(f"{path.name}: inputs {input_names}")
        self._gear_index = input_names.index(_GEAR_INPUT) if len(input_names) > 1 else None
        self._image_dims = acl.call("mdl.get_input_dims", desc, 0)["dims"]
        self.layout: Layout = "NHWC" if self._image_dims[-1] == 3 else "NCHW"
        self.batch: int = self._image_dims[0]
        self.dtype = self._dtype("input", 0)
        if self._gear_index is not None:
            sizes = acl.call("mdl.get_dynamic_hw", desc, -1)["hw"]
        elif self.layout == "NHWC":
            sizes = [self._image_dims[1:3]]
        else:
            sizes = [self._image_dims[2:4]]
        self._sizes_hw: set[SizeHW] = {(height, width) for height, width in sizes}

    def _check_interface(self, path: Path, om: Artifact) -> None:
        if not set(om.sizes_hw) <= self._sizes_hw or self.batch != om.batch:
            raise ModelMismatch(
                f"{path.name}: dims {self._image_dims}, sizes {sorted(self._sizes_hw)}"
            )
        largest = max(math.prod(self._dims_of(size_hw)) for size_hw in self._sizes_hw)
        size_bytes = self._acl.value("mdl.get_input_size_by_index", self._desc, 0)
        if not 0 <= size_bytes - largest * self.dtype.itemsize <= _PADDING_BYTES:
            raise ModelMismatch(f"{path.name}: {size_bytes} bytes for dims {self._image_dims}")
        if self._counts["output"] != 2:
            raise ModelMismatch(f"{path.name}: not two outputs")

    def _dims_of(self, size_hw: tuple[int, ...]) -> tuple[int, ...]:
        """The dims, batch axis first, of images of this size."""
        image = (*size_hw, 3) if self.layout == "NHWC" else (3, *size_hw)
        return (self.batch, *image)

    def copy_input(self, pixel_values: npt.NDArray[Any]) -> None:
        """Copy images to the device, and select the gear of their size.

        The last image is repeated up to the number that the OM takes.

        Args:
            pixel_values: (N, H, W, 3) or (N, 3, H, W), of the OM's dtype and one of its sizes, with
                N from 1 to `batch`.

        Raises:
            AclFailure: the copy failed.
            InputMismatch: the OM does not take this dtype or shape.
        """
        padding = [pixel_values[-1:]] * (self.batch - len(pixel_values))
        images = np.concatenate([pixel_values, *padding]) if padding else pixel_values
        shape = images.shape
        size_hw = shape[1:3] if self.layout == "NHWC" else shape[2:4]
        fits = shape == self._dims_of(size_hw) and size_hw in self._sizes_hw
        if pixel_values.dtype != self.dtype or not fits:
            # pyACL accepts any buffer that is long enough and then computes nonsense.
            raise InputMismatch(f"{pixel_values.dtype} {shape}")
        if self._gear_index is not None:
            self._acl.call(
                "mdl.set_dynamic_hw_size", self.model_id, self.inputs, self._gear_index, *size_hw
            )
        images = np.ascontiguousarray(images)
        self._acl.call(
            "rt.memcpy",
            self._image_memory.pointer,
            self._image_memory.size_bytes,
            images.ctypes.data,
            images.nbytes,
            _HOST_TO_DEVICE,
        )

    def copy_outputs(self) -> list[Float32]:
        """Copy the outputs of the last execution to the host.

        Returns:
            The outputs as float32, sorted by number of axes, because atc renames outputs: class
            logits (batch, Q, C+1), then mask logits (batch, Q, h, w).

        Raises:
            AclFailure: a copy failed, or an output is larger than its memory.
        """
        arrays = [
            self._copy_output(index, memory) for index, memory in enumerate(self._output_memory)
        ]
        return sorted(arrays, key=lambda array: array.ndim)

    def _copy_output(self, index: int, memory: _Memory) -> Float32:
        call = "mdl.get_output_dims" if self._gear_index is None else "mdl.get_cur_output_dims"
        dims = self._acl.call(call, self._desc, index)["dims"]
        host = np.empty(dims, memory.dtype)
        if host.nbytes > memory.size_bytes:
            raise AclFailure("mdl.get_output_dims", 100018, f"{dims} in {memory.size_bytes} bytes")
        self._acl.call(
            "rt.memcpy",
            host.ctypes.data,
            host.nbytes,
            memory.pointer,
            host.nbytes,
            _DEVICE_TO_HOST,
        )
        return host.astype(np.float32, copy=False)

    def _allocate(self, kind: str, cleanup: ExitStack) -> tuple[int, list[_Memory]]:
        """Create the dataset of `kind` (input, output) over new device memory."""
        acl = self._acl
        dataset = acl.handle("mdl.create_dataset")
        cleanup.callback(acl.call, "mdl.destroy_dataset", dataset)
        memories = []
        for index in range(self._counts[kind]):
            size_bytes = acl.value(f"mdl.get_{kind}_size_by_index", self._desc, index)
            pointer = acl.call("rt.malloc", size_bytes, _HUGE_PAGES_FIRST)
            cleanup.callback(acl.call, "rt.free", pointer)
            data_buffer = acl.handle("create_data_buffer", pointer, size_bytes)
            cleanup.callback(acl.call, "destroy_data_buffer", data_buffer)
            acl.call("mdl.add_dataset_buffer", dataset, data_buffer)
            is_gear = kind == "input" and index == self._gear_index
            dtype = np.dtype(np.uint8) if is_gear else self._dtype(kind, index)
            memories.append(_Memory(pointer, size_bytes, dtype))
        return dataset, memories

    def _dtype(self, kind: str, index: int) -> np.dtype[Any]:
        code = self._acl.value(f"mdl.get_{kind}_data_type", self._desc, index)
        if code not in _DTYPES:
            raise ModelMismatch(f"{kind} {index} is of aclDataType {code}")
        return _DTYPES[code]
