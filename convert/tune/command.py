"""python -m convert tune: find the best OM on this host's card, and report what the card does.

It tries the precisions and samplings that the chip has at one size, compares every photo with
onnxruntime, converts all sizes in the best way, puts those OMs first in the card, and prints a
report in Markdown.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path

from convert.arguments import format_size, parse_size_hw, positive_int
from convert.ascend.chips import check_soc
from convert.ascend.command_line import Conversion, Tuning, plan_conversions
from convert.ascend.conversion import add_artifact, make_om
from convert.ascend.toolkit import Toolkit, check_python, find_toolkit
from convert.measure.examples import example_photos
from convert.model_folder import check_writable, update_card
from convert.tune.candidates import Trial, candidates, choose
from convert.tune.host_facts import host_facts
from convert.tune.measure import (
    Throughput,
    measure_stages,
    measure_throughput,
    measure_trial,
)
from convert.tune.profile import profile
from convert.tune.report import format_report
from segmentation.engines.ascend.chip import detect_host
from segmentation.engines.ascend.engine import AscendEngine
from segmentation.errors import KoutuError
from segmentation.image.read import read_photo
from segmentation.inference.preprocess import preprocess
from segmentation.model_card import Artifact, ModelCard, find_model


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("model", help="bundled model (compact) or model folder")
    parser.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        metavar="PHOTO",
        help="photos to compare on; default: the examples",
    )
    parser.add_argument(
        "--size", type=parse_size_hw, metavar="HxW", help="size of the trials; default: the largest"
    )
    parser.add_argument(
        "--rounds", type=positive_int, default=20, help="timed inferences of each trial; default 20"
    )
    parser.add_argument(
        "--batch",
        type=positive_int,
        default=1,
        metavar="N",
        help="also make OMs for N photos at once, and keep them if they are faster",
    )


def run(args: argparse.Namespace) -> None:
    """Try, choose, convert and report.

    Raises:
        KoutuError: the folder cannot be written to, no device or no atc works here, or no OM does.
    """
    card = find_model(args.model)
    check_writable(card.folder)
    soc = check_soc(detect_host().chip)
    toolkit = find_toolkit()
    check_python(toolkit)
    photos = args.photos or example_photos()
    facts = host_facts()
    graph_hw = [size_hw for graph in card.source_graphs for size_hw in graph.sizes_hw]
    largest_hw = sorted(graph_hw, key=math.prod, reverse=True)[:1]
    sizes_hw = [args.size] if args.size else largest_hw
    trials = [
        _try(card, conversion, toolkit, photos, args.rounds)
        for tuning in candidates(soc)
        for conversion in plan_conversions(card, soc, tuning, sizes_hw, gears=False)
    ]
    best = choose(trials)
    conversions = plan_conversions(card, soc, best.tuning, gears=False)
    made = _make_oms(card, conversions, toolkit)
    card = update_card(card.folder, partial(_put_first, made=made))
    single = replace(card, artifacts=tuple(om for om in card.artifacts if om.batch == 1))
    with closing(AscendEngine(single, best.tuning.precision)) as engine:
        stages = measure_stages(card, engine, photos)
        throughputs = [measure_throughput(card, engine, photos, args.rounds)]
        memory = engine.memory_bytes
        om = max(engine.compiled_artifacts, key=lambda om: math.prod(om.sizes_hw[0]))
        rgb = read_photo(photos[0]).rgb
        pixel_values, _ = preprocess(rgb, engine.input, om.sizes_hw, card.mask_stride)
    operators = profile(card, om, toolkit, photos[0], pixel_values)
    if args.batch > 1:
        throughputs.append(
            _try_batch(card, made, best.tuning, toolkit, photos, args, throughputs[0])
        )
    print(format_report(card, facts, trials, best, stages, throughputs, memory, operators))


def _try(
    card: ModelCard, conversion: Conversion, toolkit: Toolkit, photos: Sequence[Path], rounds: int
) -> Trial:
    """Convert one size in one way and run it; a failure is part of the report."""
    tuning = conversion.tuning
    size = format_size(conversion.sizes_hw[0])
    print(f"Trying {tuning.precision} {tuning.sampling or ''} at {size}", file=sys.stderr)
    try:
        with _converted(card, conversion, toolkit) as (trial_card, om):
            return measure_trial(trial_card, om, tuning, photos, rounds)
    except KoutuError as error:
        print(f"It does not work: {error.text.en}", file=sys.stderr)
        return Trial(tuning, failure=error.text.en.splitlines()[0])


@contextmanager
def _converted(
    card: ModelCard, conversion: Conversion, toolkit: Toolkit
) -> Iterator[tuple[ModelCard, Artifact]]:
    """A copy of the model folder in a temporary place, with the one OM."""
    with tempfile.TemporaryDirectory(prefix="koutu-tune-") as name:
        folder = Path(name)
        graphs = tuple(artifact for artifact in card.artifacts if artifact.format == "onnx")
        for graph in graphs:
            (folder / graph.file).symlink_to(card.path(graph).resolve())
        trial_card = replace(card, folder=folder, artifacts=graphs)
        with redirect_stdout(sys.stderr):
            om = make_om(trial_card, conversion, toolkit)
        yield replace(trial_card, artifacts=(*graphs, om)), om


def _try_batch(
    card: ModelCard,
    single: Sequence[Artifact],
    tuning: Tuning,
    toolkit: Toolkit,
    photos: Sequence[Path],
    args: argparse.Namespace,
    throughput: Throughput,
) -> Throughput:
    """Make OMs for several photos, and put them into the card if they are faster."""
    print(f"Trying {args.batch} photos at once", file=sys.stderr)
    soc = str(single[0].soc)
    conversions = plan_conversions(card, soc, tuning, gears=False, batch=args.batch)
    names = {conversion.name for conversion in conversions}
    try:
        made = _make_oms(card, conversions, toolkit)
        onnx = [artifact for artifact in card.artifacts if artifact.format == "onnx"]
        alone = replace(card, artifacts=(*onnx, made[0]))
        trial = measure_trial(alone, made[0], tuning, photos, args.rounds)
        batched = _put_first(card, [*single, *made])
        with closing(AscendEngine(batched, tuning.precision)) as engine:
            measured = measure_throughput(batched, engine, photos, args.rounds)
    except KoutuError as error:
        _drop(card, names)
        return Throughput("", 0.0, args.batch, error.text.en.splitlines()[0])
    except BaseException:
        _drop(card, names)
        raise
    if not trial.is_accurate:
        measured = replace(
            measured, photos_per_s=0.0, failure="its cut-outs are not those of onnxruntime"
        )
    if measured.photos_per_s > throughput.photos_per_s:
        update_card(card.folder, partial(_put_first, made=[*single, *made]))
    else:
        _drop(card, names)
    return measured


def _drop(card: ModelCard, names: Collection[str]) -> None:
    """Remove OMs by the names of their conversions, with the reports beside them."""

    def without(card: ModelCard) -> ModelCard:
        kept = tuple(om for om in card.artifacts if Path(om.file).stem not in names)
        return replace(card, artifacts=kept)

    update_card(card.folder, without)
    for path in card.folder.iterdir():
        if path.name.partition(".")[0] in names:
            path.unlink()


def _make_oms(
    card: ModelCard, conversions: Sequence[Conversion], toolkit: Toolkit
) -> list[Artifact]:
    """Convert all sizes, and list each OM as soon as it is in the folder.

    Raises:
        ConversionError: atc failed.
    """
    made = []
    for conversion in conversions:
        with redirect_stdout(sys.stderr):
            om = make_om(card, conversion, toolkit)
        update_card(card.folder, partial(add_artifact, artifact=om))
        made.append(om)
    return made


def _put_first(card: ModelCard, made: Sequence[Artifact]) -> ModelCard:
    """Put OMs before the card's others."""
    files = {artifact.file for artifact in made}
    others = [artifact for artifact in card.artifacts if artifact.file not in files]
    onnx = [artifact for artifact in others if artifact.format == "onnx"]
    oms = [artifact for artifact in others if artifact.format == "om"]
    return replace(card, artifacts=(*onnx, *made, *oms))
