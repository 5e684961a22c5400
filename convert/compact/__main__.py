"""The command line: python -m convert.compact COMMAND ..."""

import sys
from collections.abc import Sequence

from convert.command import Command, run_command

COMMANDS = {
    "train": Command("convert.compact.train", "train the compact model within a time budget"),
    "refiner": Command(
        "convert.compact.refiner.train", "train the network that corrects the masks of objects"
    ),
    "pack": Command(
        "convert.compact.pack", "make training photos small enough to carry to another machine"
    ),
    "average": Command(
        "convert.compact.average", "average the weights of several training runs' checkpoints"
    ),
    "teach": Command(
        "convert.compact.teach",
        "make masks for unlabelled photos with a larger model, and keep the reliable ones",
    ),
    "alphas": Command(
        "convert.compact.alphas", "cut out photos with the larger model alone, for a comparison"
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see `run_command`)."""
    return run_command("convert.compact", "Make the bundled model.", COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
