"""The command line: python -m convert.compact COMMAND ..."""

import sys
from collections.abc import Sequence

from convert.command import run_command

COMMANDS = {
    "train": "train the compact model for a number of minutes",
    "average": "average the checkpoints of several runs",
    "teach": "make masks for unlabelled photos with a larger model, and keep those to trust",
    "alphas": "cut out photos with that larger model alone, for comparison",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, as `run_command` says."""
    return run_command("convert.compact", "Make the bundled model.", COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
