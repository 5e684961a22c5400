"""The command line: python -m convert COMMAND ..."""

import sys
from collections.abc import Sequence

from convert.command import run_command

COMMANDS = {
    "export": "make model.onnx and card.json from a Mask2Former checkpoint",
    "quantize": "make int8 twins of a model folder's graphs for onnxruntime",
    "verify": "compare a model folder's graphs with transformers and with each other",
    "bench": "time a model folder's graphs against transformers and others, taking turns",
    "atc": "make OMs for an Ascend chip from a model folder",
    "evaluate": "measure the cut-outs on photos whose masks are known",
    "edges": "measure alpha and colour on compositions of objects with known alpha",
    "sheet": "draw the examples cut out over white, black and magenta",
    "compare": "make the comparisons of the examples that the page shows at once",
    "waits": "measure how long a visitor waits, from a cold start to the file",
}


MODULES = {
    name: f"convert.{module}"
    for name, module in {
        "verify": "measure.verify",
        "bench": "measure.bench",
        "atc": "ascend.atc",
        "evaluate": "measure.evaluate",
        "edges": "measure.edges",
        "sheet": "measure.contact_sheet",
        "compare": "measure.example_comparisons",
        "waits": "measure.latency",
    }.items()
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, as `run_command` says."""
    purpose = "Make and measure the artifacts of a Mask2Former checkpoint."
    return run_command("convert", purpose, COMMANDS, argv, MODULES)


if __name__ == "__main__":
    sys.exit(main())
