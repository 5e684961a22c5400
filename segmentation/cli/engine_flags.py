"""The flags of the engine, which the command line and the page share."""

import argparse
from collections.abc import Callable
from typing import Any

from segmentation.cli.argument_types import engine
from segmentation.engines.registry import AUTO, ENGINES, EngineChoice, engine_choices

_ASCEND = ENGINES["ascend"]


def add_engine_flags(add: Callable[..., Any]) -> None:
    """Add --engine and --devices.

    Args:
        add: `add_argument` of a parser or of a group.
    """
    add("--engine", type=engine, default=AUTO, help=f"{engine_choices()} (default: {AUTO})")
    add(
        "--devices",
        type=_devices,
        metavar="N,N",
        help=f"only these Ascend cards; short for --engine {_ASCEND.name}:N,N",
    )


def choose_engine(args: argparse.Namespace, parser: argparse.ArgumentParser) -> EngineChoice:
    """Return the engine that the two flags ask for.

    Raises:
        SystemExit: with code 2, they ask for different ones.
    """
    if args.devices is None or args.engine == args.devices:
        return str(args.engine)
    if args.engine not in (AUTO, _ASCEND.name):
        parser.error(
            f"--devices asks for --engine {args.devices}, not {args.engine}. Give one of them."
        )
    return str(args.devices)


def _devices(text: str) -> EngineChoice:
    """Turn the numbers of devices into the engine that takes those alone.

    Raises:
        argparse.ArgumentTypeError: the text is not a list of numbers.
    """
    choice = f"{_ASCEND.name}:{text}"
    if not _ASCEND.matches(choice):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of device numbers such as 0,1,3")
    return choice
