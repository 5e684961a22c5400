"""Start the page in its own process, as a shell does."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.paths import ROOT


@dataclass(frozen=True, slots=True)
class Started:
    """A page that accepts requests.

    Attributes:
        process: the process; its stdout also has its stderr.
        address: the address of the page.
        output: the lines printed before the address.
    """

    process: subprocess.Popen[str]
    address: str
    output: tuple[str, ...]


@contextmanager
def started(*arguments: str, environment: Mapping[str, str]) -> Iterator[Started]:
    """Run app.py until the block ends, from the moment it serves."""
    process = subprocess.Popen(
        [sys.executable, "-u", "app.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A child of a pytest that runs in the background would ignore this signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        assert process.stdout
        output: list[str] = []
        while not output or not re.match(r"Koutu \S+: http://", output[-1]):
            line = process.stdout.readline()
            assert line, f"the page ended before it served: {output}"
            output.append(line.rstrip("\n"))
        try:
            yield Started(process, output[-1].split()[-1], tuple(output[:-1]))
        finally:
            process.kill()  # else a failing test would wait for its end forever
