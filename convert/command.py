"""Run the command that a command line names: one argparse sub-parser and one module per command."""

import argparse
import errno
import importlib
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a package.

    Attributes:
        module: dotted name of the module, which defines `configure(parser)` and `run(args)`.
        purpose: what the command does, as one line of the help.
    """

    module: str
    purpose: str


def run_command(
    package: str, purpose: str, commands: Mapping[str, Command], argv: Sequence[str] | None
) -> int:
    """Parse a command line and run the command it names.

    Only the module of that command is imported, so the other commands and `--help` work on a host
    without its packages. A command that is interrupted or terminated cleans up first.

    Args:
        package: the package's name, for the usage line.
        purpose: what the package is for, for the help.
        commands: the commands by name.
        argv: the arguments; None takes those of the process.

    Returns:
        The exit code: 0 for success, 1 for a failure that is explained on stderr, 130 for an
        interrupt (SIGINT).

    Raises:
        SystemExit: with code 0 after `--help`, 2 for wrong usage, 143 for a termination (SIGTERM).
    """
    try:
        run, args = _parse(package, purpose, commands, sys.argv[1:] if argv is None else argv)
        return _run(run, args)
    except ModuleNotFoundError as error:
        print(_missing_package(error), file=sys.stderr)
        return 1


def _parse(
    package: str, purpose: str, commands: Mapping[str, Command], argv: Sequence[str]
) -> tuple[Callable[[argparse.Namespace], None], argparse.Namespace]:
    """Parse the arguments with the parser of the named command.

    Returns:
        The command's `run` and its arguments.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {package}", description=purpose)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    parsers = {
        name: subparsers.add_parser(name, help=command.purpose, description=command.purpose)
        for name, command in commands.items()
    }
    # The package's parser has no options besides --help, so a command always comes first.
    chosen = parsers.get(argv[0]) if argv else None
    if chosen is None:
        parser.parse_args(argv)
        parser.error("the command must come first")
    # Here, since it imports numpy, which --help must not need; and before a run-time is imported.
    from segmentation.engines.telemetry import disable_telemetry

    disable_telemetry()
    module = importlib.import_module(commands[argv[0]].module)
    module.configure(chosen)
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        # The package's parser would report these with its own usage line.
        chosen.error(f"unrecognized arguments: {' '.join(unknown)}")
    return module.run, args


def _run(run: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> int:
    """Run a command and turn its failures into a line on stderr and an exit code."""
    # Imports numpy and Pillow, which --help must not need.
    from segmentation.errors import KoutuError

    try:
        with _exit_on_sigterm():
            run(args)
    except KoutuError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(_file_problem(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


def _file_problem(error: OSError) -> str:
    """The message for a file that cannot be read or written."""
    file = f"{error.filename}: " if error.filename else ""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    remedy = "Free some space." if is_full else "Check the path and its permissions."
    return f"error: {file}{error.strerror or error}. {remedy}"


def _missing_package(error: ModuleNotFoundError) -> str:
    return (
        f"error: the package {error.name} is not installed. Run: "
        "pip install -r convert/requirements.txt (for atc alone: pip install -r requirements.txt "
        "onnx)"
    )


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Raise SystemExit on SIGTERM inside the block, so that `with` and `finally` clean up."""

    def exit_process(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    previous = signal.signal(signal.SIGTERM, exit_process)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
