"""python -m convert export: a checkpoint to model.onnx and card.json, proven on the spot."""

import argparse
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

import onnx

from convert.arguments import parse_size
from convert.checkpoint import Checkpoint, load_checkpoint
from convert.export_plan import GraphPlan, plan_graphs
from convert.exportable import MASK_STRIDE, OUTPUTS, TARGETS, write_graph
from convert.folder import move_in, scratch
from convert.graph.operator_rules import check
from convert.graph.sampling import SAMPLERS
from convert.labels import in_both_languages
from convert.measure.logits_difference import compare_logits
from convert.measure.synthetic_photo import synthetic_photo
from convert.source import find_checkpoint
from segmentation.arrays import SizeHW
from segmentation.cli import share
from segmentation.engines.onnx import OnnxEngine
from segmentation.errors import ConversionError, ModelError
from segmentation.i18n import Text
from segmentation.model_card import Artifact, ModelCard, Source, digest_of, load_card, save_card

Task = Literal["instance", "panoptic", "semantic"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("checkpoint", help="Hub id, or a folder that save_pretrained made")
    parser.add_argument("--revision", help="branch, tag or commit on the Hub; default: main")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder to make")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--size",
        action="append",
        type=parse_size,
        metavar="512 | HxW",
        help="input size, multiples of 32; may be given several times",
    )
    sizes.add_argument(
        "--longest-side",
        type=int,
        metavar="N",
        help="all sizes from 1:2 to 2:1 with this longest side (convolutional backbones)",
    )
    parser.add_argument(
        "--target",
        choices=tuple(TARGETS),
        default="onnx",
        help="onnx (default): fastest in onnxruntime; ascend: what atc accepts, one size a graph",
    )
    parser.add_argument(
        "--sampling",
        choices=tuple(SAMPLERS),
        help="form of deformable attention; default: deform-conv for onnx, grid-sample for ascend; "
        "gather is the way out where atc or the chip fails on GridSample",
    )
    parser.add_argument("--source", help="what the card names as the source; default: CHECKPOINT")
    parser.add_argument("--task", choices=("instance", "panoptic", "semantic"))
    parser.add_argument("--title", help="what visitors read; default: the checkpoint's name")
    parser.add_argument("--title-zh", help="the same in Chinese")
    parser.add_argument("--license", help="licence of the weights, for the card")
    parser.add_argument("--score-threshold", type=share, default=0.5, metavar="0..1")


def run(args: argparse.Namespace) -> None:
    """Export as the command line says."""
    files = find_checkpoint(args.checkpoint, args.revision)
    checkpoint = load_checkpoint(files.folder)
    if not checkpoint.is_normalised:
        # Training scripts that normalise on their own like to save it so.
        print(
            "warning: preprocessor_config.json says do_normalize: false, so the graph does not "
            "normalise. If the checkpoint was trained on normalised photos, mend that file first.",
            file=sys.stderr,
        )
    name = args.source or files.name
    title = args.title or name.split("/")[-1]
    card = export(
        checkpoint,
        args.output,
        plan_graphs(checkpoint, args.size, args.longest_side, args.target, args.sampling),
        source=Source(name, files.revision, args.license or files.license),
        title=Text(title, args.title_zh or title),
        task=args.task or guess_task(name),
        score_threshold=args.score_threshold,
    )
    for artifact in card.artifacts:
        print(f"{card.path(artifact)}: {artifact.bytes / 1e6:.1f} MB")


def export(
    checkpoint: Checkpoint,
    output: Path,
    graphs: tuple[GraphPlan, ...],
    *,
    source: Source,
    title: Text,
    task: Task,
    score_threshold: float,
) -> ModelCard:
    """Write the graphs and their card, compare each graph with transformers, then move them in.

    Nothing appears in `output` before everything is written and proven, and the graphs of a model
    that was there go. OMs stay, since it takes long to make them; the new card does not list them.

    Raises:
        ConversionError: a graph disagrees with transformers, or breaks a rule of atc.
        OSError: the disk is full, or the folder cannot be written.
    """
    with scratch(output) as partial:
        card = ModelCard(
            folder=partial,
            name=output.resolve().name,
            title=title,
            task=task,
            source=source,
            labels=in_both_languages(checkpoint.labels),
            score_threshold=score_threshold,
            input=checkpoint.input_spec,
            outputs=OUTPUTS,
            mask_stride=MASK_STRIDE,
            artifacts=tuple(_write(checkpoint, partial, plan) for plan in graphs),
        )
        prove(checkpoint, card)
        save_card(card)
        before = _onnx_files(output)
        move_in(partial, output)
    for file in before - {artifact.file for artifact in card.artifacts}:
        (output / file).unlink(missing_ok=True)
    return replace(card, folder=output)


def _onnx_files(folder: Path) -> set[str]:
    """The graphs of the model that is in a folder, if one is."""
    with suppress(ModelError):
        return {of.file for of in load_card(folder).artifacts if of.format == "onnx"}
    return set()


def prove(checkpoint: Checkpoint, card: ModelCard) -> None:
    """Compare every graph with transformers on a synthetic photo.

    Raises:
        ConversionError: they differ by more than rounding.
    """
    engine = OnnxEngine(card)
    # Both ways oblong where a graph takes more than one size: a mix-up of axes shows there.
    by_shape = (sorted(of.sizes_hw, key=lambda hw: hw[0] / hw[1]) for of in card.artifacts)
    sizes_hw = dict.fromkeys(hw for shapes in by_shape for hw in (shapes[0], shapes[-1]))
    for height, width in sizes_hw:
        image = synthetic_photo((height, width))[None]
        found = compare_logits(checkpoint.run(image), engine.run(image))
        print(
            f"At {height}x{width} against transformers: "
            f"class logits {found.class_max:.1e}, mask logits {found.mask_max:.1e}, "
            f"mask agreement {found.mask_agreement:.3%}"
        )
        if not found.is_rounding:
            raise ConversionError(
                f"At {height}x{width} the graph disagrees with transformers; nothing was written. "
                "Please report the checkpoint.",
                f"尺寸 {height}x{width} 的计算图与 transformers 的结果不一致，未写出任何文件。"
                "请反馈该检查点。",
            )
    engine.close()


def guess_task(name: str) -> Task:
    """The task a checkpoint's name states; instance where it states none."""
    tasks: tuple[Task, ...] = ("instance", "panoptic", "semantic")
    return next((task for task in tasks if task in name.lower()), "instance")


def _write(checkpoint: Checkpoint, folder: Path, plan: GraphPlan) -> Artifact:
    path = folder / plan.file
    model = write_graph(
        checkpoint.model, checkpoint.input_spec, plan.size_hw, plan.target, plan.sampling
    )
    if plan.target == "ascend" and (offences := check(model)):
        raise ConversionError(
            f"{plan.file} would not pass atc: {offences[0]}. Please report the checkpoint.",
            f"{plan.file} 无法通过 atc：{offences[0]}。请反馈该检查点。",
        )
    onnx.save(model, path)
    return describe(path, "fp32", plan.sizes_hw)


def describe(path: Path, precision: str, sizes_hw: tuple[SizeHW, ...]) -> Artifact:
    """The card's entry for an ONNX file."""
    return Artifact(path.name, "onnx", precision, sizes_hw, path.stat().st_size, digest_of(path))
