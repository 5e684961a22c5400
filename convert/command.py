"""What the packages' command lines have in common: a command is a module."""

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence

from segmentation.errors import KoutuError


def run_command(
    package: str, purpose: str, commands: Mapping[str, str], argv: Sequence[str] | None
) -> int:
    """Run one command; 0 is success, 1 a failure that was explained on stderr, 2 wrong usage.

    A command is the module of the same name with `configure(parser)` and `run(args)`. It is
    imported only when asked for, so that the others work where torch or onnx is not installed.

    Args:
        package: whose modules the commands are.
        purpose: of the package.
        commands: what each does.
        argv: the arguments; None takes the process's own.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {package}",
        description=purpose,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:<9} {does}" for name, does in commands.items()),
    )
    parser.add_argument("command", choices=commands, metavar="COMMAND", help="one of those below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    module = importlib.import_module(f"{package}.{chosen.command}")
    command = argparse.ArgumentParser(
        prog=f"python -m {package} {chosen.command}", description=commands[chosen.command]
    )
    module.configure(command)
    try:
        module.run(command.parse_args(chosen.rest))
    except KoutuError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
