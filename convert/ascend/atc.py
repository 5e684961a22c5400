"""python -m convert atc: make OM files for an Ascend chip from the ONNX graphs of a model folder.

atc is part of CANN's toolkit and needs no card. Its command line and its output are shown, and each
OM is added to the card. `convert/atc.sh` runs the same command on a host without Python packages.
"""

import argparse
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from convert.arguments import parse_size
from convert.ascend.command_line import (
    PRECISIONS,
    Conversion,
    aipp_config,
    atc_arguments,
    check_soc,
    plan_conversions,
)
from convert.ascend.toolkit import Toolkit, ask_npu_smi, find_toolkit, run_atc
from convert.model_folder import scratch_folder
from segmentation.errors import ConversionError
from segmentation.model_card import (
    Artifact,
    ModelCard,
    check_artifact,
    digest_of,
    load_card,
    save_card,
)

MAX_SHOWN_VIOLATIONS = 8


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("folder", type=Path, help="model folder, from export --target ascend")
    parser.add_argument(
        "--soc-version",
        required=True,
        metavar="CHIP",
        help="such as Ascend310P3 or Ascend910B4; auto asks npu-smi",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="mixed",
        help="mixed (default): matrix products in float16, the rest in float32 where the chip can; "
        "fp16; fp32",
    )
    parser.add_argument(
        "--size",
        action="append",
        type=parse_size,
        metavar="HxW",
        help="only this size; may be given several times; default: all sizes in the card",
    )
    parser.add_argument(
        "--gears", action="store_true", help="one OM for all sizes of a graph instead of one each"
    )
    parser.add_argument(
        "--aipp", action="store_true", help="let the chip normalise the photo (NCHW graphs only)"
    )
    parser.add_argument(
        "--fusion-switch-file", type=Path, metavar="FILE", help="turns atc's fusions on or off"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the commands only; needs no CANN"
    )


def run(args: argparse.Namespace) -> None:
    """Make the OM files, or show the commands that would."""
    card = load_card(args.folder.resolve())
    soc = ask_npu_smi() if args.soc_version == "auto" else check_soc(args.soc_version)
    conversions = plan_conversions(card, soc, args.precision, args.size or (), gears=args.gears)
    check_graphs(card, conversions)
    fusion_switch = args.fusion_switch_file.resolve() if args.fusion_switch_file else None
    if args.dry_run:
        for conversion in conversions:
            print(format_commands(card, conversion, aipp=args.aipp, fusion_switch=fusion_switch))
        return
    toolkit = find_toolkit()
    for conversion in conversions:
        artifact = make_om(card, conversion, toolkit, aipp=args.aipp, fusion_switch=fusion_switch)
        card = _add_artifact(card, artifact)
        save_card(card)
        print(
            f"{card.path(artifact)}: {artifact.bytes / 1e6:.1f} MB, {soc}, "
            f"made with {artifact.made_with}"
        )


def check_graphs(card: ModelCard, conversions: tuple[Conversion, ...]) -> None:
    """Check that atc will accept the graphs, before it spends minutes on them.

    Raises:
        ConversionError: a node breaks a rule; the first violations are listed.
        ModelDamaged: a graph is missing or was changed.
    """
    import onnx

    from convert.graph.operator_rules.check import check

    for graph in dict.fromkeys(conversion.graph for conversion in conversions):
        model = onnx.load(check_artifact(card, graph))
        # A graph for several sizes has open sides, and atc is told each size.
        violations = check(model, open_sides=len(graph.sizes_hw) > 1)
        if violations:
            shown = "\n".join(f"  {violation}" for violation in violations[:MAX_SHOWN_VIOLATIONS])
            raise ConversionError(
                f"atc would refuse {graph.file}: it breaks {len(violations)} rules. "
                f"Export it with --target ascend. The first:\n{shown}",
                f"{graph.file} 不适合 atc，有 {len(violations)} 处问题。"
                f"请用 --target ascend 重新导出。前几处：\n{shown}",
            )


def format_commands(
    card: ModelCard, conversion: Conversion, *, aipp: bool, fusion_switch: Path | None
) -> str:
    """Format the shell commands of a conversion, those that write the AIPP configuration included.

    Raises:
        ConversionError: AIPP does not suit the graph.
    """
    output = card.folder / conversion.name
    config = output.with_suffix(".aipp.cfg") if aipp else None
    lines = [shlex.join(["atc", *atc_arguments(card, conversion, output, config, fusion_switch)])]
    if config:
        text = aipp_config(card, conversion)
        lines.insert(0, f"cat > {shlex.quote(str(config))} <<'END'\n{text}END")
    return "\n".join(lines)


def make_om(
    card: ModelCard,
    conversion: Conversion,
    toolkit: Toolkit,
    *,
    aipp: bool,
    fusion_switch: Path | None,
) -> Artifact:
    """Make one OM and move it into the model folder, with its AIPP configuration and fusion report.

    Returns:
        The card's entry for the OM.

    Raises:
        ConversionError: atc failed, or did not make the expected file.
    """
    # atc leaves kernels, caches and the fusion report in the folder where it runs.
    with scratch_folder(card.folder) as partial:
        output = partial / conversion.name
        config = None
        if aipp:
            config = output.with_suffix(".aipp.cfg")
            config.write_text(aipp_config(card, conversion), "utf-8")
        options = atc_arguments(card, conversion, output, config, fusion_switch)
        print(shlex.join([str(toolkit.atc), *options]), file=sys.stderr, flush=True)
        version = run_atc(toolkit, options, partial)
        om = Path(f"{output}.om")
        if not om.is_file():
            made = ", ".join(path.name for path in partial.glob("*.om")) or "nothing"
            raise ConversionError(
                f"atc made {made}, not {om.name}. An OM with the host's name in its file name has "
                "open shapes; give the graph fixed sizes.",
                f"atc 生成的是 {made}，而不是 {om.name}。文件名中带有主机架构，说明图中有动态形状，"
                "请导出固定尺寸的图。",
            )
        artifact = describe_om(om, conversion, version)
        for path in (om, config, partial / "fusion_result.json"):
            if path and path.is_file():
                name = path.name.replace("fusion_result", f"{conversion.name}.fusion")
                shutil.move(path, card.folder / name)
    return artifact


def describe_om(om: Path, conversion: Conversion, version: str | None) -> Artifact:
    """Make the card's entry for an OM.

    Args:
        om: the file.
        conversion: the conversion that made it.
        version: version of atc, if known.
    """
    return Artifact(
        file=om.name,
        format="om",
        precision=conversion.precision,
        sizes_hw=conversion.sizes_hw,
        bytes=om.stat().st_size,
        sha256=digest_of(om),
        soc=conversion.soc,
        made_with=f"atc {version}" if version else "atc",
    )


def _add_artifact(card: ModelCard, artifact: Artifact) -> ModelCard:
    """Append an artifact, or replace the one of the same file where it stands.

    The order of artifacts is the order of preference.
    """
    files = [listed.file for listed in card.artifacts]
    place = files.index(artifact.file) if artifact.file in files else len(files)
    return replace(
        card, artifacts=(*card.artifacts[:place], artifact, *card.artifacts[place + 1 :])
    )
