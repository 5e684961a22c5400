"""The command line: python -m convert.compact COMMAND ..."""

import sys
from collections.abc import Sequence

from convert.command import run_command

COMMANDS = {
    "train": "train the compact model, within a budget of minutes",
    "average": "make one checkpoint of several runs",
    "teach": "outline unlabelled photos with a larger model, and keep what can be trusted",
    "alphas": "cut out photos with that larger model alone, for a comparison",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, as `run_command` says."""
    return run_command("convert.compact", "Make the bundled model.", COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
