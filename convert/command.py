"""What the packages' command lines have in common: a command is a module."""

import argparse
import errno
import importlib
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType, MappingProxyType

from segmentation.errors import KoutuError


def run_command(
    package: str,
    purpose: str,
    commands: Mapping[str, str],
    argv: Sequence[str] | None,
    modules: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Run one command; 0 is success, 1 a failure that was explained on stderr, 2 wrong usage.

    What is interrupted or terminated cleans up behind itself, and exits as the shell expects (130,
    143).

    A command is the module of the same name with `configure(parser)` and `run(args)`. It is
    imported only when asked for, so that the others work where torch or onnx is not installed.

    Args:
        package: whose modules the commands are.
        purpose: of the package.
        commands: what each does.
        argv: the arguments; None takes the process's own.
        modules: where a command's module is not the package's own of that name.
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
    try:
        module = importlib.import_module(modules.get(chosen.command, f"{package}.{chosen.command}"))
    except ModuleNotFoundError as error:
        print(_not_installed(error), file=sys.stderr)
        return 1
    command = argparse.ArgumentParser(
        prog=f"python -m {package} {chosen.command}", description=commands[chosen.command]
    )
    module.configure(command)
    try:
        with _terminated_by_exception():
            module.run(command.parse_args(chosen.rest))
    except KoutuError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(_not_installed(error), file=sys.stderr)
        return 1
    except OSError as error:
        print(_not_read_or_written(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


def _not_read_or_written(error: OSError) -> str:
    """Of the files that a command was told to read or write, and the disk they lie on."""
    where = f"{error.filename}: " if error.filename else ""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    way_out = "Free some space." if is_full else "Check the path and its permissions."
    return f"error: {where}{error.strerror or error}. {way_out}"


def _not_installed(error: ModuleNotFoundError) -> str:
    return (
        f"error: the package {error.name} is not installed. Run: "
        "pip install -r convert/requirements.txt (for atc alone: pip install onnx)"
    )


@contextmanager
def _terminated_by_exception() -> Iterator[None]:
    """Let SIGTERM end the block as an exception does, so that nothing half-written stays."""

    def leave(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
