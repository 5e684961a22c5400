"""One device with its owner thread: OMs loaded there, and the photos that wait for them.

One thread makes all calls into pyACL for a device. Contexts and error messages are per thread in
pyACL, and a model must not run twice at once, so a lock with `set_context` before each call would
serialise the work just as well. But a wait that never returns would then hold the lock, and every
caller behind it, forever. Here only the device thread hangs: callers see that the current call is
overdue and get an error. This covers the waits for the device, which take nearly all of the time
and alone release the GIL (pyACL's wrapper, see `device`). While any other call hangs, the whole
process stands still.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
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
from segmentation.model_card import Artifact, InputSpec

# How long a worker waits for the others of the process to release a lost device.
RELEASE_TIMEOUT_S = 5.0

_log = logging.getLogger(__name__)
# pyACL counts the users of a device in a process, and resets the device when none is left.
_workers: WeakSet["DeviceWorker"] = WeakSet()


@dataclass(frozen=True, slots=True)
class _Photo:
    pixel_values: npt.NDArray[Any]
    logits: Future[Logits] = field(default_factory=Future)


class DeviceWorker:
    """The OMs of one precision on one device.

    With OMs for several photos, those that wait are run together. After a failed inference the
    device is reopened once, and each photo is tried again alone.

    Args:
        module: pyACL, initialised.
        device_id: number of the device.
        oms: path and card entry of each OM.
        graph_input: input of the graph that the OMs were converted from.
        timeout_s: seconds that one inference may take; any other call may take twice as long.
    """

    def __init__(
        self,
        module: Any,
        device_id: int,
        oms: Sequence[tuple[Path, Artifact]],
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
        self._models: dict[SizeHW, list[DeviceModel]] = {}
        self._batch = max(om.batch for _, om in oms)
        self._waiting: deque[_Photo] = deque()
        self._queueing = threading.Lock()
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
        """Run the model on one photo, with others that wait; callers wait in a queue.

        Args:
            pixel_values: uint8 or float32 (1, H, W, 3) or (1, 3, H, W), as the OM's input says.

        Raises:
            InternalError: the device failed twice or hangs, or the input does not fit.
        """
        self._thread.check()
        photo = _Photo(pixel_values)
        # In one order: then the job of each photo finds it done, or first in the queue.
        with self._queueing:
            self._thread.submit(self._run_waiting)
            self._waiting.append(photo)
        return self._thread.wait_for(photo.logits)

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
            # The smallest batch of a size comes first, and of equal ones the card's first.
            for path, om in sorted(self._oms, key=lambda entry: entry[1].batch):
                model = device.load(path, om)
                for size_hw in om.sizes_hw:
                    self._models.setdefault(size_hw, []).append(model)
            inputs = {
                _input_of(model, self._graph_input)
                for models in self._models.values()
                for model in models
            }
            if len(inputs) != 1:
                raise ModelMismatch("the OMs of one precision take different inputs")
        except BaseException:
            self._close_device()
            raise
        self._input = inputs.pop()
        return device

    def _run_waiting(self) -> None:
        """Run the first photo that waits, with those behind it that suit the same OM."""
        with self._queueing:
            photos = self._take_waiting()
        try:
            self._infer(photos)
        except AclFailure as failure:
            self._release(failure)
            for photo in photos:
                self._try_again(photo)
        except BaseException as error:
            for photo in photos:
                photo.logits.set_exception(error)

    def _take_waiting(self) -> list[_Photo]:
        taken: list[_Photo] = []
        while self._waiting and len(taken) < self._batch:
            photo = self._waiting[0]
            kinds = {(item.pixel_values.shape, item.pixel_values.dtype) for item in (photo, *taken)}
            if len(kinds) > 1:
                break
            self._waiting.popleft()
            if photo.logits.set_running_or_notify_cancel():
                taken.append(photo)
        return taken

    def _try_again(self, photo: _Photo) -> None:
        try:
            self._infer([photo])
        except AclFailure as failure:
            self._close_device()
            photo.logits.set_exception(failure)
        except BaseException as error:
            photo.logits.set_exception(error)

    def _infer(self, photos: Sequence[_Photo]) -> None:
        """Run photos of one shape in as few runs as the OMs allow."""
        if not photos:
            return
        device = self._device or self._open_device()
        models = self._models_for(photos[0].pixel_values)
        largest = models[-1].batch
        results: list[Logits] = []
        for start in range(0, len(photos), largest):
            part = photos[start : start + largest]
            model = next(model for model in models if model.batch >= len(part))
            stacked = np.concatenate([photo.pixel_values for photo in part])
            model.copy_input(stacked.astype(model.dtype, copy=False))
            device.execute(model)
            # Those beyond the photos belong to padding.
            classes, masks = (output[: len(part)] for output in model.copy_outputs())
            results += [Logits(*logits) for logits in zip(classes, masks, strict=True)]
        for photo, logits in zip(photos, results, strict=True):
            photo.logits.set_result(logits)

    def _models_for(self, pixel_values: npt.NDArray[Any]) -> Sequence[DeviceModel]:
        """The OMs of a photo's size, the smallest batch first."""
        assert self._input is not None  # noqa: S101  (_open_device set it)
        shape = pixel_values.shape
        models = self._models.get(shape[1:3] if self._input.layout == "NHWC" else shape[2:4])
        if models is None or shape[0] != 1 or pixel_values.dtype != self._input.dtype:
            raise InputMismatch(f"{pixel_values.dtype} {shape}")
        return models

    def _release(self, failure: AclFailure) -> None:
        """Close the device after a failure; a lost one in all workers, so that it is reset."""
        _log.warning("Device %d is reopened: %s", self.device_id, failure.explain().en)
        self._close_device()
        if failure.is_device_lost:
            _release_lost_device(
                worker
                for worker in _workers
                if worker is not self and worker.device_id == self.device_id
            )

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
