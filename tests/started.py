"""Start the page in its own process, as a shell does."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
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
def started(
    *arguments: str,
    environment: Mapping[str, str],
    without: Collection[str] = (),
    tracer: Sequence[str] = (),
) -> Iterator[Started]:
    """Run app.py until the block ends, from the moment it serves.

    Args:
        arguments: of app.py.
        environment: variables to set.
        without: variables of this process that the page must not see.
        tracer: a command to run the page under, which keeps the page's process id.
    """
    # Pages that start at the same time would choose the same first free port.
    inherited = {"GRADIO_SERVER_PORT": "0"}
    inherited |= {name: value for name, value in os.environ.items() if name not in without}
    process = subprocess.Popen(
        [*tracer, sys.executable, "-u", "app.py", *arguments],
        cwd=ROOT,
        env={**inherited, **environment},
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
