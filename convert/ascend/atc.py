"""python -m convert atc: make OM files for an Ascend chip from the ONNX graphs of a model.

atc is part of CANN's toolkit and needs no card. Its command line and its output are shown, and each
OM is added to the card. `convert/atc.sh` runs the same command on a host without Python packages.
"""

import argparse
import shlex
import sys
from functools import partial
from pathlib import Path

from convert.arguments import parse_size_hw, positive_int
from convert.ascend.chips import check_soc, chip_of_host, is_310p
from convert.ascend.command_line import (
    Conversion,
    Tuning,
    atc_arguments,
    configuration_files,
    plan_conversions,
)
from convert.ascend.conversion import add_artifact, make_om
from convert.ascend.toolkit import check_python, find_toolkit
from convert.ascend.tuning import (
    FP32_ON_310P,
    PRECISION_HELP,
    PRECISIONS,
    atc_option,
    kept_operator,
)
from convert.graph.retarget.point_sampling import POINT_SAMPLERS
from convert.model_folder import check_writable, update_card
from segmentation.model_card import ModelCard, find_model


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("model", help="bundled model (compact) or model folder")
    parser.add_argument(
        "--soc-version",
        required=True,
        metavar="CHIP",
        help="such as Ascend310P3 or Ascend910B4; auto asks pyACL, then npu-smi",
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="mixed", help=PRECISION_HELP)
    parser.add_argument(
        "--sampling",
        choices=tuple(POINT_SAMPLERS),
        help="form of deformable attention: grid-sample (default); grid-sample-v2, which runs on "
        "the AI Core of a 910B; gather, if the chip is slow or wrong with the others",
    )
    parser.add_argument(
        "--size",
        action="append",
        type=parse_size_hw,
        metavar="HxW",
        help="only this size; may be given several times; default: all sizes in the card",
    )
    parser.add_argument(
        "--gears",
        action="store_true",
        help="one OM for all sizes of a graph instead of one each (export --input nchw)",
    )
    parser.add_argument(
        "--aipp",
        action="store_true",
        help="let the chip normalise the photo (export --input nchw)",
    )
    parser.add_argument(
        "--batch",
        type=positive_int,
        default=1,
        metavar="N",
        help="OMs that compute N photos at once, beside those for one; pays where photos wait",
    )
    _add_tuning_arguments(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="show the commands only; needs no CANN"
    )


def _add_tuning_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep-dtype",
        action="append",
        type=kept_operator,
        default=[],
        metavar="NODE | OpType::TYPE",
        help="compute this in the precision of the graph, such as OpType::InstanceNorm; may be "
        "given several times",
    )
    parser.add_argument(
        "--atc",
        action="append",
        type=atc_option,
        default=[],
        metavar="KEY=VALUE",
        help="any other option of atc, such as op_select_implmode=high_precision; may be given "
        "several times",
    )
    parser.add_argument(
        "--fusion-switch-file", type=Path, metavar="FILE", help="turns atc's fusions on or off"
    )


def run(args: argparse.Namespace) -> None:
    """Make the OM files, or show the commands that would."""
    card = find_model(args.model)
    soc = chip_of_host() if args.soc_version == "auto" else check_soc(args.soc_version)
    if args.precision == "fp32" and is_310p(soc):
        print(f"warning: {FP32_ON_310P.en}", file=sys.stderr)
    conversions = plan_conversions(
        card, soc, _tuning(args), args.size or (), gears=args.gears, batch=args.batch
    )
    if args.dry_run:
        for conversion in conversions:
            print(format_commands(card, conversion))
        return
    for conversion in conversions:
        # Refused before the first conversion takes minutes.
        configuration_files(card, conversion)
    check_writable(card.folder)
    toolkit = find_toolkit()
    check_python(toolkit)
    for conversion in conversions:
        artifact = make_om(card, conversion, toolkit)
        card = update_card(card.folder, partial(add_artifact, artifact=artifact))
        print(
            f"{card.path(artifact)}: {artifact.bytes / 1e6:.1f} MB, {soc}, "
            f"made with {artifact.made_with}"
        )


def _tuning(args: argparse.Namespace) -> Tuning:
    switches = args.fusion_switch_file
    return Tuning(
        precision=args.precision,
        sampling=args.sampling,
        aipp=args.aipp,
        kept_dtypes=tuple(args.keep_dtype),
        fusion_switch=switches.read_text("utf-8") if switches else None,
        options=tuple(args.atc),
    )


def format_commands(card: ModelCard, conversion: Conversion) -> str:
    """Format the shell commands of a conversion, to be run where the graphs are.

    A graph that atc refuses as it is must be written by this command: a comment says so.

    Raises:
        ConversionError: AIPP does not suit the graph, or atc would refuse it in any form.
    """
    from convert.ascend.graphs import graph_for_atc

    lines = [f"cd {shlex.quote(str(card.folder.resolve()))}"]
    _, is_rewritten = graph_for_atc(card, conversion)
    if is_rewritten:
        lines.append(f"# {conversion.graph.file} is rewritten for atc before it is converted.")
    for file, text in configuration_files(card, conversion).items():
        lines.append(f"cat > {shlex.quote(file)} <<'END'\n{text.rstrip()}\nEND")
    lines.append(shlex.join(["atc", *atc_arguments(card, conversion, conversion.graph.file)]))
    return "\n".join(lines)
