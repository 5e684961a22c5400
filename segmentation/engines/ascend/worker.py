"""One device with its owner thread: OMs loaded there, and one photo at a time.

One thread makes all calls into pyACL for a device. Contexts and error messages are per thread in
pyACL, and a model must not run twice at once, so a lock with `set_context` before each call would
serialise the work just as well. But a wait that never returns would then hold the lock, and every
caller behind it, forever. Here only the device thread hangs: callers see that the current call is
overdue and get an error. This covers the waits for the device, which take nearly all of the time
and alone release the GIL (pyACL's wrapper, see `device`). While any other call hangs, the whole
process stands still.
"""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from segmentation.arrays import SizeHW
from segmentation.engines.ascend.acl import Acl
from segmentation.engines.ascend.device import Device
from segmentation.engines.ascend.errors import AclFailure, CallOverdue, InputMismatch, ModelMismatch
from segmentation.engines.ascend.model import DeviceModel
from segmentation.engines.ascend.thread import DeviceThread
from segmentation.engines.base import Logits
from segmentation.model_card import InputSpec

# How long a worker waits for the others of the process to release a lost device.
RELEASE_TIMEOUT_S = 5.0

_log = logging.getLogger(__name__)
# pyACL counts the users of a device in a process, and resets the device when none is left.
_workers: WeakSet["DeviceWorker"] = WeakSet()


class DeviceWorker:
    """The OMs of one precision on one device.

    After a failed inference the device is reopened once and the photo is tried again.

    Args:
        module: pyACL, initialised.
        device_id: number of the device.
        oms: path and input sizes of each OM.
        graph_input: input of the graph that the OMs were converted from.
        timeout_s: seconds that one inference may take; any other call may take twice as long.
    """

    def __init__(
        self,
        module: Any,
        device_id: int,
        oms: Sequence[tuple[Path, tuple[SizeHW, ...]]],
        graph_input: InputSpec,
        timeout_s: float,
    ) -> None:
        self.device_id = device_id
        self._acl = Acl(module)
        self._oms = oms
        self._graph_input = graph_input
        self._timeout_s = timeout_s
        self._device: Device | None = None
        self._input: InputSpec | None = None
        self._models: dict[SizeHW, DeviceModel] = {}
        self._thread = DeviceThread(self._acl, 2 * timeout_s)
        _workers.add(self)

    @property
    def input(self) -> InputSpec | None:
        """The input of the OMs; None if the device has never started.

        With AIPP it is the photo itself, whatever the graph takes.
        """
        return self._input

    def start_opening(self) -> Future[Device]:
        """Begin to load the OMs, so that several devices load at once."""
        return self._thread.submit(self._open_device)

    def wait_until_open(self, opening: Future[Device]) -> None:
        """Wait for what `start_opening` began.

        Raises:
            InternalError: the device does not start, or refuses an OM.
        """
        self._thread.wait_for(opening)

    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Run the model on one photo; callers wait in a queue.

        Raises:
            InternalError: the device failed twice or hangs, or the input does not fit.
        """
        return self._thread.run(lambda: self._infer(pixel_values))

    def memory_bytes(self) -> tuple[int, int] | None:
        """Return free and total bytes of the device's memory; None if it does not say.

        Raises:
            InternalError: the device does not start or hangs.
        """
        return self._thread.run(lambda: (self._device or self._open_device()).memory_bytes())

    def close(self) -> None:
        """Release the device and end the thread. A call that hangs is left to the driver."""
        try:
            self._thread.close(self._close_device)
        except CallOverdue as overdue:
            _log.warning("%s The device is not released.", overdue.explain().en)

    # The methods below run in the device thread.

    def _open_device(self) -> Device:
        self._device = device = Device(self._acl, self.device_id, self._timeout_s)
        try:
            for path, sizes_hw in self._oms:
                model = device.load(path, sizes_hw)
                self._models = dict.fromkeys(sizes_hw, model) | self._models
            inputs = {_input_of(model, self._graph_input) for model in self._models.values()}
            if len(inputs) != 1:
                raise ModelMismatch("the OMs of one precision take different inputs")
        except BaseException:
            self._close_device()
            raise
        self._input = inputs.pop()
        return device

    def _infer(self, pixel_values: npt.NDArray[Any]) -> Logits:
        try:
            return self._infer_once(pixel_values)
        except AclFailure as failure:
            _log.warning("Device %d is reopened: %s", self.device_id, failure.explain().en)
            self._close_device()
            if failure.is_device_lost:
                _release_lost_device(
                    worker
                    for worker in _workers
                    if worker is not self and worker.device_id == self.device_id
                )
        try:
            return self._infer_once(pixel_values)
        except AclFailure:
            self._close_device()
            raise

    def _infer_once(self, pixel_values: npt.NDArray[Any]) -> Logits:
        device = self._device or self._open_device()
        assert self._input is not None  # noqa: S101  (_open_device set it)
        shape = pixel_values.shape
        model = self._models.get(shape[1:3] if self._input.layout == "NHWC" else shape[2:4])
        if model is None or pixel_values.dtype != self._input.dtype:
            raise InputMismatch(f"{pixel_values.dtype} {shape}")
        model.copy_input(pixel_values.astype(model.dtype, copy=False))
        device.execute(model)
        class_queries_logits, masks_queries_logits = model.copy_outputs()
        return Logits(class_queries_logits[0], masks_queries_logits[0])

    def _close_device(self) -> None:
        self._models.clear()
        device, self._device = self._device, None
        if device is not None:
            try:
                device.close()
            except AclFailure as failure:
                _log.warning("Cleanup of the device failed: %s", failure.explain().en)


def _release_lost_device(workers: Iterable[DeviceWorker]) -> None:
    """Make other workers of this process close a lost device, which resets it.

    They reopen it with their next photo. A worker that is doing the same now has closed it.
    """
    closing = [
        worker._thread.submit(worker._close_device)
        for worker in workers
        if worker._device is not None
    ]
    wait(closing, RELEASE_TIMEOUT_S)


def _input_of(model: DeviceModel, graph: InputSpec) -> InputSpec:
    """The input of a loaded OM, given the input of the graph it was converted from."""
    takes_photo = model.dtype == np.uint8
    return replace(
        graph,
        layout=model.layout,
        dtype="uint8" if takes_photo else "float32",
        normalised_inside=takes_photo or graph.normalised_inside,
    )
