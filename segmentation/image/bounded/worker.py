"""The process that decodes photos: python -m segmentation.image.bounded.worker [FD]

Messages arrive at stdin and leave at stdout; its end is the end of stdin. On Linux it decodes
nothing itself: each photo gets a fork of its own, whose memory holds nothing of the photos before
it, and FD is a socket from which the fork takes the shared memory for the pixels.
"""

import gc
import mmap
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from functools import cache
from math import prod
from typing import BinaryIO

import cv2
import numpy as np
from PIL import AvifImagePlugin, Image

from segmentation.arrays import UInt8
from segmentation.errors import PhotoError
from segmentation.image.bounded.budget import Budget, restrict
from segmentation.image.bounded.messages import pack_error, read_message, write_message
from segmentation.image.decode import allocate_empty, decode
from segmentation.image.open import register_heif
from segmentation.image.photo import Limits, Photo

# Takes all pages at once, in two thirds of the time of a fault for each; Linux's number (mman.h).
MADV_POPULATE_WRITE = 23


def main(arguments: list[str]) -> None:
    """Decode photos until stdin ends."""
    # Forks read it too. What it reads ahead is of the same request, as the next one comes later.
    requests = open(0, "rb")  # noqa: SIM115
    replies = os.fdopen(os.dup(1), "wb")
    # What libraries print must not get into the replies.
    os.dup2(2, 1)
    _prepare()
    write_message(replies, {"ready": True})
    if sys.platform != "linux":
        while serve(requests, replies, None):
            pass
        return
    channel = socket.socket(fileno=int(arguments[0]))
    gc.collect()
    gc.freeze()  # or a collection would copy what the forks share
    while _serve_in_fork(requests, replies, channel):
        pass


def _prepare() -> None:
    """Load the decoders, and let them run in one thread: a fork of several would hang."""
    cv2.setNumThreads(1)
    Image.init()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    if register_heif():
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1
    # Forks need not load again what a first photo loads.
    _decode_sample()


def _decode_sample() -> None:
    decode(_sample(), Limits())


@cache
def _sample() -> bytes:
    """Make a small JPEG, once for all forks, without a profile: its conversion takes longest."""
    return cv2.imencode(".jpg", np.zeros((32, 32, 3), np.uint8))[1].tobytes()


def serve(requests: BinaryIO, replies: BinaryIO, channel: socket.socket | None) -> bool:
    """Decode one photo.

    Args:
        requests: has the message and the file.
        replies: gets the outcome, and the pixels unless there is a channel.
        channel: delivers the shared memory for the pixels.

    Returns:
        False if there is no request any more.
    """
    request = read_message(requests.read)
    if request is None:
        return False
    data, limits = requests.read(request["bytes"]), Limits(**request["limits"])
    shared = None if channel is None else socket.recv_fds(channel, 1, 1)[1][0]
    most = Budget.of(len(data), limits.max_pixels)
    # Pillow reserves the memory for a WebP's pixels when it opens the file.
    restrict(most if data[8:12] == b"WEBP" else Budget.of(len(data), 0), most)
    allocate = allocate_empty if shared is None else _SharedMemory(shared).allocate
    try:
        photo = decode(
            data, limits, lambda pixels: restrict(Budget.of(len(data), pixels), most), allocate
        )
    except PhotoError as error:
        write_message(replies, pack_error(error))
        return True
    planes = [photo.rgb] if photo.alpha is None else [photo.rgb, photo.alpha]
    write_message(replies, _describe(photo), *(planes if shared is None else ()))
    return True


class _SharedMemory:
    """Hands out one array after another of the program's memory: pixels are written there at once.

    Args:
        descriptor: of the memory.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._used = 0

    def allocate(self, shape: tuple[int, ...]) -> UInt8:
        """Return the next array of a shape."""
        start, self._used = self._used, self._used + prod(shape)
        # No more than needed: the limit on memory counts it.
        memory = mmap.mmap(self._descriptor, self._used)
        with suppress(OSError):  # Linux before 5.14 does not know it
            memory.madvise(MADV_POPULATE_WRITE)
        return np.ndarray(shape, np.uint8, memory, start)


def _describe(photo: Photo) -> dict[str, object]:
    return {
        "size_hw": photo.hw,
        "has_alpha": photo.alpha is not None,
        "dpi_xy": photo.dpi_xy,
        "notices": [[notice.en, notice.zh] for notice in photo.notices],
    }


if sys.platform == "linux":

    def _serve_in_fork(requests: BinaryIO, replies: BinaryIO, channel: socket.socket) -> bool:
        """Let a fork, which is ready before the request, serve it.

        Returns:
            False at the end of stdin, and if the fork failed: the streams are in disorder then.
        """
        pid = os.fork()
        if pid == 0:
            # Decoders write about damaged files to stderr.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            served = False
            try:
                # Copies the memory that a photo writes to, while there is none to wait.
                _decode_sample()
                served = serve(requests, replies, channel)
            finally:
                os._exit(0 if served else 1)
        status = _wait_for(pid)
        if os.WIFSIGNALED(status):
            # Nobody reads it if the program is gone.
            with suppress(BrokenPipeError):
                write_message(replies, {"signal": os.WTERMSIG(status)})
        return status == 0

    def _wait_for(pid: int) -> int:
        """Wait until a fork ends, which the end of the program also brings about."""
        process = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        poll.register(0, 0)  # reports the end of the stream alone
        if all(descriptor != process for descriptor, _ in poll.poll()):
            os.kill(pid, signal.SIGKILL)
        os.close(process)
        return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    main(sys.argv[1:])
