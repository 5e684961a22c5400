"""The end of the page at a signal: files are deleted, and the device is released."""

import os
import signal
import threading
from functools import partial
from pathlib import Path

from segmentation.page.server.files.uploads import discard_folder

# Containers kill a page 10 seconds after they asked it to stop. Gradio waits 5 of them for open
# connections, and the device is released after that.
STOP_SECONDS = 6.5


def stop_at_signals(uploads: Path) -> None:
    """End the page at SIGTERM, which stops containers and services, as at Ctrl-C.

    The process ends soon after, even if an inference still runs.

    Args:
        uploads: the folder for visitors' files, which is deleted in that case too.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, uploads))


def _stop(uploads: Path, *_: object) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # another signal would cut the deletion short
    last_resort = threading.Timer(STOP_SECONDS, _end_process, (uploads,))
    last_resort.daemon = True
    last_resort.start()
    raise KeyboardInterrupt


def _end_process(uploads: Path) -> None:
    discard_folder(uploads)
    os._exit(0)
