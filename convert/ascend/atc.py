"""python -m convert atc: model.onnx to an OM for one Ascend chip.

atc needs CANN's toolkit but no card. What it is given, and what it says, is shown; each OM goes
into the card. `convert/atc.sh` is the same command for a host without this package.
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
    arguments,
    check_soc,
    plan,
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

_SHOWN_OFFENCES = 8


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, help="model folder, as export --target ascend made it")
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
        help="mixed (default): float16 where it pays, float32 where it matters",
    )
    parser.add_argument(
        "--size",
        action="append",
        type=parse_size,
        metavar="HxW",
        help="only this size; may be given several times; default: all that the card lists",
    )
    parser.add_argument(
        "--gears", action="store_true", help="one OM for all sizes of a graph, not one for each"
    )
    parser.add_argument(
        "--aipp", action="store_true", help="let the chip normalise the photo (NCHW graphs)"
    )
    parser.add_argument(
        "--fusion-switch-file", type=Path, metavar="FILE", help="turns atc's fusions on or off"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the commands only; needs no CANN"
    )


def run(args: argparse.Namespace) -> None:
    """Convert as the command line says."""
    card = load_card(args.folder.resolve())
    soc = ask_npu_smi() if args.soc_version == "auto" else check_soc(args.soc_version)
    conversions = plan(card, soc, args.precision, args.size or (), gears=args.gears)
    check_graphs(card, conversions)
    fusion_switch = args.fusion_switch_file.resolve() if args.fusion_switch_file else None
    if args.dry_run:
        for conversion in conversions:
            print(show(card, conversion, aipp=args.aipp, fusion_switch=fusion_switch))
        return
    toolkit = find_toolkit()
    for conversion in conversions:
        made = convert(card, conversion, toolkit, aipp=args.aipp, fusion_switch=fusion_switch)
        # In its old place: the card's order is one of preference.
        files = [artifact.file for artifact in card.artifacts]
        place = files.index(made.file) if made.file in files else len(files)
        artifacts = (*card.artifacts[:place], made, *card.artifacts[place + 1 :])
        card = replace(card, artifacts=artifacts)
        save_card(card)
        print(f"{card.path(made)}: {made.bytes / 1e6:.1f} MB, {soc}, made with {made.made_with}")


def check_graphs(card: ModelCard, conversions: tuple[Conversion, ...]) -> None:
    """See to it that atc will take the graphs, before it spends minutes on them.

    Raises:
        ConversionError: some node breaks a rule; the first ones are named.
        ModelDamaged: a graph is missing or altered.
    """
    import onnx

    from convert.graph.operator_rules.check import check

    for graph in dict.fromkeys(conversion.graph for conversion in conversions):
        model = onnx.load(check_artifact(card, graph))
        # A graph for several sizes has open sides; atc is told each size.
        offences = check(model, open_sides=len(graph.sizes_hw) > 1)
        if offences:
            shown = "\n".join(f"  {offence}" for offence in offences[:_SHOWN_OFFENCES])
            raise ConversionError(
                f"{graph.file} is not a graph for atc; {len(offences)} things are in the way. "
                f"Export it with --target ascend. The first:\n{shown}",
                f"{graph.file} 不适合 atc，有 {len(offences)} 处问题。"
                f"请用 --target ascend 重新导出。前几处：\n{shown}",
            )


def show(card: ModelCard, conversion: Conversion, *, aipp: bool, fusion_switch: Path | None) -> str:
    """The commands to paste into a shell, the AIPP configuration included."""
    output = card.folder / conversion.name
    config = output.with_suffix(".aipp.cfg") if aipp else None
    lines = [shlex.join(["atc", *arguments(card, conversion, output, config, fusion_switch)])]
    if config:
        text = aipp_config(card, conversion)
        lines.insert(0, f"cat > {shlex.quote(str(config))} <<'END'\n{text}END")
    return "\n".join(lines)


def convert(
    card: ModelCard,
    conversion: Conversion,
    toolkit: Toolkit,
    *,
    aipp: bool,
    fusion_switch: Path | None,
) -> Artifact:
    """Make one OM and move it beside the card; nothing half-written is left there.

    Raises:
        ConversionError: atc failed, or made something else than one OM.
    """
    # atc leaves more than the OM where it runs: kernels, caches, the report on fusions.
    with scratch_folder(card.folder) as partial:
        output = partial / conversion.name
        config = None
        if aipp:
            config = output.with_suffix(".aipp.cfg")
            config.write_text(aipp_config(card, conversion), "utf-8")
        options = arguments(card, conversion, output, config, fusion_switch)
        print(shlex.join([str(toolkit.atc), *options]), file=sys.stderr, flush=True)
        version = run_atc(toolkit, options, partial)
        om = Path(f"{output}.om")
        if not om.is_file():
            made = ", ".join(path.name for path in partial.glob("*.om")) or "nothing"
            raise ConversionError(
                f"atc made {made}, not {om.name}. An OM with the host's name in it has open "
                "shapes; give the graph fixed sizes.",
                f"atc 生成的是 {made}，而不是 {om.name}。文件名带主机架构说明图中有动态形状，"
                "请导出固定尺寸的图。",
            )
        artifact = describe(om, conversion, version)
        for made_file in (om, config, partial / "fusion_result.json"):
            if made_file and made_file.is_file():
                kept = made_file.name.replace("fusion_result", f"{conversion.name}.fusion")
                shutil.move(made_file, card.folder / kept)
    return artifact


def describe(om: Path, conversion: Conversion, version: str | None) -> Artifact:
    """What the card says of an OM."""
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
