"""Decodes photos in other processes, each with limits on its memory and time.

A decoder that oversteps its limits, or crashes, ends with its process; the next photo gets another.
"""

import atexit
import os
import threading
from contextlib import suppress
from functools import cache

from segmentation.errors import PhotoError
from segmentation.image.bounded.process import DecoderFailed, DecoderProcess
from segmentation.image.photo import Limits, Photo

# Photos that are decoded at a time; each may take the memory of its `Budget`.
MAX_DECODERS = 3


class DecoderPool:
    """Processes that decode photos, started when they are needed. Safe to use from any thread.

    Args:
        size: the largest number of processes; further photos wait.
    """

    def __init__(self, size: int = MAX_DECODERS) -> None:
        self._size = size
        self._start()

    def _start(self) -> None:
        self._places = threading.Semaphore(self._size)
        self._lock = threading.Lock()
        self._idle: list[DecoderProcess] = []

    def decode(self, data: bytes, limits: Limits) -> Photo:
        """Decode a photo; the arguments and errors are those of `decode.decode`.

        Raises:
            PhotoError: also if the decoder crashes or cannot be started.
            PhotoTooLarge: also if the photo takes more than its `Budget`.
        """
        with self._places:
            process = self._take()
            try:
                photo = process.decode(data, limits)
            except DecoderFailed as failure:
                process.close()
                raise failure.error from failure
            except PhotoError:
                self._give_back(process)
                raise
            except BaseException:  # an interrupt, in the middle of a message
                process.close()
                raise
            self._give_back(process)
            return photo

    def warm_up(self) -> None:
        """Start a process if there is none, without waiting for it.

        If it cannot be started, the next photo reports that.
        """
        with self._lock, suppress(PhotoError):
            if not self._idle:
                self._idle.append(DecoderProcess())

    def close(self) -> None:
        """End the idle processes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def forget(self) -> None:
        """Start anew in a fork of this process, whose parent keeps the decoders."""
        for process in self._idle:
            process.forget()
        self._start()  # the locks may be held by threads that are gone

    def _take(self) -> DecoderProcess:
        with self._lock:
            while self._idle:
                process = self._idle.pop(0)  # the fork of one that has just served may not be ready
                if process.is_alive:
                    return process
                process.close()  # killed while it waited
        return DecoderProcess()

    def _give_back(self, process: DecoderProcess) -> None:
        if process.is_reusable:
            with self._lock:
                self._idle.append(process)
            return
        process.close()
        self.warm_up()


@cache
def decoder_pool() -> DecoderPool:
    """Return the pool of this program."""
    pool = DecoderPool()
    atexit.register(pool.close)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=pool.forget)
    return pool
