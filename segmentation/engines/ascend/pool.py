"""The devices of a host as one: each photo goes to the one with the least to do."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt

from segmentation.engines.ascend.errors import (
    AclFailure,
    CallOverdue,
    InternalError,
    ModelMismatch,
    NotEnoughMemory,
)
from segmentation.engines.ascend.worker import DeviceWorker
from segmentation.engines.base import Logits
from segmentation.i18n import Text

# How long a lost device gets no photo while another one works.
RETRY_AFTER_S = 60.0
# A photo that fails on this many working devices is not tried on the others.
MAX_ATTEMPTS = 2

_log = logging.getLogger(__name__)


class DevicePool:
    """Workers that share the photos of all callers.

    A device that is lost, hangs or does not start gets no photo for RETRY_AFTER_S, and its photo
    goes to another device.

    Args:
        workers: at least one.
    """

    def __init__(self, workers: Sequence[DeviceWorker]) -> None:
        self.workers = tuple(workers)
        self._lock = threading.Lock()
        self._pending: Counter[int] = Counter()
        self._failures: dict[int, tuple[InternalError, float]] = {}

    def open(self) -> None:
        """Open all devices at once.

        Raises:
            InternalError: none starts; the first failure.
        """
        openings = [worker.start_opening() for worker in self.workers]
        failures: list[InternalError] = []
        for worker, opening in zip(self.workers, openings, strict=True):
            try:
                worker.wait_until_open(opening)
            except InternalError as failure:
                failures.append(failure)
                self._note_failure(worker, failure)
        if len(failures) == len(self.workers):
            raise failures[0]

    @property
    def lost(self) -> dict[int, Text]:
        """The devices that failed last, with the reason."""
        with self._lock:
            return {
                device_id: failure.explain() for device_id, (failure, _) in self._failures.items()
            }

    def run(self, pixel_values: npt.NDArray[Any]) -> Logits:
        """Run the model on one photo, on another device if the first is lost or fails.

        Args:
            pixel_values: uint8 or float32 (1, H, W, 3) or (1, 3, H, W), as the OM's input says.

        Raises:
            InternalError: every device that was tried failed, or the input does not fit.
        """
        untried = list(self.workers)
        attempts = 0
        while True:
            with self._choose(untried) as worker:
                try:
                    logits = worker.run(pixel_values)
                except (AclFailure, CallOverdue, NotEnoughMemory, ModelMismatch) as failure:
                    is_lost = (
                        not isinstance(failure, AclFailure)
                        or failure.is_device_lost
                        or worker.device_id in self.lost
                    )
                    if is_lost:
                        self._note_failure(worker, failure)
                    attempts += not is_lost
                    untried.remove(worker)
                    if not untried or attempts == MAX_ATTEMPTS:
                        raise
                else:
                    with self._lock:
                        self._failures.pop(worker.device_id, None)
                    return logits

    def close(self) -> None:
        """Release all devices."""
        for worker in self.workers:
            worker.close()

    @contextmanager
    def _choose(self, workers: Sequence[DeviceWorker]) -> Iterator[DeviceWorker]:
        """Take the worker with the fewest photos; one that was lost recently comes last."""
        with self._lock:
            worker = min(workers, key=self._rank)
            self._pending[worker.device_id] += 1
        try:
            yield worker
        finally:
            with self._lock:
                self._pending[worker.device_id] -= 1

    def _rank(self, worker: DeviceWorker) -> tuple[bool, int]:
        _, failed_at = self._failures.get(worker.device_id, (None, -RETRY_AFTER_S))
        is_lost = time.monotonic() - failed_at < RETRY_AFTER_S
        return is_lost, self._pending[worker.device_id]

    def _note_failure(self, worker: DeviceWorker, failure: InternalError) -> None:
        _log.warning("Device %d gets no photos: %s", worker.device_id, failure.explain().en)
        with self._lock:
            self._failures[worker.device_id] = failure, time.monotonic()
