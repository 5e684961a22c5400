"""The one thread that calls pyACL, and a wait for it that always ends."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

from segmentation.engines.ascend.acl import Acl
from segmentation.engines.ascend.errors import CallOverdue, ProcessForked, ThreadClosed

Result = TypeVar("Result")


class DeviceThread:
    """The one thread that calls pyACL. Other threads submit jobs and wait with a limit.

    A `ThreadPoolExecutor` of one worker does not fit: the interpreter joins its workers at exit,
    so a call that never returns would keep the process from ending.

    Args:
        acl: reports how long the current call has been running.
        call_limit_s: seconds after which a running call counts as overdue.
    """

    def __init__(self, acl: Acl, call_limit_s: float) -> None:
        self._acl = acl
        self._call_limit_s = call_limit_s
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._is_closed = False
        self._process_id = os.getpid()
        self._thread = threading.Thread(target=self._work, name="ascend", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], Result]) -> Result:
        """Run a job in the thread and wait for it.

        Returns:
            The job's result.

        Raises:
            CallOverdue: a call into pyACL, of this job or of an earlier one, does not return.
            ProcessForked: this process was forked from the thread's.
            ThreadClosed: the thread has ended.
            Exception: raised by the job.
        """
        self.check()
        return self.wait_for(self.submit(job))

    def check(self) -> None:
        """Fail at once behind an overdue call, which is not given the full time again.

        Raises:
            CallOverdue: a call into pyACL does not return.
        """
        if self._is_overdue():
            raise CallOverdue(self._call_limit_s)

    def wait_for(self, future: Future[Result]) -> Result:
        """Wait for a submitted job, or for a future that one of the jobs completes.

        Returns:
            The result.

        Raises:
            CallOverdue: a call into pyACL, of this job or of an earlier one, does not return.
            Exception: raised by the job.
        """
        while True:
            wait([future], self._call_limit_s)
            if future.done():
                return future.result()
            if self._is_overdue():
                future.cancel()
                raise CallOverdue(self._call_limit_s)

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        """Queue a job without waiting for it.

        Returns:
            The future of the job's result.

        Raises:
            ProcessForked: this process was forked from the thread's.
            ThreadClosed: the thread has ended.
        """
        if os.getpid() != self._process_id:
            raise ProcessForked
        future: Future[Result] = Future()
        with self._closing:
            if self._is_closed:
                raise ThreadClosed
            self._jobs.put((future, job))
        return future

    def close(self, last_job: Callable[[], None] = lambda: None) -> None:
        """Run the queued jobs and a last one, then end the thread. A second call does nothing.

        Raises:
            CallOverdue: a call into pyACL does not return; the thread is left behind.
            Exception: raised by the last job.
        """
        if os.getpid() != self._process_id:
            return
        future: Future[None] = Future()
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            self._jobs.put((future, last_job))
            self._jobs.put(None)
        while self._thread.is_alive():
            if self._is_overdue():
                raise CallOverdue(self._call_limit_s)
            self._thread.join(self._call_limit_s)
        future.result()

    def _is_overdue(self) -> bool:
        return self._acl.current_call_seconds() >= self._call_limit_s

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            future, job = entry
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)
