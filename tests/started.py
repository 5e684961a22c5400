"""A page in a process of its own, started as from a shell."""

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
    """A page that serves.

    Attributes:
        process: its process; stdout and stderr come together.
        address: where it serves.
        said: the lines it printed until then.
    """

    process: subprocess.Popen[str]
    address: str
    said: tuple[str, ...]


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
    inherited = {name: value for name, value in os.environ.items() if name not in without}
    process = subprocess.Popen(
        [*tracer, sys.executable, "-u", "app.py", *arguments],
        cwd=ROOT,
        env={**inherited, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Where pytest runs in the background, a child would be born deaf to this signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        assert process.stdout
        said: list[str] = []
        while not said or not re.match(r"Koutu \S+: http://", said[-1]):
            line = process.stdout.readline()
            assert line, f"the page ended before it was there: {said}"
            said.append(line.rstrip("\n"))
        try:
            yield Started(process, said[-1].split()[-1], tuple(said[:-1]))
        finally:
            process.kill()  # or a test that fails would wait for its end for ever
