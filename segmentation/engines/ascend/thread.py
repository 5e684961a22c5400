"""The one thread that calls pyACL, and how others wait for it without waiting for ever."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

from segmentation.engines.ascend.acl import Acl
from segmentation.i18n import Text

Result = TypeVar("Result")


class Overdue(Exception):
    """Raised to whoever waits for the owner when its call into pyACL does not return."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.text = Text(
            f"The Ascend device has not answered for {seconds:.0f} s. Check npu-smi info; restart "
            "the program, and reset the card if need be.",
            f"昇腾设备已 {seconds:.0f} 秒没有响应。请检查 npu-smi info，重启程序，必要时复位该卡。",
        )


class Closed(Exception):
    """Raised to whoever asks an owner that has finished."""


class Forked(Exception):
    """Raised in a process that was forked from the owner's, which has no owner."""


class Owner:
    """The one thread that calls pyACL; others hand it jobs and wait, but not for ever.

    Args:
        acl: tells how long the call under way has been running.
        patience_s: seconds after which such a call is overdue.
    """

    def __init__(self, acl: Acl, patience_s: float) -> None:
        self._acl = acl
        self._patience_s = patience_s
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._process = os.getpid()
        # A daemon, because one that hangs in a call must not keep the process from its end.
        self._thread = threading.Thread(target=self._work, name="ascend", daemon=True)
        self._thread.start()

    def do(self, job: Callable[[], Result]) -> Result:
        """Have a job done and return its result or raise its error."""
        # Behind a call that is overdue already there is no point in waiting as long again.
        if self._is_overdue():
            raise Overdue(self._patience_s)
        future = self.post(job)
        while True:
            wait([future], self._patience_s)
            if future.done():
                return future.result()
            if self._is_overdue():
                future.cancel()
                raise Overdue(self._patience_s)

    def post(self, job: Callable[[], Result]) -> Future[Result]:
        """Have a job done some time."""
        if os.getpid() != self._process:
            raise Forked
        future: Future[Result] = Future()
        with self._closing:
            if self._closed:
                raise Closed
            self._jobs.put((future, job))
        return future

    def finish(self, last: Callable[[], None] = lambda: None) -> None:
        """Do what is queued and a last job, then end the thread; a second call does nothing."""
        if os.getpid() != self._process:
            return
        future: Future[None] = Future()
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._jobs.put((future, last))
            self._jobs.put(None)
        while self._thread.is_alive():
            if self._is_overdue():
                raise Overdue(self._patience_s)
            self._thread.join(self._patience_s)
        future.result()

    def _is_overdue(self) -> bool:
        return self._acl.seconds_under_way() >= self._patience_s

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            future, job = entry
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)
