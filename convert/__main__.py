"""The command line: python -m convert COMMAND ..."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from segmentation.errors import KoutuError

# A command is the module of the same name with `configure(parser)` and `run(args)`. It is imported
# only when asked for, so that the others work where torch or onnx is not installed.
COMMANDS = {
    "export": "make model.onnx and card.json from a Mask2Former checkpoint",
    "quantize": "make int8 twins of a model folder's graphs for onnxruntime",
    "verify": "compare a model folder's graphs with transformers and with each other",
    "bench": "time a model folder's graphs against transformers and others, taking turns",
    "atc": "make OMs for an Ascend chip from a model folder",
    "evaluate": "measure the cut-outs on photos whose masks are known",
    "edges": "measure alpha and colour on compositions of objects with known alpha",
    "sheet": "draw the examples cut out over white, black and magenta",
    "waits": "measure how long a visitor waits, from a cold start to the file",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 is success, 1 a failure that was explained on stderr, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m convert",
        description="Make and measure the artifacts of a Mask2Former checkpoint.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:<9} {purpose}" for name, purpose in COMMANDS.items()),
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    module = importlib.import_module(f"convert.{chosen.command}")
    command = argparse.ArgumentParser(
        prog=f"python -m convert {chosen.command}", description=COMMANDS[chosen.command]
    )
    module.configure(command)
    try:
        module.run(command.parse_args(chosen.rest))
    except KoutuError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
