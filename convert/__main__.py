"""The command line: python -m convert COMMAND ..."""

import sys
from collections.abc import Sequence

from convert.command import Command, run_command

COMMANDS = {
    "export": Command(
        "convert.export", "make model.onnx and card.json from a Mask2Former checkpoint"
    ),
    "quantize": Command(
        "convert.quantize", "make int8 versions of a model folder's graphs for onnxruntime"
    ),
    "verify": Command(
        "convert.measure.verify",
        "compare a model folder's artifacts with transformers and with each other",
    ),
    "bench": Command(
        "convert.measure.speed.bench",
        "time a model folder's artifacts against transformers and other run-times",
    ),
    "atc": Command("convert.ascend.atc", "make OM files for an Ascend chip from a model folder"),
    "tune": Command(
        "convert.tune.command",
        "find the best OM on this host's Ascend card, and report its accuracy and speed",
    ),
    "evaluate": Command(
        "convert.measure.evaluate", "measure the cut-outs on photos with known masks"
    ),
    "edges": Command(
        "convert.measure.edges",
        "measure alpha and colour on composites of objects with known alpha",
    ),
    "sheet": Command(
        "convert.measure.contact_sheet", "draw the example cut-outs over white, black and magenta"
    ),
    "compare": Command(
        "convert.measure.example_comparisons",
        "make the comparisons of the examples that the page shows",
    ),
    "waits": Command(
        "convert.measure.speed.latency",
        "measure how long a visitor waits, from a cold start to the file",
    ),
    "capacity": Command(
        "convert.measure.speed.capacity",
        "measure how many photos per second the page and the command line cut out",
    ),
    "programs": Command(
        "convert.measure.speed.programs",
        "time the command line beside other programs, as whole processes",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see `run_command`)."""
    purpose = "Make and measure the artifacts of a Mask2Former checkpoint."
    return run_command("convert", purpose, COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main())
