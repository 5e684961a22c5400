"""One process that decodes photos, as seen by the program that starts it."""

import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from segmentation.arrays import UInt8
from segmentation.errors import PhotoError, PhotoTooLarge
from segmentation.i18n import Text
from segmentation.image.bounded.budget import Budget
from segmentation.image.bounded.messages import (
    Message,
    read_message,
    unpack_error,
    unpack_text,
    write_message,
)
from segmentation.image.memory_errors import TOO_COSTLY
from segmentation.image.open import DAMAGED
from segmentation.image.photo import Limits, Photo

MODULE = "segmentation.image.bounded.worker"
START_SECONDS = 60
# After the process should have ended by itself.
GRACE_SECONDS = 5
# How a process ends that exceeds a limit; SIGKILL is also what a host sends that has no memory.
LIMIT_SIGNALS = ("SIGXCPU", "SIGALRM", "SIGKILL")
NOT_STARTED = Text(
    "This host cannot start the process that reads photos. Free some memory, or raise its limit "
    "on processes, then retry.",
    "本机无法启动读取照片的进程。请释放内存或提高进程数上限，然后重试。",
)


class DecoderFailed(Exception):
    """Raised when a process can decode no more photos.

    Args:
        error: what to tell the user.
    """

    def __init__(self, error: PhotoError) -> None:
        super().__init__(str(error))
        self.error = error


class DecoderProcess:
    """A process that decodes one photo at a time; it ends with the program, however that ends.

    Attributes:
        is_reusable: whether it serves each photo in a fork of its own. If not, it must decode no
            second photo: memory that a decoder leaves uninitialised would show parts of the first.
    """

    is_reusable = sys.platform == "linux"

    def __init__(self) -> None:
        self._is_ready = False
        self._channel: socket.socket | None = None
        arguments: list[str] = []
        options: dict[str, Any] = {}
        theirs: socket.socket | None = None
        try:
            if sys.platform == "linux":
                self._channel, theirs = socket.socketpair()
                arguments, options["pass_fds"] = [str(theirs.fileno())], (theirs.fileno(),)
            self._process = subprocess.Popen(  # noqa: S603  (our own module)
                # -P: no module of the folder in which the program was started
                [sys.executable, "-P", "-m", MODULE, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
                # Ctrl-C is for the program; and one signal ends the process with its forks.
                start_new_session=True,
                **options,
            )
        except OSError as error:
            if self._channel is not None:
                self._channel.close()
            raise PhotoError.from_text(NOT_STARTED) from error
        finally:
            if theirs is not None:
                theirs.close()

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def decode(self, data: bytes, limits: Limits) -> Photo:
        """Decode a photo.

        Raises:
            PhotoError, PhotoTooLarge: as `decode.decode`; the process goes on.
            DecoderFailed: the process is to be closed.
        """
        self._wait_until_ready()
        budget = Budget.of(len(data), limits.max_pixels)
        shared = None if self._channel is None else _new_shared_memory(int(limits.max_pixels) * 4)
        overran = threading.Event()
        timer = threading.Timer(budget.wall_seconds + GRACE_SECONDS, self._kill, (overran,))
        try:
            timer.start()
            reply = self._ask(data, limits, shared)
            if reply is None or "signal" in reply:
                raise _failure(reply, overran.is_set())
            if error := unpack_error(reply):
                raise error
            return self._receive(reply, limits, shared)
        except (ValueError, TypeError, KeyError) as error:
            if isinstance(error, PhotoError):
                raise
            raise DecoderFailed(PhotoError.from_text(DAMAGED)) from error
        finally:
            timer.cancel()
            if shared is not None:
                os.close(shared)

    def close(self) -> None:
        """End the process and what it started."""
        self._kill()
        self._process.wait()
        self.forget()

    def forget(self) -> None:
        """Close this side's streams."""
        for stream in (self._process.stdin, self._process.stdout, self._channel):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _wait_until_ready(self) -> None:
        if self._is_ready:
            return
        timer = threading.Timer(START_SECONDS, self._kill)
        timer.start()
        try:
            self._is_ready = read_message(self._stdout.read) == {"ready": True}
        except ValueError:  # something else wrote to stdout
            pass
        finally:
            timer.cancel()
        if not self._is_ready:
            raise DecoderFailed(PhotoError.from_text(NOT_STARTED))

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101  (Popen made it)
        return self._process.stdout

    def _ask(self, data: bytes, limits: Limits, shared: int | None) -> Message | None:
        """Send a photo and return the reply, or None if the process ended."""
        request = {"bytes": len(data), "limits": asdict(limits)}
        assert self._process.stdin is not None  # noqa: S101  (Popen made it)
        try:
            if shared is not None and self._channel is not None:
                socket.send_fds(self._channel, [b"m"], [shared])
            write_message(self._process.stdin, request, data)
            return read_message(self._stdout.read)
        except OSError:
            return None

    def _receive(self, reply: Message, limits: Limits, shared: int | None) -> Photo:
        height, width = (int(side) for side in reply["size_hw"])
        if not (0 < height * width <= limits.max_pixels and height > 0):
            raise ValueError("a size beyond the limits")
        pixels, has_alpha = height * width, reply["has_alpha"] is True
        total = pixels * (4 if has_alpha else 3)
        buffer = self._stdout.read(total) if shared is None else mmap.mmap(shared, total)
        values: UInt8 = np.frombuffer(bytearray(buffer) if shared is None else buffer, np.uint8)
        alpha = values[3 * pixels :].reshape(height, width) if has_alpha else None
        dpi = reply["dpi_xy"]
        return Photo(
            values[: 3 * pixels].reshape(height, width, 3),
            alpha,
            "photo",
            tuple(unpack_text(pair) for pair in reply["notices"]),
            None if dpi is None else (float(dpi[0]), float(dpi[1])),
        )

    def _kill(self, overran: threading.Event | None = None) -> None:
        if overran is not None:
            overran.set()
        if sys.platform == "win32":
            self._process.kill()
        elif self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Return the program's environment, with the modules that it finds, and no threads in BLAS.

    Decoders get memory in large pages, as NumPy does: a page fault for each 4 kB of a photo takes
    as long as a quarter of its decoding. It is glibc's setting; the operator's own comes first.
    """
    root = str(Path(__file__).parents[3])
    path = os.pathsep.join(dict.fromkeys([root, *(entry for entry in sys.path if entry)]))
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    large_pages = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    return {**large_pages, **os.environ, **threads, "PYTHONPATH": path}


def _failure(reply: Message | None, overran: bool) -> DecoderFailed:
    """Say why a process ended without a photo."""
    number = None if reply is None else reply["signal"]
    limits = {getattr(signal, name, None) for name in LIMIT_SIGNALS} - {None}
    if overran or number in limits:
        return DecoderFailed(PhotoTooLarge.from_text(TOO_COSTLY))
    return DecoderFailed(PhotoError.from_text(DAMAGED))


def _new_shared_memory(size: int) -> int:
    """Create memory of a fixed size without a name, so that nothing of it can stay behind.

    It takes only as much as is written to it. The seals keep the decoder from cutting it short,
    which would crash the program that reads it.
    """
    assert sys.platform == "linux"  # noqa: S101  (for the type checker)
    import fcntl

    descriptor = os.memfd_create("photo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return descriptor
