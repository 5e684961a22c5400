"""The page as a process of its own."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

ROOT = Path(__file__).parents[3]
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 10


@contextmanager
def running_page() -> Iterator[str]:
    """Run `app.py` on a free port until the block ends.

    Yields:
        The address of the page, as soon as it answers.

    Raises:
        TimeoutError: the page does not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as page:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}/"
        finally:
            _stop(page)


def _wait_for(port: int) -> None:
    end = time.perf_counter() + START_TIMEOUT_SECONDS
    while time.perf_counter() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/"):
                return
        except URLError:
            time.sleep(0.02)
    raise TimeoutError(f"the page did not start within {START_TIMEOUT_SECONDS} s")


def _stop(page: subprocess.Popen[bytes]) -> None:
    page.terminate()
    try:
        page.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:  # Gradio may swallow the signal while it launches
        page.kill()
