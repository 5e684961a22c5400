"""python -m convert export: write model.onnx and card.json, and compare them with transformers."""

import argparse
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

import onnx

from convert.arguments import parse_size_hw, positive_int
from convert.checkpoint import Checkpoint, load_checkpoint
from convert.checkpoint_files import find_checkpoint
from convert.export_comparison import compare_with_transformers
from convert.export_plan import GraphPlan, add_portable, plan_graphs
from convert.graph.half_weights import halve_weights
from convert.graph.mask2former import (
    FASTEST_SAMPLING,
    MASK_STRIDE,
    OUTPUTS,
    TARGETS,
    write_graph,
)
from convert.graph.operator_rules.check import check
from convert.graph.retarget.batch import batch
from convert.graph.retarget.point_sampling import POINT_SAMPLERS
from convert.graph.sampling.registry import SAMPLERS
from convert.graph.shared_weights import share_weights
from convert.labels import translate_labels
from convert.model_folder import move_files, scratch_folder
from segmentation.arrays import SizeHW
from segmentation.cli.argument_types import score
from segmentation.errors import ConversionError, ModelError
from segmentation.i18n import Text
from segmentation.model_card import Artifact, ModelCard, Source, digest_of, load_card, save_card

Task = Literal["instance", "panoptic", "semantic"]
TASKS: tuple[Task, ...] = ("instance", "panoptic", "semantic")
WEIGHT_DTYPES = ("float32", "float16")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("checkpoint", help="Hub id, or a folder written by save_pretrained")
    parser.add_argument("--revision", help="branch, tag or commit on the Hub; default: main")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="model folder to write; created if needed"
    )
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--size",
        action="append",
        type=parse_size_hw,
        metavar="512 | HxW",
        help="input size, multiples of 32; may be given several times",
    )
    sizes.add_argument(
        "--longest-side",
        type=int,
        metavar="N",
        help="all sizes from 1:2 to 2:1 with this longest side (convolutional backbones only)",
    )
    _add_form_and_card(parser)


def _add_form_and_card(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the form of the graphs and for the card."""
    parser.add_argument(
        "--target",
        choices=tuple(TARGETS),
        default="onnx",
        help="onnx (default): fastest in onnxruntime; ascend: for atc, one graph per size",
    )
    parser.add_argument(
        "--sampling",
        choices=tuple(SAMPLERS),
        help="form of deformable attention; default: deform-conv for onnx, grid-sample for ascend; "
        "use gather if atc or the chip fails on GridSample",
    )
    parser.add_argument(
        "--input",
        type=str.upper,
        choices=("NHWC", "NCHW"),
        default="NHWC",
        help="nhwc (default): the photo, uint8, normalised inside; nchw: normalised float32, "
        "for --gears and --aipp of atc, or if a chip refuses uint8",
    )
    parser.add_argument(
        "--batch",
        type=positive_int,
        default=1,
        metavar="N",
        help="for ascend: also write graphs that take N photos at once, for --batch N of atc",
    )
    parser.add_argument(
        "--portable",
        action="store_true",
        help="for onnx: also write graphs that share these weights, for onnxruntime before 1.25 "
        "and for OpenVINO, DirectML and CANN",
    )
    parser.add_argument(
        "--weights",
        choices=WEIGHT_DTYPES,
        default="float32",
        help="float16: for onnx, files of half the size; the graph computes in float32 as before",
    )
    parser.add_argument("--source", help="source that the card names; default: CHECKPOINT")
    parser.add_argument("--task", choices=TASKS, help="default: as the checkpoint's name says")
    parser.add_argument("--title", help="title that the page shows; default: the checkpoint's name")
    parser.add_argument("--title-zh", help="title in Chinese")
    parser.add_argument("--license", help="licence of the weights, for the card")
    parser.add_argument(
        "--score-threshold",
        type=score,
        default=0.5,
        metavar="0..1",
        help="lowest score of an object that is shown; default: 0.5",
    )


def run(args: argparse.Namespace) -> None:
    """Export a checkpoint and print the files written.

    Raises:
        ConversionError: two arguments contradict each other, or the checkpoint cannot be exported.
        OSError: the disk is full, or the folder cannot be written.
    """
    if args.weights == "float16" and args.target != "onnx":
        raise ConversionError(
            "--weights float16 is for --target onnx, since atc rounds the weights by itself. Leave "
            "one of the two out.",
            "--weights float16 只用于 --target onnx，因为 atc 会自行转换权重。请去掉其中一项。",
        )
    files = find_checkpoint(args.checkpoint, args.revision)
    checkpoint = load_checkpoint(files.folder)
    if not checkpoint.is_normalised:
        # Training scripts that normalise by themselves often save this.
        print(
            "warning: preprocessor_config.json has do_normalize: false, so the graph does not "
            "normalise. If the checkpoint was trained on normalised photos, correct that file "
            "first.",
            file=sys.stderr,
        )
    plans = plan_graphs(
        checkpoint,
        args.size,
        args.longest_side,
        args.target,
        args.sampling,
        args.input,
        batch=args.batch,
    )
    if args.portable and args.target == "onnx":
        plans = add_portable(plans)
    name = args.source or files.name
    title = args.title or name.split("/")[-1]
    card = export(
        checkpoint,
        args.output,
        plans,
        source=Source(name, files.revision, args.license or files.license),
        title=Text(title, args.title_zh or title),
        task=args.task or guess_task(name),
        score_threshold=args.score_threshold,
        halves=args.weights == "float16",
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
    halves: bool = False,
) -> ModelCard:
    """Write graphs and their card, and compare each graph with transformers.

    Nothing appears in `output` before all graphs are written and compared. The ONNX graphs of a
    model that was there are deleted. Its OM files are kept, because they take long to make, but the
    new card does not list them.

    Args:
        checkpoint: what to export.
        output: the model folder.
        graphs: what to write.
        source, title, task, score_threshold: for the card.
        halves: whether to store the weights as float16.

    Returns:
        The new card.

    Raises:
        ConversionError: a graph disagrees with transformers, or breaks a rule of atc.
        OSError: the disk is full, or the folder cannot be written.
    """
    with scratch_folder(output) as partial:
        card = ModelCard(
            folder=partial,
            name=output.resolve().name,
            title=title,
            task=task,
            source=source,
            labels=translate_labels(checkpoint.labels),
            score_threshold=score_threshold,
            input=checkpoint.graph_input(graphs[0].layout),
            outputs=OUTPUTS,
            mask_stride=MASK_STRIDE,
            artifacts=tuple(_write(checkpoint, partial, plan, halves=halves) for plan in graphs),
            subject_query=checkpoint.has_subject,
        )
        for sampling in dict.fromkeys(artifact.sampling for artifact in card.artifacts):
            graphs_of_one = tuple(a for a in card.artifacts if a.sampling == sampling)
            compare_with_transformers(
                checkpoint, replace(card, artifacts=graphs_of_one), halves=halves
            )
        save_card(card)
        previous = _onnx_files(output)
        move_files(partial, output)
    for file in previous - {artifact.file for artifact in card.artifacts}:
        (output / file).unlink(missing_ok=True)
    return replace(card, folder=output)


def _onnx_files(folder: Path) -> set[str]:
    """The ONNX files that the card of a folder lists; none without a card."""
    with suppress(ModelError):
        artifacts = load_card(folder).artifacts
        return {artifact.file for artifact in artifacts if artifact.format == "onnx"}
    return set()


def guess_task(name: str) -> Task:
    """Read the task from a checkpoint's name; instance if the name states none."""
    return next((task for task in TASKS if task in name.lower()), "instance")


def describe_graph(
    path: Path,
    precision: str,
    sizes_hw: tuple[SizeHW, ...],
    sampling: str | None,
    weights_file: str | None = None,
    batch: int = 1,
) -> Artifact:
    """Make the card's entry for an ONNX file."""
    return Artifact(
        path.name,
        "onnx",
        precision,
        sizes_hw,
        path.stat().st_size,
        digest_of(path),
        sampling=sampling,
        weights_file=weights_file,
        batch=batch,
    )


def _write(checkpoint: Checkpoint, folder: Path, plan: GraphPlan, *, halves: bool) -> Artifact:
    path = folder / plan.file
    spec = checkpoint.graph_input(plan.layout)
    sampling = plan.sampling or FASTEST_SAMPLING[plan.target]
    max_side = max(map(max, plan.sizes_hw))
    model = write_graph(checkpoint.model, spec, plan.size_hw, plan.target, sampling, max_side)
    if plan.batch > 1:
        model = batch(model, plan.batch, POINT_SAMPLERS[sampling])
    if halves:
        halve_weights(model)
    if plan.weights_file:
        share_weights(model, folder / plan.weights_file)
    elif plan.target == "ascend" and (violations := check(model, open_sides=plan.size_hw is None)):
        raise ConversionError(
            f"atc would refuse {plan.file}: {violations[0]}. Please report the checkpoint.",
            f"{plan.file} 无法通过 atc：{violations[0]}。请反馈该检查点。",
        )
    onnx.save(model, path)
    return describe_graph(path, "fp32", plan.sizes_hw, sampling, plan.weights_file, plan.batch)
